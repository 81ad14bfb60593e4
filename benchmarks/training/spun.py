"""Texts from shapes: `(a|b)` is one of those, `{name}` one of the ways to fill a slot, `_ideas(many)` several of a pool. Written for this project."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_GAPS = re.compile(r"(?<=\S)[ ]{2,}|[ ]+(?=[,.;:!?](?:\s|$))")

Slots = Mapping[str, Sequence[str]]


def said(shape: str, slots: Slots, chance: random.Random) -> str:
    """One text of a shape. A slot named with a capital begins with one: `{Verb}`."""
    for _ in range(8):  # slots hold slots
        if not (_SLOT.search(shape) or _CHOICE.search(shape)):
            break
        shape = _CHOICE.sub(lambda one: chance.choice(one[1].split("|")), shape)
        shape = _SLOT.sub(lambda one: _filled(one[1], slots, chance), shape)
    return _GAPS.sub(lambda gap: " " if len(gap[0]) > 1 and gap[0].isspace() and gap.end() < len(gap.string) and gap.string[gap.end()] not in ",.;:!?" else "", shape).strip()  # fmt: skip


def _filled(name: str, slots: Slots, chance: random.Random) -> str:
    if name in slots:
        return chance.choice(slots[name])
    low = name[0].lower() + name[1:]
    if low not in slots:
        raise KeyError(f"no slot is called {name!r}")
    text = chance.choice(slots[low])
    if text.startswith("("):  # settled first, so that the right letter becomes large
        text = said(text, slots, chance)
    return text[:1].upper() + text[1:]


def some(pool: Sequence[str], least: int, most: int, chance: random.Random) -> list[str]:
    """So many of a pool, each once, in an order of their own."""
    return chance.sample(pool, min(chance.randint(least, most), len(pool)))


def voiced(text: str, chance: random.Random) -> str:
    """As people type: shouted, in small letters, with a slip, without full stops, with exclamation marks."""
    way = chance.random()
    if way < 0.05:
        return text.upper()
    if way < 0.2:
        return text.lower()
    if way < 0.24:
        return text.replace(".", "!")
    if way < 0.28:
        return text.lower().replace(".", "").replace(",", "")
    if way < 0.34 and len(text) > 20:
        place = chance.randrange(5, len(text) - 3)
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text
