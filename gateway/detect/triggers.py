"""One pass over a text for many expressions at once: which occur, and where each ends. What an event means is not known here.

Hyperscan does it; where it cannot be loaded, google-re2's Set says which occur and `re` finds the places. Either way the
expressions must be the common core of both: no look-around, no back-references.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Trigger:
    """An expression that must occur wherever a family of things occurs. `family` is a bit."""

    pattern: str
    family: int
    caseless: bool = False


class Engine(Protocol):
    """Events as (code point where a match ends, family), in order of place."""

    def events(self, text: str) -> list[tuple[int, int]]: ...


def engine(triggers: Sequence[Trigger]) -> Engine:
    """The fastest engine this machine can load."""
    try:
        return Hyperscan(triggers)
    except ImportError:
        return Re2(triggers)


class Hyperscan:
    """One database shared by all threads; scratch space is each thread's own, since a shared one fails under load."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        import hyperscan

        from gateway.detect import compiled

        self._families = tuple(trigger.family for trigger in triggers)
        flags = [
            hyperscan.HS_FLAG_UTF8 | (hyperscan.HS_FLAG_CASELESS if trigger.caseless else 0) for trigger in triggers
        ]
        self._database = compiled.database([trigger.pattern.encode() for trigger in triggers], flags)
        self._scratch: Any = hyperscan.Scratch
        self._local = threading.local()

    def events(self, text: str) -> list[tuple[int, int]]:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._scratch(self._database)
        # A lone surrogate, which JSON can carry, must not stop the scan: "?" keeps one character one character.
        data = text.encode("utf-8", "replace")
        found: list[tuple[int, int]] = []
        self._database.scan(data, match_event_handler=_keep, context=found, scratch=scratch)
        if not found:
            return found
        families = self._families
        events = sorted({(end, families[which]) for which, end in found})
        return events if len(data) == len(text) else _as_code_points(data, events)


def _keep(which: int, start: int, end: int, flags: int, found: Any) -> None:
    found.append((which, end))


class Re2:
    """The fallback: a Set tells which expressions occur; only those are looked for."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        import re2

        self._set = re2.Set.SearchSet()
        for trigger in triggers:
            self._set.Add(f"(?i){trigger.pattern}" if trigger.caseless else trigger.pattern)
        self._set.Compile()
        self._patterns = [
            (re.compile(_python(trigger.pattern), re.IGNORECASE if trigger.caseless else 0), trigger.family)
            for trigger in triggers
        ]

    def events(self, text: str) -> list[tuple[int, int]]:
        hits: Iterable[int] = self._set.Match(text.encode("utf-8", "replace").decode()) or ()
        found = {
            (matched.end(1), self._patterns[hit][1])
            for hit in hits
            for matched in self._patterns[hit][0].finditer(text)
        }
        return sorted(found)


def _python(pattern: str) -> str:
    r"""Every place a match ends, by looking ahead; `\x{a0}` is spelt as `re` wants it."""
    return f"(?=({_WIDE.sub(lambda found: chr(92) + 'U' + found.group(1).zfill(8), pattern)}))"


_WIDE = re.compile(r"\\x\{([0-9a-f]+)\}")


def _as_code_points(data: bytes, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
    placed: list[tuple[int, int]] = []
    last, count = 0, 0
    for end, family in events:
        if end != last:
            count += len(data[last:end].decode("utf-8", "replace"))
            last = end
        placed.append((count, family))
    return placed
