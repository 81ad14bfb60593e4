"""Names made of letters and digits that show what they are: e-mail, plates, messengers, machines. Codes with validators are `codes`' matter.

Every shape stands alone between signs that cannot belong to it, by ASCII alone: Han text may touch either side.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from gateway.detect.signs import MILITARY, PLATES
from gateway.detect.span import Span
from gateway.detect.view import View

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-@/=])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9\-@])"
)
_EMAIL_LOOSE = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.)+[A-Za-z]{2,24}(?![A-Za-z0-9\-@])"
)

_LED = re.compile("[/=]|@.*@", re.DOTALL)  # what may stand before an address that begins in the middle of a run
_L = r"(?<![A-Za-z0-9_])"
_MAC = re.compile(
    rf"{_L}(?<![0-9A-Fa-f][:\-])(?:[0-9A-Fa-f]{{2}}(?:(?::[0-9A-Fa-f]{{2}}){{5}}|(?:-[0-9A-Fa-f]{{2}}){{5}})|[0-9A-Fa-f]{{4}}(?:\.[0-9A-Fa-f]{{4}}){{2}})(?![A-Za-z0-9_:\-]|\.[0-9A-Fa-f])"
)
_IPV6 = re.compile(
    r"(?:(?<![0-9A-Za-z_.\[])|(?<=IP)(?!:[0-9A-Fa-f]))\[?(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z_:]|\.[0-9])(?:%[A-Za-z][A-Za-z0-9]{1,9})?(?:/[0-9]{1,3}(?![0-9]))?|(?<=\[)(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?=\])"
)
_PLATE = re.compile(
    rf"[{PLATES}][A-HJ-NP-Za-hj-np-z][·. \-]?(?:[A-HJ-NP-Za-hj-np-z][0-9A-HJ-NP-Za-hj-np-z][0-9]{{4}}|[0-9]{{5}}[A-HJ-NP-Za-hj-np-z]|[0-9A-HJ-NP-Za-hj-np-z]{{5}}|[0-9A-HJ-NP-Z]{{4}}[挂学警港澳领])(?![0-9A-Za-z])|使[0-9]{{6}}(?![0-9])|WJ[{PLATES}]?[0-9]{{4}}[0-9A-Z](?![0-9A-Za-z])"
)
_MILITARY = re.compile(rf"[{MILITARY}]字第[0-9A-Z]{{4,8}}号?")
_HANDLE = re.compile(r"(?:(?<![A-Za-z0-9_])|(?<=[vw]x))wxid_[a-z0-9]{10,24}(?![A-Za-z0-9_])")
_DIGITS = re.compile(r"[0-9]")


def emails(view: View) -> Iterator[Span]:
    """Addresses with an @; `git@host:path` is a place, not a person."""
    text, end = view.text, view.end
    if text.find("@", view.start, end) < 0:
        return
    for found in _EMAIL.finditer(text, view.start, end):
        if text[found.end() : found.end() + 1] == ":" and text[found.start() : found.start() + 4] == "git@":
            continue
        yield _span(view, found.start(), found.end(), ("EMAIL_ADDRESS", 1.0, "email"))
    if _LED.search(text, max(0, view.start - 1), end) is None:
        return
    for found in _EMAIL_LOOSE.finditer(text, view.start, end):
        left = text[found.start() - 1 : found.start()]
        if left in ("/", "=", "@") and "://" not in text[max(view.start, found.start() - 40) : found.start()]:
            yield _span(view, found.start(), found.end(), ("EMAIL_ADDRESS", 0.9, "email"))


def machines(view: View) -> list[Span]:
    """MAC and IPv6 addresses."""
    text, start, end = view.text, view.start, view.end
    colons = text.count(":", start, end)
    dotted = end - start >= 14 and text.count(".", start, end) >= 2
    found: list[Span] = []
    if colons >= 5 or dotted or text.count("-", start, end) >= 5:
        found += _macs(view)
    if colons >= 2 and not (found and (found[0].start, found[0].end) == (view.at(start), view.until(end))):
        found += _ipv6s(view)
    return found


def _macs(view: View) -> Iterator[Span]:
    for found in _MAC.finditer(view.text, view.start, view.end):
        if found.group() not in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "FF:FF:FF:FF:FF:FF"):
            yield _span(view, found.start(), found.end(), ("MAC_ADDRESS", 0.95, "mac"))


def _ipv6s(view: View) -> Iterator[Span]:
    text = view.text
    for found in _IPV6.finditer(text, view.start, view.end):
        low = found.start() + found.group().startswith("[")
        if text[low - 1 : low] == ":" and not _labelled(text, low):
            continue
        if _ipv6(re.split("[%/]", text[low : found.end()])[0]):
            yield _span(view, low, found.end(), ("IP_ADDRESS", 0.9, "ipv6"))


_LABEL = re.compile(r"[0-9A-Za-z_]{0,40}:$")
_WORD = re.compile(r"(?:[A-Za-z_]*[G-Zg-z_][A-Za-z_]*)?:$")


def _labelled(text: str, at: int) -> bool:
    """Is the colon before a place the end of a label, as in `ip:2001:db8::1`, and none of the address?"""
    label = _LABEL.search(text, max(0, at - 41), at)
    return (
        label is not None and text[label.start() - 1 : label.start()] != ":" and _WORD.match(label.group()) is not None
    )


def _ipv6(text: str) -> bool:
    """A clock, a slice and a C++ scope have colons too: six signs or more, a digit, and not only two-digit groups."""
    if len(text) < 6 or _DIGITS.search(text) is None or all(len(part) <= 2 for part in text.split(":")):
        return False
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def handles(view: View) -> Iterator[Span]:
    """Names that a messenger gave: they show what they are."""
    for found in _HANDLE.finditer(view.text, view.start, view.end):
        yield _span(view, found.start(), found.end(), ("CN_WECHAT", 0.9, "wxid"))


def plates(view: View) -> Iterator[Span]:
    """Number plates of China, and papers of its army: they begin with a Han letter."""
    text = view.text
    for found in _PLATE.finditer(text, view.start, view.end):
        sure = len(_DIGITS.findall(found.group())) >= 3
        if sure or view.cued(found.start(), found.end(), "PLATE"):
            yield _span(view, found.start(), found.end(), ("CN_PLATE", 0.95 if sure else 0.7, "plate"))
    for found in _MILITARY.finditer(text, view.start, view.end):
        yield _span(view, found.start(), found.end(), ("CN_MILITARY_ID", 0.9, "military"))


def _span(view: View, start: int, end: int, what: tuple[str, float, str]) -> Span:
    return Span(view.at(start), view.until(end), *what)
