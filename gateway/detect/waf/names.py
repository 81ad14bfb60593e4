"""Names that programs read: which grammar a place has, and whether a name is proved by it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import re2

_INDEX = re.compile(r"\[\d+\]")
_REMEMBERED = 1024  # names of one grammar: programs send the same few all day
_SHORT = 256  # characters: longer names are rare, and would fill the memory
_PLAIN = re.compile(r"[^\W_][\w.:/@+-]*")


@dataclass(frozen=True, slots=True)
class Shape:
    """A grammar made ready. `refuses`: what it does not prove is refused, not judged."""

    name: str
    pattern: re.Pattern[str]
    characters: int
    refuses: bool
    _known: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", lru_cache(_REMEMBERED)(self._fits))

    def proves(self, text: str) -> bool:
        return len(text) <= self.characters and (self._known(text) if len(text) <= _SHORT else self._fits(text))

    def _fits(self, text: str) -> bool:
        return self.pattern.fullmatch(text) is not None


class Names:
    """The grammar of every place. `fields` are (place, grammar) in order; the last one is `*`."""

    def __init__(self, shapes: Mapping[str, Shape], fields: Sequence[tuple[str, str]]) -> None:
        self._fields = [(place, shapes[name]) for place, name in fields]
        self.shape = lru_cache(maxsize=4096)(self._shape)

    def _shape(self, where: str) -> Shape:
        place = without_indices(where)
        return next(shape for pattern, shape in self._fields if fnmatch.fnmatchcase(place, pattern))


def is_plain(text: str) -> bool:
    """One word of letters, digits and the signs of names: nothing in it that a program could take for a command."""
    return _PLAIN.fullmatch(text) is not None and ".." not in text


def without_indices(where: str) -> str:
    """`messages[2].content[0].text` → `messages.content.text`."""
    return _INDEX.sub("", where)


def shape(name: str, pattern: str, characters: int, *, refuses: bool) -> Shape:
    """A grammar compiled. Raises `re2.error` for a pattern that is not RE2."""
    options = re2.Options()
    options.max_mem = 64 << 20  # bytes: classes of all letters of all scripts are large
    options.log_errors = False
    return Shape(name, re2.compile(pattern, options), characters, refuses)
