"""Codes of letters and digits: papers, organisations, accounts, vehicles, each with its validator or the word it needs.

Every shape stands alone between signs that cannot belong to it, by ASCII alone: Han text may touch either side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from gateway.detect import validators as valid
from gateway.detect.span import Span
from gateway.detect.view import View

Found = tuple[str, float, str] | None

_L, _R = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
_SHAPES: Mapping[str, str] = {
    "uscc": rf"{_L}[0-9AN-Y][0-9A-G][0-9]{{6}}[0-9A-HJ-NP-RTUWXY]{{9}}[0-9A-HJ-NP-RTUWXY]{_R}",
    "iban": rf"{_L}[A-Za-z]{{2}}[0-9]{{2}}(?:[A-Za-z0-9]{{11,30}}|(?:[ \-]?[A-Z0-9]{{4}}){{2,7}}(?:[ \-]?[A-Z0-9]{{1,4}})?){_R}",
    "vin": rf"{_L}[A-HJ-NPR-Z0-9]{{11}}[A-HJ-NPR-Z0-9]{{2}}[0-9]{{4}}{_R}",
    "tw_id": rf"{_L}[A-Z][12][0-9]{{8}}{_R}",
    "sg_id": rf"{_L}[STFGM][0-9]{{7}}[A-Z]{_R}",
    "nino": rf"{_L}(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[A-D]{_R}",
    "hk_id": rf"{_L}[A-Z]{{1,2}}[0-9]{{6}}(?:\([0-9A]\)|[0-9A](?![A-Za-z0-9(]))",
    "mo_id": rf"{_L}[1578](?:[0-9]{{6}}\([0-9]\)|/[0-9]{{6}}/[0-9]{_R})",
    "passport": rf"{_L}(?:[EGegDSPKHdspkh][0-9]{{8}}|[Ee][A-HJ-NP-Za-hj-np-z][0-9]{{7}}|(?:DE|SE|PE|KJ|HJ|MA|MB|de|se|pe|ma|mb)[0-9]{{7}}|[DSPdsp][0-9]{{7}}|1[45][0-9]{{7}}|[A-Z][A-Z0-9][0-9]{{5,7}}){_R}",
    "permit": rf"{_L}[CWLTHMcwlthm](?:[0-9]{{8}}(?:[0-9]{{2}})?|[A-Z][0-9]{{7}}){_R}",
    "old_tw": rf"{_L}[0-9]{{10}}\(?[A-Z]\)?{_R}",
    "org": rf"{_L}[0-9A-Z]{{8}}-[0-9X]{_R}",
    "org_bare": rf"{_L}[0-9A-Z]{{8}}[0-9X]{_R}",
    "green_card": rf"{_L}[A-Z]{{3}}[0-9]{{12}}{_R}",
    "social": rf"{_L}[A-Z][0-9]{{8}}{_R}",
    "licence": rf"{_L}(?:[A-Z]{{1,2}}[0-9]{{5,14}}|[A-Z][0-9]{{3}}(?:-[0-9]{{2,4}}){{2,4}}(?:-[0-9])?|[A-Z9]{{5}}[0-9]{{6}}[A-Z9]{{2}}[A-Z0-9]{{3}}){_R}",
    "bitcoin": rf"{_L}(?:bc1[ac-hj-np-z02-9]{{25,59}}|[13][a-km-zA-HJ-NP-Z1-9]{{25,34}}){_R}",
    "ethereum": rf"{_L}0x[0-9a-fA-F]{{40}}{_R}",
}
_FIRST = (
    "uscc",
    "iban",
    "green_card",
    "vin",
    "tw_id",
    "sg_id",
    "nino",
    "hk_id",
    "mo_id",
    "org",
    "old_tw",
    "passport",
    "permit",
    "licence",
    "bitcoin",
    "ethereum",
    "org_bare",
    "social",
)
# Looked at where a word begins: every shape asks for that.
_CODES = re.compile(_L + "(?:" + "|".join(f"(?P<{name}>{_SHAPES[name].removeprefix(_L)})" for name in _FIRST) + ")")
_CN_PASSPORT = re.compile(
    r"[EGDSPKH][0-9]{8}$|E[A-HJ-NP-Z][0-9]{7}$|(?:DE|SE|PE|KJ|HJ|MA|MB)[0-9]{7}$|[DSP][0-9]{7}$|1[45][0-9]{7}$",
    re.IGNORECASE,
)
_PERMIT = re.compile(r"[CWLTHM](?:[0-9]{8}(?:[0-9]{2})?|[A-Z][0-9]{7})$", re.IGNORECASE)
_CODEABLE = re.compile(
    r"[A-Za-z]|[0-9]\([0-9]\)|(?<![0-9])1[45][0-9]{7}(?![0-9])|(?<![0-9])[0-9]{8}-[0-9X]|(?<![0-9])[1578]/[0-9]{6}/[0-9]"
)  # every code has a letter, but two


def codes(view: View) -> list[Span]:
    """Codes with letters and digits, each with its validator or its cue."""
    text, at, end = view.text, view.start, view.end
    spans: list[Span] = []
    if _CODEABLE.search(text, at, end) is None:
        return spans
    if text.find("IBAN", at, end) >= 0 or text.find("VIN", at, end) >= 0:
        spans += _glued(view)
    while (found := _CODES.search(text, at, end)) is not None:
        span = _code(view, found)
        if span is not None:
            spans.append(span)
        at = found.end() if span is not None else found.start() + 1
    return spans


def _glued(view: View) -> Iterator[Span]:
    """Behind its word, with nothing between: IBANGB29…"""
    for word in _GLUED.finditer(view.text, view.start, view.end):
        name = word.group().lower()
        behind = _BEHIND[name].match(view.text, word.end(), view.end)
        judged = behind and _JUDGES[name](view, word.end(), behind.end(), behind.group())
        if behind and judged:
            yield _span(view, word.end(), behind.end(), judged)


def _code(view: View, found: re.Match[str]) -> Span | None:
    """The shapes overlap: the first that fits the place and holds is it."""
    start = found.start()
    first = _FIRST.index(found.lastgroup or "")
    for name in _FIRST[first:]:
        again = _COMPILED[name].match(view.text, start, view.end)
        judged = again and _JUDGES[name](view, start, again.end(), again.group())
        if again and judged:
            return _span(view, start, again.end(), judged)
    return None


def _span(view: View, start: int, end: int, what: tuple[str, float, str]) -> Span:
    return Span(view.at(start), view.until(end), *what)


def _uscc(view: View, start: int, end: int, text: str) -> Found:
    if text[:17].isdigit() and valid.id_plausible(text):
        return None  # an identity card, mistyped so that the check happens to be right
    if valid.uscc_digits(text) if text.isdigit() else valid.uscc(text):
        return "CN_USCC", 1.0, "uscc"
    return ("CN_USCC", 0.6, "uscc_cue") if view.cued(start, end, "TAX") or _credit(view, start) else None


def _credit(view: View, start: int) -> bool:
    at = view.at(start)
    return "信用代码" in view.raw[max(0, at - 16) : at]


def _iban(view: View, start: int, end: int, text: str) -> Found:
    written = text.replace(" ", "").replace("-", "")
    if not valid.iban(written.upper()) or (not written.isupper() and not view.cued(start, end, "CARD")):
        return None
    return "IBAN_CODE", 1.0, "iban"


def _vin(view: View, start: int, end: int, text: str) -> Found:
    letters = sum(map(str.isalpha, text))
    mixed = text[8] == "X" or any(sign.isdigit() for sign in text[:9])  # an X in the ninth place is a check digit
    if mixed and letters >= 3 and valid.vin(text):
        return "VIN", 0.85, "vin"
    return ("VIN", 0.7, "vin_cue") if letters and view.cued(start, end, "VIN") else None


def _hk(view: View, start: int, end: int, text: str) -> Found:
    letters = text.rstrip("()0123456789A") if text[1].isdigit() else text[:2]
    letters = text[:1] if text[1].isdigit() else text[:2]
    rest = text[len(letters) :].replace("(", "").replace(")", "")
    right = valid.hk_id(letters, rest[:6], rest[6:])
    if "(" in text:
        if right:
            return "HK_ID_CARD", 0.95, "hk_id"
        return ("HK_ID_CARD", 0.6, "hk_id_shape") if view.cued(start, end, "HK_ID") else None
    return ("HK_ID_CARD", 0.7, "hk_id") if right and view.cued(start, end, "HK_ID") else None


def _on_cue(name: str, entity: str, score: float, rule: str) -> Callable[[View, int, int, str], Found]:
    return lambda view, start, end, text: (entity, score, rule) if view.cued(start, end, name) else None


def _checked(
    check: Callable[[str], bool], entity: str, score: float, rule: str
) -> Callable[[View, int, int, str], Found]:
    return lambda view, start, end, text: (entity, score, rule) if check(text) else None


def _passport(view: View, start: int, end: int, text: str) -> Found:
    """China's shapes first; another country's are two letters or one, and five digits or more."""
    if not view.cued(start, end, "PASSPORT"):
        return None
    if _PERMIT.match(text) and view.nearer(start, "PERMIT", "PASSPORT"):
        return _permit(view, start, end, text)
    if _CN_PASSPORT.match(text):
        return "CN_PASSPORT", 0.85, "passport"
    us = len(text) == 9 and text[1:].isdigit()
    return ("US_PASSPORT" if us else "PASSPORT", 0.7, "passport_other")


def _permit(view: View, start: int, end: int, text: str) -> Found:
    if not view.cued(start, end, "PERMIT"):
        return None
    entity = {"H": "CN_HOME_PERMIT", "M": "CN_HOME_PERMIT", "L": "CN_TW_PERMIT", "T": "CN_TW_PERMIT"}
    return entity.get(text[0].upper(), "CN_HK_MO_PERMIT"), 0.8, "permit"


def _green_card(view: View, start: int, end: int, text: str) -> Found:
    """Three letters of a country, a place, six digits of a date: that alone tells it, and its word makes it sure."""
    dated = valid.id_old_plausible(text[3:7] + "00" + text[7:13] + "000")
    if view.cued(start, end, "PERMIT"):
        return "CN_RESIDENCE_PERMIT", 0.85 if dated else 0.7, "green_card"
    return ("CN_RESIDENCE_PERMIT", 0.6, "green_card_shape") if dated else None


def _org(view: View, start: int, end: int, text: str) -> Found:
    cued = view.cued(start, end, "ORG")
    right = valid.org_code(text)
    if not cued or not (right or any(sign.isdigit() for sign in text[:8])):
        return None
    return "CN_ORG_CODE", 0.85 if right else 0.6, "org_code"


_JUDGES: Mapping[str, Callable[[View, int, int, str], Found]] = {
    "uscc": _uscc,
    "iban": _iban,
    "vin": _vin,
    "tw_id": _checked(valid.tw_id, "TW_ID_CARD", 0.85, "tw_id"),
    "sg_id": _checked(valid.sg_id, "SG_NRIC_FIN", 0.85, "sg_nric"),
    "nino": lambda view, start, end, text: ("UK_NINO", 0.7, "nino"),
    "hk_id": _hk,
    "mo_id": _on_cue("HK_ID", "MO_ID_CARD", 0.7, "mo_id"),
    "passport": _passport,
    "permit": _permit,
    "old_tw": _on_cue("PERMIT", "CN_TW_PERMIT", 0.7, "permit_old"),
    "org": _org,
    "org_bare": _org,
    "green_card": _green_card,
    "social": _on_cue("SOCIAL", "CN_SOCIAL_SECURITY", 0.7, "social"),
    "licence": _on_cue("LICENCE", "US_DRIVER_LICENSE", 0.65, "licence_cue"),
    "bitcoin": _checked(valid.bitcoin, "CRYPTO", 0.95, "bitcoin"),
    "ethereum": lambda view, start, end, text: ("CRYPTO", 0.8, "ethereum"),
}
_COMPILED = {name: re.compile(shape) for name, shape in _SHAPES.items()}
_GLUED = re.compile(r"(?<![A-Za-z0-9_])(?:IBAN|VIN)(?=[A-Z0-9]{4})")
_BEHIND = {name: re.compile(_SHAPES[name].removeprefix(_L)) for name in ("iban", "vin")}
