"""E1–E5, E20, E21: is the record complete, whole, old enough, in order, and who read it? Pure functions of facts."""

from __future__ import annotations

from compliance_reports.evidence.counting import BOTH, BY_ID, ask, let_in, of, samples, share, told, unknown
from compliance_reports.facts import Facts
from compliance_reports.model import Figure, Sample, Words

MUST_SAY = ("address", "route", "action", "policy")  # of every exchange, beside time and identity
UNDER_WAY = 600_000  # milliseconds: an exchange younger than this when the record ends may still be going on
OFFSET = 1_000  # milliseconds: a clock further off than this puts records of two machines in the wrong order

_VERIFY = "hangu audit verify {}"


def gaps(facts: Facts) -> Figure:
    """Records that the verified log has and the reading lacks."""
    read = {head.origin: head.records for head in facts.heads}
    logs = facts.around.verification.logs
    if not logs:
        return unknown("the log was not verified", "日志未经校验", _verify(facts))
    missing = sum(max(0, log.records - read.get(log.origin, 0)) for log in logs)
    gap = Words("records written after the log was verified are not in this report", "校验之后写入的记录不在本报告之内")
    return Figure(missing, sum(log.records for log in logs), query=_verify(facts), gap=gap)


def unopened(facts: Facts) -> Figure:
    """Ends without a beginning: something was answered that was never asked on record."""
    return share(facts.orphans, len(facts.passed), ask(facts, *BOTH, join=BY_ID + "$c[] | select($o[.id] | not)"))


def unended(facts: Facts) -> Figure:
    """Exchanges that were let in and have no end, though there was time for one."""
    late = facts.period.until - UNDER_WAY
    found = [one for one in let_in(facts) if not one.outcome and one.at < late]
    gap = Words("exchanges of the last ten minutes may still be under way", "最后十分钟内的交互可能仍在进行")
    return share(
        found, len(let_in(facts)), ask(facts, *BOTH, join=BY_ID + '$o[] | select(.code == "" and ($c[.id] | not))'), gap
    )


def incomplete(facts: Facts) -> Figure:
    """Records of requests that do not say who, whence, what, or under which policy."""
    found = [
        one for one in facts.passed if not all(getattr(one, name) for name in MUST_SAY) or not (one.user or one.code)
    ]
    query = ask(facts, "--kind opened", select='.address == "" or .route == "" or .action == "" or .policy == ""')
    return share(found, len(facts.passed), query)


def problems(facts: Facts) -> Figure:
    """What verification found wrong."""
    checked = facts.around.verification
    if checked.fault:
        return unknown(f"the log could not be verified: {checked.fault}", f"日志无法校验：{checked.fault}")
    found = tuple(Sample("", -1, note=problem) for problem in checked.problems[:5])
    count = sum(log.records for log in checked.logs)
    return Figure(len(checked.problems), count, found, _verify(facts))


def unsealed(facts: Facts) -> Figure:
    """Records that no signed checkpoint covers yet."""
    logs = facts.around.verification.logs
    if not logs:
        return unknown("the log was not verified", "日志未经校验")
    return Figure(sum(log.records - log.sealed for log in logs), sum(log.records for log in logs), query=_verify(facts))


def copies(facts: Facts) -> Figure:
    """Places elsewhere whose checkpoints were compared with this log."""
    count = facts.around.verification.copies
    if not count:
        return unknown(
            "the settings name no second place for checkpoints (audit.second_path)",
            "设置中未指定检查点的第二存放处（audit.second_path）",
        )
    return Figure(count, query=_verify(facts))


def days(facts: Facts) -> Figure:
    """How far back the record reaches from the period's end."""
    if not facts.begins:
        return unknown("there are no records", "没有记录")
    held = (facts.period.until - facts.begins) / 86_400_000
    excuse = Words(
        f"the log began {held:.0f} days ago and nothing was removed since: it can show no more yet",
        f"日志始于 {held:.0f} 天前，此后未删除任何记录：目前无法证明更长的留存",
    )
    return Figure(round(held, 2), query=ask(facts, "--limit 1"), excuse=excuse)


def backwards(facts: Facts) -> Figure:
    """Exchanges that ended before they began: the clock was put back."""
    found = [one for one in facts.passed if one.outcome and one.ended < one.at]
    return share(
        found, len(facts.passed), ask(facts, *BOTH, join=BY_ID + "$c[] | select($o[.id] and .at < $o[.id].at)")
    )


def offset(facts: Facts) -> Figure:
    """Checks of the clock that found it off."""
    checks = told(facts, "clock.checked")
    if not checks:
        return unknown(
            "no check of the clock against a time source is on record",
            "记录中没有时钟与时间源比对的检查",
            ask(facts, "--outcome clock.checked"),
        )
    off = [one for one in checks if abs(_float(one.fact("offset_ms"))) > OFFSET]
    return share(off, len(checks), ask(facts, "--outcome clock.checked"))


def unknown_ends(facts: Facts) -> Figure:
    """Exchanges that a crash left without a known end."""
    found = [one for one in facts.passed if one.outcome == "unknown"]
    return share(found, len(facts.passed), ask(facts, "--outcome unknown"))


def interrupted(facts: Facts) -> Figure:
    """Requests turned away because the record could not be written: nothing passed unrecorded, but somebody waited."""
    found = [one for one in facts.passed if "audit_unavailable" in (one.code, one.end_code)]
    return share(found, len(facts.passed), ask(facts, "--code audit_unavailable"))


def recovered(facts: Facts) -> Figure:
    """Starts of the journal that had to mend what a crash left."""
    found = told(facts, "journal.recovered")
    return of(found, len(told(facts, "journal.started")), ask(facts, "--outcome journal.recovered"))


def unreasoned(facts: Facts) -> Figure:
    """Sealed originals that somebody read without saying why, or without a name."""
    reads = told(facts, "record.revealed")
    found = [one for one in reads if not one.fact("reason").strip() or not one.event.actor]
    query = ask(
        facts, "--outcome record.revealed", select='(.facts.reason // "" | test("\\\\S") | not) or .actor == ""'
    )
    gap = Words(
        "reading redacted records with operating-system rights leaves no trace here",
        "以操作系统权限读取已脱敏的记录不会在此留痕",
    )
    return of(found, len(reads), query, gap)


def reads(facts: Facts) -> Figure:
    """How often sealed originals were read."""
    found = told(facts, "record.revealed")
    return Figure(len(found), samples=samples(found), query=ask(facts, "--outcome record.revealed"))


def _verify(facts: Facts) -> str:
    return _VERIFY.format(facts.around.directory)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")  # a check that does not say how far off is no check
