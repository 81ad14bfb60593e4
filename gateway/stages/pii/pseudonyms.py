"""Tags that stand for values: how they are made, and how they are found again when a model has mangled them.

A tag is `<ENTITY_xxxxxx>`: six signs of a keyed hash of tenant, caller, conversation, entity and value. Nobody without the
key can make one that stands for anything; the same value has the same tag in its conversation, and in no other.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from gateway.core.exchange import Exchange, Kind, Passage

SIGNS = 6  # of 32: two values of one conversation meet once in a billion, and then the second gets another tag
_WIDE = 0xFEE0  # from a sign to its full-width shape
_NARROW = {code + _WIDE: code for code in range(0x21, 0x7F)}
_REACH = 12  # code points after a tag that decide where it ends: two spaces, `&gt;`, a backslash


def scope_of(exchange: Exchange, key: bytes) -> str:
    """One conversation of one caller of one tenant. A chat sends its beginning again with every turn."""
    who = exchange.principal
    parts = (who.tenant if who else "", who.name if who else "", _opening(exchange.passages))
    told = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join([len(data).to_bytes(8, "big") + data for data in told])  # lengths: no two scopes read alike
    return hmac.digest(key, message, "sha256").hex()


def _opening(passages: Sequence[Passage]) -> str:
    """What the user said first. Not what stands before it: system prompts are the same in every conversation, or tell the time."""
    said = (passage.text for passage in passages if passage.role == "user" and passage.kind is Kind.PROSE)
    other = (passage.text for passage in passages if passage.kind is not Kind.IDENTIFIER)
    return next(said, None) or next(other, "")


class Tags:
    """Makes the tags of one scope, and keeps which value each stands for. `scope` is asked only when a tag is made."""

    def __init__(self, key: bytes, scope: Callable[[], str], known: Mapping[str, str]) -> None:
        self._key, self.scope = key, scope
        self.values: dict[str, str] = dict(known)
        self.fresh: dict[str, str] = {}  # those that nobody knew before
        self._tags = {(tag[1:].rpartition("_")[0], value): tag for tag, value in known.items()}

    def tag(self, entity: str, value: str) -> str:
        """The value's tag: the same again for the same value."""
        known = self._tags.get((entity, value))
        attempt = 0
        while known is None:
            tag = self._made(entity, value, attempt)
            if self.values.setdefault(tag, value) == value:
                known = self._tags[entity, value] = tag
                self.fresh[tag] = value
            attempt += 1
        return known

    def _made(self, entity: str, value: str, attempt: int) -> str:
        message = "\0".join((self.scope(), entity, str(attempt), value)).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, message, "sha256")
        return f"<{entity}_{base64.b32encode(digest[:5]).decode().lower()[:SIGNS]}>"


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds known tags in text, however a model wrote them: other case, spaces, brackets, escapes."""

    pattern: regex.Pattern[str]
    values: Mapping[str, str]  # canonical tag → value

    def value(self, found: str) -> str:
        return self.values[_canonical(found)]


def finder(pseudonyms: Sequence[tuple[str, str]]) -> Finder | None:
    """The finder for an exchange's tags; None where there are none."""
    return _finder(tuple(sorted(pseudonyms))) if pseudonyms else None


@lru_cache(maxsize=256)
def _finder(pseudonyms: tuple[tuple[str, str], ...]) -> Finder:
    tags = sorted({tag.strip("<>") for tag, _ in pseudonyms})
    cores = "|".join(_loose(tag) for tag in tags)
    opening = r"(?:(?:\\?[<＜〈《⟨«\[{(【「]|&lt;|&#60;|\\u003[cC])\s{0,2}){1,2}"
    closing = r"(?:\s{0,2}(?:\\?[>＞〉》⟩»\]})】」]|&gt;|&#62;|\\u003[eE])){1,2}"
    pattern = regex.compile(
        rf"(?:{opening}|(?<![A-Za-z0-9_]))(?:{cores})(?:{closing}|(?![A-Za-z0-9_]))", regex.IGNORECASE
    )
    return Finder(pattern, {_canonical(tag): value for tag, value in pseudonyms})


def _loose(tag: str) -> str:
    """The tag's letters, full-width or not, with what models put between its words."""
    gap = r"(?:\s|\\[nrt])"  # JSON writes a line's end as two signs
    between = rf"(?:{gap}{{0,2}}\\{{0,2}}[_＿\-\u2010-\u2015]{gap}{{0,2}}|{gap}{{1,2}}|)"
    return between.join("".join(f"[{sign}{chr(ord(sign) + _WIDE)}]" for sign in word) for word in tag.split("_"))


def _canonical(found: str) -> str:
    plain = re.sub(r"&lt;|&gt;|&#6[02];|\\u003[cCeE]|\\[nrt]", "", found).translate(_NARROW)
    return re.sub(r"[^A-Za-z0-9]", "", plain).lower()


class Restoring:
    """Puts values back into a text that arrives. `write` turns a value into what fits there."""

    __slots__ = ("_buffer", "_finder", "_left", "_write")

    def __init__(self, finder: Finder, *, in_json: bool) -> None:
        self._finder = finder
        self._write = _in_json if in_json else str
        self._buffer = ""
        self._left = ""  # the last character that has left: a word may not begin after it

    def feed(self, text: str) -> str:
        self._buffer += text
        return self._run(ended=False)

    def finish(self) -> str:
        return self._run(ended=True)

    def _run(self, *, ended: bool) -> str:
        text, out = self._left + self._buffer, []
        begin = at = len(self._left)
        while True:
            found = self._finder.pattern.search(text, at, partial=not ended)
            if found is None:
                break
            if not ended and (found.partial or len(text) - found.end() < _REACH):
                out.append(text[at : found.start()])
                at = found.start()
                return self._emit(text, at, begin, out)
            out += (text[at : found.start()], self._write(self._finder.value(found.group())))
            at = found.end()
        out.append(text[at:])
        return self._emit(text, len(text), begin, out)

    def _emit(self, text: str, at: int, begin: int, out: list[str]) -> str:
        self._buffer = text[at:]
        if at > begin or at == begin == 1:
            self._left = text[at - 1 : at]
        return "".join(out)


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
