"""The one-page finding: a trace in words a lawyer, a manager and the person named can read, in Chinese or English.

Markdown. It quotes nothing of the leaked text beyond its digest. Not here: the verdict itself (`watermark.tracer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from watermark.labels import Language
from watermark.tracer import CAVEATS, Candidate, Trace

Ground = Literal["convicts", "keyed", "lead", "none"]

_CAVEATS_ZH = {
    "same_text": "未发现可用的隐形标记：只能说明与该次回答文字相同，不能说明由谁泄露",
    "background": "部分文字出自提示词或他人同样拥有的文档，已不计入",
    "short": "有效文字不足一百二十个：相同的常用语更可能是巧合",
    "not_bound": "标记与其周围文字不能充分对应；可能经过改动，也可能是移植",
    "no_content": "未留存该次回答的文本，无法比对标记周围的文字",
    "distrusted": "该期密钥已失密：持有密钥者可以伪造标记",
    "spliced": "该文由多次回答拼接而成；各来源分别列出其所在位置",
    "transplanted": "标记属实，但周围文字并非签发时的文字",
    "duplicates": "多次请求得到了同样的文字；没有标记时无法区分",
}
_VERDICTS: dict[Language, dict[str, str]] = {
    "en": {
        "request": "The text comes from one exchange.",
        "user": "The text comes from one user; which of several exchanges cannot be told.",
        "set": "The text comes from the exchanges listed below; no single one can be named.",
        "ours_unattributed": "The text carries a mark made with our keys, but no record says whom it was issued to.",
        "transplanted": "The text carries marks of ours in words they were not issued with. Nobody is named.",
        "unknown": "Nothing connects the text with an answer of ours.",
    },
    "zh": {
        "request": "该文出自一次确定的请求。",
        "user": "该文出自同一用户；无法确定是其多次请求中的哪一次。",
        "set": "该文出自下列请求；不能确定其中某一个。",
        "ours_unattributed": "该文带有以我方密钥制作的标记，但没有签发对象的记录。",
        "transplanted": "该文带有我方标记，但其文字并非签发时的文字。不指认任何人。",
        "unknown": "没有发现该文与我方任何回答有关联。",
    },
}
_GROUNDS: dict[Language, dict[Ground, str]] = {
    "en": {
        "convicts": "Proven: a keyed mark with a chance of error of at most one in a billion, bound to its words, in the text on record.",
        "keyed": "A keyed mark names the source, but not every condition of proof is met (see the reservations).",
        "lead": "A lead, not proof: the words agree, no mark does.",
        "none": "No source is named.",
    },
    "zh": {
        "convicts": "已证实：密钥标记的误认概率不超过十亿分之一，与周围文字对应，且与留存文本一致。",
        "keyed": "密钥标记指明了来源，但未满足全部证明条件（见保留意见）。",
        "lead": "仅为线索，不是证明：文字一致，但没有标记。",
        "none": "不指认任何来源。",
    },
}
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Finding on a leaked text", "at": "Made", "asked": "Asked by", "reason": "Reason", "digest": "SHA-256 of the text",
        "verdict": "Verdict", "ground": "Ground", "p": "Chance of naming somebody wrongly", "lead_p": "measured share of strangers' texts that look alike",
        "sources": "Sources", "columns": "exchange | tenant | user | issued | chance of error | shared passages | marks at", "none": "none",
        "layers": "What speaks",
        "reservations": "Reservations", "limits": "What this cannot say",
        "limit_text": "That the person named passed the text on: it says whose answer the text was. Accounts are shared, screens are read "
        "over shoulders, files are copied. Whoever holds two answers can move marks between passages that both have. Hear the person first.",
    },
    "zh": {
        "title": "泄露文本溯源结论", "at": "出具时间", "asked": "申请人", "reason": "事由", "digest": "文本的 SHA-256",
        "verdict": "结论", "ground": "依据", "p": "误认概率", "lead_p": "与他人文本相似的实测比例",
        "sources": "来源", "columns": "请求 | 租户 | 用户 | 签发时间 | 误认概率 | 相同段落 | 标记位置", "none": "无",
        "layers": "依据的层",
        "reservations": "保留意见", "limits": "本结论不能说明的事",
        "limit_text": "不能说明是被列出的人传出了该文：它只说明该文是给谁的回答。账号可能共用，屏幕可能被旁人看到，文件可能被复制；"
        "同时持有两份回答的人可以在相同段落之间移动标记。请先听取当事人的说明。",
    },
}  # fmt: skip


_LAYERS: dict[Language, dict[str, str]] = {
    "en": {"l1": "keyed marks", "content": "the text on record", "l2": "the choice of words", "l3": "shared passages"},
    "zh": {"l1": "密钥标记", "content": "留存文本", "l2": "用词选择", "l3": "相同段落"},
}
_MOST_SPANS = 6  # places of marks listed for each source: the page stays one page


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who asked, why and when; all handed in, all printed."""

    at: str
    asked_by: str
    reason: str


