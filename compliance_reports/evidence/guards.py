"""E9–E11, E13, E18: were the checks made, in earnest, and what came of them? Pure functions of facts."""

from __future__ import annotations

from compliance_reports.evidence.counting import ASKED, BOTH, BY_ID, answered, ask, let_in, of, share, unknown
from compliance_reports.facts import Facts, Passed
from compliance_reports.model import NOTHING, Figure, Words

ATTACK_CODES = (
    *("attack_detected", "prompt_injection", "control_token_forged", "url_not_allowed", "schema_too_complex"),
)
LIMIT_CODES = ("rate_limited", "too_many_streams", "too_large")
METADATA = frozenset({"label:signed", "label:plain"})  # notes
OUTPUT_CODES = ("output_blocked", "personal_data_blocked", "tool_undeclared")

_QUALITY = Words(
    "that a check was made does not say how much it finds: see the evaluation results",
    "检查已执行不等于检出率，检出率见评测结果",
)


def unguarded(facts: Facts) -> Figure:
    """Exchanges let in that the attack rules did not look at."""
    return _unjudged(facts, "waf", _QUALITY)


def unredacted(facts: Facts) -> Figure:
    """Exchanges let in that the search for personal data did not look at."""
    return _unjudged(facts, "pii", _QUALITY)


def unlimited(facts: Facts) -> Figure:
    """Exchanges let in that no limit was asked about."""
    return _unjudged(facts, "limits", NOTHING)


def shadowed(facts: Facts) -> Figure:
    """Exchanges that the attack rules would have refused, had they not only been watching."""
    found = [one for one in facts.passed if "waf:shadow" in one.notes]
    return share(found, len(facts.passed), ask(facts, "--kind opened", select='.notes | index("waf:shadow")'))


def watching(facts: Facts) -> Figure:
    """Sections of the policy on disk that only watch."""
    rules = facts.around.rules
    if rules is None or not rules.modes:
        return unknown("the policy on disk could not be read", "无法读取磁盘上的策略")
    return Figure(sum(mode != "enforce" for mode in rules.modes.values()), len(rules.modes))


def attacks(facts: Facts) -> Figure:
    """Requests refused as attacks."""
    found = [one for one in facts.passed if one.code in ATTACK_CODES]
    return share(found, len(facts.passed), ask(facts, "--kind opened", select=_one_of(ATTACK_CODES)))


def stopped(facts: Facts) -> Figure:
    """Answers stopped because something in them must not leave."""
    found = [one for one in facts.passed if one.end_code in OUTPUT_CODES]
    return of(found, len(answered(facts)), ask(facts, "--kind closed", select=_one_of(OUTPUT_CODES)))


def faults(facts: Facts) -> Figure:
    """Exchanges in which a check failed. They were refused, never passed on; a control that fails is still a gap."""
    found = [one for one in facts.passed if one.fault]
    query = ask(facts, select='(.fault // "") != "" or any(.rulings[]?; (.fault // "") != "")')
    return share(found, len(facts.passed), query)


def let_through(facts: Facts) -> Figure:
    """Exchanges answered although a check failed."""
    found = [one for one in facts.passed if one.fault and one.outcome == "answered"]
    return share(found, len(facts.passed), ask(facts, "--outcome answered", select='.fault != ""'))


def degraded(facts: Facts) -> Figure:
    """Exchanges in which personal data was looked for with less than the policy wants."""
    found = [one for one in facts.passed if "pii:degraded" in one.notes]
    return share(found, len(facts.passed), ask(facts, "--kind opened", select='.notes | index("pii:degraded")'))


def kept_unseen(facts: Facts) -> Figure:
    """Texts kept on record although redaction never saw them."""
    found = [one for one in facts.passed if one.kept and one.withheld]
    return share(
        found, len(facts.passed), ask(facts, "--kind opened", select='.withheld and any(.passages[]; .text != "")')
    )


