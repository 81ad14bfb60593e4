"""Is an attack being made, or talked about? Quotation marks around it and a question outside them say the latter."""

from __future__ import annotations

import re

_PAIRS = {'"': '"', "“": "”", "‘": "’", "`": "`", "「": "」", "『": "』", "«": "»", "《": "》", "'": "'"}
REACH = 400  # characters either side: quotations longer than this are documents, not mentions
_TALK = re.compile(
    r"(?i)\b(?:what (?:does|is|are|do)|why (?:do|does|is|are)|how (?:do|does|can|could|should|would) (?:i|we|you|one|an?|the)"
    r"|explain|classif|detect|prevent|defend|protect|block|filter|sanitiz|mitigat|example of|examples|translate|mean(?:s|ing)"
    r"|attackers?|adversar\w+|malicious|vulnerab\w+|exploit\w*|untrusted|contains text like|attack (?:pattern|vector|surface)s?|payloads?|injected"
    r"|regex|unit test|test case|log line|error message|commit message|prompt injection|jailbreak(?:s|ing)? (?:attempt|prompt|attack)s?"
    r"|is (?:this|it) (?:a|an|safe)|phrase|sentence|string|quote)\b"
    r"|什么意思|是什么|为什么|如何|怎么|解释|检测|防止|防御|防范|过滤|拦截|识别|例如|比如|示例|翻译|这句|短语|提示词?注入|是否属于"
)


def quoted(text: str, start: int, end: int) -> bool:
    """Is this span inside one pair of quotation marks? Looks at most `REACH` characters either way."""
    before = text[max(0, start - REACH) : start]
    after = text[end : end + REACH]
    return any(_opens(before, opening, closing) and closing in after for opening, closing in _PAIRS.items())


def _opens(before: str, opening: str, closing: str) -> bool:
    if opening == closing:
        return before.count(opening) % 2 == 1 if opening != "'" else _apostrophe_opens(before)
    return before.rfind(opening) > before.rfind(closing)


def _apostrophe_opens(before: str) -> bool:
    """A single quote opens only after a space or at the beginning: most are apostrophes."""
    last = max((match.end() for match in re.finditer(r"(?:^|[\s(:,])'", before)), default=-1)
    return last >= 0 and re.search(r"'(?:[\s).,;:?!]|$)", before[last:]) is None


def is_talk(text: str, start: int, end: int) -> bool:
    """Does the text around a quotation ask about it, explain it or defend against it?"""
    around = text[max(0, start - REACH) : start] + " … " + text[end : end + REACH]
    return _TALK.search(around) is not None


_TOLD = re.compile(
    r"(?i)\b(?:they|it|which|that|who|attackers?|adversar(?:y|ies)|hackers?|injections?|payloads?|prompts?|inputs?|contents?|texts?|documents?|pages?|tools?)"
    r"\s+(?:can|could|may|might|would|tr(?:y|ies) to|attempts? to|(?:(?:is|are) )?(?:able|designed|meant|crafted|intended|used) to)\s+(?:\w+ly\s+)?$"
    r"|\b(?:instruct|tell|trick|caus|lead|forc|manipulat|gett?|convinc|persuad|ask|direct|command)(?:s|es|ing) (?:it|them|(?:the|an?|your|our) (?:\w+ )?"
    r"(?:models?|assistants?|agents?|llms?|ais?|chatbots?|bots?|systems?)) to\s+(?:\w+ly\s+)?$"
    r"|\b(?:cannot|can not|can.t|could not|couldn.t|unable to|must not|should not|does not|not to|does (?:\w+ ){1,3})\s*$"
)


def is_told(text: str, start: int) -> bool:
    """Does the sentence say of others that they may do what begins here? `They can override …` orders nobody."""
    return _TOLD.search(text[max(0, start - _CLAUSE) : start]) is not None


_CLAUSE = 80  # characters before a match that are looked at