def finding(found: Trace, text: str, occasion: Occasion, language: Language) -> str:
    """The page, as Markdown."""
    words = _WORDS[language]
    chance = (
        words["none"]
        if found.p is None
        else f"{found.p:.1e}" + (f" ({words['lead_p']})" if _ground(found) == "lead" else "")
    )
    head = [
        f"# {words['title']}",
        "",
        f"- {words['at']}: {_plain(occasion.at)}",
        f"- {words['asked']}: {_plain(occasion.asked_by)}",
        f"- {words['reason']}: {_plain(occasion.reason)}",
        f"- {words['digest']}: `{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}`",
        "",
        f"**{words['verdict']}**: {_VERDICTS[language][found.grade]}",
        "",
        f"**{words['ground']}**: {_GROUNDS[language][_ground(found)]}",
        "",
        f"**{words['p']}**: {chance}",
        "",
        f"**{words['layers']}**: {', '.join(_LAYERS[language][layer] for layer in found.layers) or words['none']}",
        "",
        f"## {words['sources']}",
        "",
    ]
    return "\n".join([*head, *_sources(found, words), "", *_reservations(found, language), ""])


def _ground(found: Trace) -> Ground:
    if not found.traced:
        return "none"
    if found.layers[:1] != ("l1",):
        return "lead"
    return (
        "convicts" if found.convicts or (all(c.convicts for c in found.candidates) and not found.caveats) else "keyed"
    )


def _sources(found: Trace, words: dict[str, str]) -> list[str]:
    if not found.traced:
        return [words["none"]]
    return [
        f"| {words['columns']} |",
        "|---|---|---|---|---|---|---|",
        *(_row(candidate) for candidate in found.candidates),
    ]


def _row(candidate: Candidate) -> str:
    issued = candidate.issued
    chance = "–" if candidate.p is None else f"{candidate.p:.1e}"
    shared = "–" if candidate.overlap is None else f"{100 * candidate.overlap.coverage:.0f} %"
    spans = candidate.hit.spans if candidate.hit else ()
    places = ", ".join(f"{start}" for start, _ in spans[:_MOST_SPANS]) + (" …" if len(spans) > _MOST_SPANS else "")
    cells = (issued.exchange, issued.tenant, issued.user, issued.issued_at)
    return "| " + " | ".join([*map(_plain, cells), chance, shared, places or "–"]) + " |"


def _reservations(found: Trace, language: Language) -> list[str]:
    words, said = _WORDS[language], CAVEATS if language == "en" else _CAVEATS_ZH
    listed = [f"- {said[name]}" for name in found.caveats] or [words["none"]]
    return [f"## {words['reservations']}", "", *listed, "", f"## {words['limits']}", "", words["limit_text"]]


def _plain(value: str) -> str:
    """Names come from elsewhere: no line breaks, no table cells, no markup of theirs."""
    return "".join(f"\\{char}" if char in "|\\`*_[]<>" else " " if char in "\r\n" else char for char in value)
