"""Is the text around a mark the text that was issued? Containment, spread and the places that agree.

Compares a leaked text with one stored answer, by its fingerprints, and by short stretches where its text is kept.
Not here: what follows from the answer (`watermark.tracer`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watermark.fingerprints import located
from watermark.registry import Issued
from watermark.skeleton import folded

PARTS = 8  # equal parts of the leak; a shared licence or greeting fills few of them, an edited copy fills most
_GRAM_LATIN, _GRAM_HAN = 7, 3  # short enough to survive every fourth word changed
_HAN_FROM = "\u2e80"


@dataclass(frozen=True, slots=True)
class Leak:
    """A leaked text made ready for comparing: its folded skeleton, and its stretches with their places."""

    bare: str
    stretches: tuple[tuple[int, int], ...]

    @staticmethod
    def of(visible: str, key: bytes) -> Leak:
        bare = folded(visible)
        return Leak(bare, tuple(located(bare, key)))

    @property
    def hashes(self) -> list[int]:
        return list(dict.fromkeys(value for value, _ in self.stretches))


@dataclass(frozen=True, slots=True)
class Overlap:
    """`shared` stretches, their share of the leak's, the share of the leak's eight parts they touch, short stretches."""

    shared: int
    coverage: float
    spread: float
    fine: float | None  # containment of 7-letter / 3-Han stretches; None when the answer's text is not kept

    @property
    def any(self) -> bool:
        """Enough to say that the words around a mark are those it was issued with."""
        return (self.shared >= 2 and self.coverage >= 0.06) or (self.fine is not None and self.fine >= 0.35)

    @property
    def strong(self) -> bool:
        """Enough to name an answer without any mark: most of the leak, or edited copies of most of its parts."""
        edited = self.spread >= 0.75 and (self.coverage >= 0.2 or (self.fine or 0.0) >= 0.4)
        return self.shared >= 4 and (self.coverage >= 0.5 or edited)


def compare(leak: Leak, issued: Issued, key: bytes) -> Overlap | None:
    """How much of the leak stands in the stored answer; None when neither its text nor fingerprints are kept."""
    bare = folded(issued.text) if issued.text is not None else None
    stored = set(issued.fingerprints) or ({value for value, _ in located(bare, key)} if bare is not None else set())
    if not stored and bare is None:
        return None
    places = [at for value, at in leak.stretches if value in stored]
    shared = len({value for value, _ in leak.stretches if value in stored})
    coverage = shared / len(leak.hashes) if leak.hashes else 0.0
    return Overlap(shared, coverage, _spread(places, len(leak.bare)), fine_containment(leak.bare, bare))


def _spread(places: Iterable[int], size: int) -> float:
    return len({PARTS * at // size for at in places}) / PARTS if size else 0.0


def fine_containment(part: str, whole: str | None) -> float | None:
    """Share of the short stretches of `part` (a folded skeleton) that occur in `whole`."""
    if whole is None:
        return None
    wanted = _grams(part)
    return len(wanted & _grams(whole)) / len(wanted) if wanted else 0.0


def _grams(bare: str) -> set[str]:
    return {
        bare[at : at + (_GRAM_HAN if char >= _HAN_FROM else _GRAM_LATIN)]
        for at, char in enumerate(bare[: len(bare) - _GRAM_HAN + 1])
    }