def personal(facts: Facts) -> Figure:
    """Exchanges with personal data in the prompt or the answer."""
    found = [one for one in facts.passed if any(kind == "pii" for kind, _ in (*one.found, *one.answer_found))]
    query = ask(facts, select='any(.findings[]?, .rulings[]?.findings[]?; .kind == "pii")')
    return share(found, len(facts.passed), query)


def limited(facts: Facts) -> Figure:
    """Requests refused for being too many or too much."""
    found = [one for one in facts.passed if one.code in LIMIT_CODES]
    return share(found, len(facts.passed), ask(facts, "--kind opened", select=_one_of(LIMIT_CODES)))


def unmetered(facts: Facts) -> Figure:
    """Answers whose tokens were not counted."""
    found = [one for one in answered(facts) if one.outcome == "answered" and one.tokens < 0]
    among = [one for one in answered(facts) if one.outcome == "answered"]
    return share(
        found,
        len(among),
        ask(
            facts,
            "--outcome answered",
            select='.usage == null and any(.answers[]; .length > 0 and (.channel | endswith("content")))',
        ),
    )


def unmarked(facts: Facts) -> Figure:
    """Answers in prose that left without a traceable mark."""
    prose = [one for one in answered(facts) if not one.structured]
    if not prose:
        return unknown("there were no answers in prose", "期间没有文本回答")
    gap = Words(
        "the record holds the mark that was issued; whether a text still carries it is for `hangu trace`. "
        "Answers for programs (JSON mode, grammars, tools) are never marked",
        "记录保存的是签发的标记；文本是否仍带有标记须用 `hangu trace` 检验。供程序使用的回答（JSON、语法、工具）不加标记",
    )
    program = (
        '$c[] | select(.mark == 0 and any(.answers[]; .length > 0 and (.channel | endswith("content")))'
        " and ($o[.id].parameters.structured | not))"
    )
    query = ask(facts, *BOTH, join=BY_ID + program)
    return share([one for one in prose if not one.mark], len(prose), query, gap)


def unlabelled(facts: Facts) -> Figure:
    """Answers in prose without words that say a machine wrote them."""
    prose = [one for one in answered(facts) if not one.structured]
    query = ask(facts, "--kind closed")
    if not any(one.labelled for one in prose):
        return unknown(
            "no answer carries a label in its text: whoever shows answers to people must, and is not seen here",
            "回答文本中均无显式标识：应由向用户展示内容的应用添加，此处不可见",
            query,
        )
    gap = Words(
        "only words at the beginning or end of the text are looked for, not labels that an application shows beside it",
        "仅检查文本首尾的标识文字，不含应用在旁展示的标识",
    )
    return share([one for one in prose if not one.labelled], len(prose), query, gap)


def _unjudged(facts: Facts, stage: str, gap: Words) -> Figure:
    asked = [one for one in let_in(facts) if one.action in ASKED]
    found = [one for one in asked if not _ruled(one, stage)]
    query = ask(facts, "--kind opened", select=f'.code == "" and (any(.rulings[]; .stage == "{stage}") | not)')
    return share(found, len(asked), query, gap)


def _ruled(one: Passed, stage: str) -> bool:
    return stage in one.stages


def _one_of(codes: tuple[str, ...]) -> str:
    return " or ".join(f'.code == "{code}"' for code in codes)


def without_metadata(facts: Facts) -> Figure:
    """Answers that left without the AIGC object beside them, by the note that their requests have on record."""
    given = answered(facts)
    select = 'select(.notes // [] | any(startswith("label:signed") or startswith("label:plain")) | not)'
    query = ask(facts, "--kind opened", select=select)
    labelled = [one for one in given if any(note in METADATA for note in one.notes)]
    if not labelled:
        return unknown(
            "no answer is on record with metadata: see `metadata` in the policy's watermark.yaml",
            "记录中没有带元数据标识的回答，见策略 watermark.yaml 的 metadata",
            query,
        )
    gap = Words(
        "the record says what the answer was sent with; what a client did with it is not seen here",
        "记录说明回答随附了标识；客户端如何处理此处不可见",
    )
    return share([one for one in given if one not in labelled], len(given), query, gap)
