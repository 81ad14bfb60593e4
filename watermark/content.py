"""Is the text around a mark the text that was issued? What a leak and one stored answer share, and in what order.

Only passages that keep their distance to one another count: a copy, however edited, lies along one diagonal of the
stored answer; shared phrases, licences and greetings are scattered. Works on fingerprints, and on short stretches
where the answer's text is kept. Not here: what follows from it (`watermark.tracer`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from watermark.fingerprints import WINDOW, located
from watermark.registry import Issued
from watermark.skeleton import folded

PARTS = 8  # equal parts of the leak; one shared passage fills few of them, an edited copy most
_GRAM_LATIN, _GRAM_HAN = 7, 3  # short enough to survive every fourth word changed
_HAN_FROM = "\u2e80"
_SPACING = (WINDOW + 1) / 2  # mean distance of kept stretches, for answers whose places are not kept
_LEAST_BAND, _BAND_SHARE = 24, 0.25  # letters a copy may drift by insertions and deletions
_FILLED = 0.15  # short stretches per letter that make an eighth count as copied
_COVERED = 5  # letters of a known stretch that are surely its own, in any script
_MOST_REPEATS = 8  # a stretch that stands in one answer more often places nothing
_JOINT = re.compile("([\u3400-\u9fff]{2})( ?)(?=([A-Za-z0-9]{2}))|([A-Za-z0-9]{2})( ?)(?=([\u3400-\u9fff]{2}))")

Pairs = Iterable[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Leak:
    """A leaked text made ready for comparing: its folded skeleton, and its stretches with their places."""

    bare: str
    stretches: tuple[tuple[int, int], ...]
    grams: tuple[tuple[int, int], ...]

    @staticmethod
    def of(visible: str, key: bytes) -> Leak:
        bare = folded(visible)
        return Leak(bare, tuple(located(bare, key)), tuple(_grams(bare)))

    @property
    def hashes(self) -> list[int]:
        return list(dict.fromkeys(value for value, _ in self.stretches))

    def without(self, known: Collection[int]) -> Leak:
        """What is left when stretches that everybody has are taken out, and short ones that begin within them."""
        spans = [(at, at + _COVERED) for value, at in self.stretches if value in known]
        covered = {place for start, end in spans for place in range(start, end)}
        kept = tuple((value, at) for value, at in self.stretches if value not in known)
        return Leak(self.bare, kept, tuple((value, at) for value, at in self.grams if at not in covered))


@dataclass(frozen=True, slots=True)
class Overlap:
    """What leak and answer share in order: stretches, their share, eighths touched, share of short stretches.

    Shares are of the shorter of the two texts: an answer that stands whole in a longer leak is found as well.
    `fine` is None where the answer's text is not kept; `least` is what it must reach to name an answer alone.
    """

    shared: int
    coverage: float
    spread: float
    fine: float | None
    least: float = 0.3

    @property
    def best(self) -> float:
        """The finest measure there is, for comparing answers with each other."""
        return self.coverage if self.fine is None else self.fine

    @property
    def any(self) -> bool:
        """Enough to say that the words around a mark are those it was issued with."""
        return (self.shared >= 2 and self.coverage >= 0.06) or (self.fine or 0.0) >= 0.25

    @property
    def likely(self) -> bool:
        """The same, where the marks themselves do not bind to these words."""
        copied = self.coverage >= 0.15 if self.fine is None else self.fine >= self.least - 0.1
        return self.shared >= 1 and copied and self.spread >= 0.5

    @property
    def strong(self) -> bool:
        """Enough to name an answer without any mark: most of the leak, or edited copies of most of its parts."""
        if self.shared < 2 or self.coverage >= 0.6:
            return self.shared >= 2
        copied = self.coverage >= 0.2 if self.fine is None else self.fine >= self.least
        return copied and self.spread >= 0.75


def compare(leak: Leak, issued: Issued, key: bytes) -> Overlap | None:
    """What the leak shares with the stored answer; None when neither its text nor fingerprints are kept."""
    if issued.fingerprints:
        stored = [(value, int(number * _SPACING)) for number, value in enumerate(issued.fingerprints)]
    elif issued.text is not None:
        stored = located(folded(issued.text), key)
    else:
        return None
    shorter = min(len(leak.stretches), len(stored))
    places = aligned(leak.stretches, stored, len(leak.bare))
    coverage = min(1.0, len(places) / shorter) if shorter else 0.0
    if issued.text is None:
        return Overlap(len(places), coverage, _spread(places, len(leak.bare), len(stored) * _SPACING, 1), None)
    if not places and stored:
        return Overlap(0, 0.0, 0.0, 0.0)
    return _closely(leak, folded(issued.text), len(places), coverage)


def _closely(leak: Leak, bare: str, shared: int, coverage: float) -> Overlap:
    theirs = _grams(bare)
    fine = aligned(leak.grams, theirs, len(leak.bare))
    share = min(1.0, len(fine) / max(1, min(len(leak.grams), len(theirs))))
    return Overlap(shared, coverage, _spread(fine, len(leak.bare), len(bare), _FILLED), share, _least(leak.bare))


def _least(bare: str) -> float:
    """Set on texts never issued (benchmarks/watermark_null.py): Han phrases and short leaks coincide more easily."""
    han = sum(char >= _HAN_FROM for char in bare)
    return 0.3 + 0.05 * (2 * han > len(bare)) + 0.1 * (len(bare) < 120)


def aligned(part: Pairs, whole: Pairs, size: int) -> list[int]:
    """Places in `part` whose value stands in `whole` at the commonest distance, give or take the band."""
    where: dict[int, list[int]] = {}
    for value, at in whole:
        where.setdefault(value, []).append(at)
    shifts = sorted(
        (there - at, at) for value, at in part if len(found := where.get(value, ())) <= _MOST_REPEATS for there in found
    )
    band, best, first = max(_LEAST_BAND, int(_BAND_SHARE * size)), (0, 0), 0
    for last, (shift, _) in enumerate(shifts):
        while shifts[first][0] < shift - band:
            first += 1
        best = max(best, (last + 1 - first, first))
    return sorted({at for _, at in shifts[best[1] : best[1] + best[0]]})


def _spread(places: list[int], size: int, stored_size: float, filled: float) -> float:
    """Share of the eighths (of the leak, or of the stretch that a shorter answer fills in it) that are filled."""
    if not places:
        return 0.0
    length = min(size, int(stored_size) + 1)
    start = 0 if length >= size else max(0, min(places[0], size - length))
    counts = [0] * PARTS
    for at in places:
        counts[max(0, min(PARTS - 1, PARTS * (at - start) // length))] += 1
    least = filled if filled >= 1 else filled * length / PARTS
    return sum(count >= least for count in counts) / PARTS


def _grams(bare: str) -> list[tuple[int, int]]:
    return [(hash(gram), at) for at, gram in _short_stretches(bare)]


def _short_stretches(bare: str) -> Iterator[tuple[int, str]]:
    """Whole ones only: a stretch cut short by the end would be found at other texts' ends."""
    for at, char in enumerate(bare):
        end = at + (_GRAM_HAN if char >= _HAN_FROM else _GRAM_LATIN)
        if end <= len(bare):
            yield at, bare[at:end]


def differences(visible: str, texts: list[str]) -> list[int]:
    """For every one of several texts: how many of its details stand in the leak, of those that not all of them have.

    Details are short stretches, and whether a space stands between Han and Latin. A changed word makes some eight.
    """
    details = [_details(text) for text in texts]
    contested = (_details(visible) & set[str]().union(*details)) - details[0].intersection(*details)
    return [len(contested & mine) for mine in details]


def _details(text: str) -> set[str]:
    joints = {f"{m[1] or m[4]}{len(m[2] or m[5] or '')}{m[3] or m[6]}" for m in _JOINT.finditer(text)}
    return joints.union(gram for _, gram in _short_stretches(folded(text)))
