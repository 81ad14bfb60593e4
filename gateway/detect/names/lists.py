"""English names by lists: capitalised words of which one is a name. Catches what a small model misses. Runs in a worker process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.detect.span import Span

_DATA = Path(__file__).parent / "data"
_WORD = r"[A-Z\u00c0-\u00de][a-z\u00df-\u024f]+(?:[-'’][A-Z\u00c0-\u00de]?[a-z\u00df-\u024f]+|[A-Z][a-z]+)?"
_ROW = re.compile(
    rf"(?<![\w@./\\<-])(?:{_WORD})(?:[ ](?:[A-Z\u00c0-\u00de]\.?(?=[ ])|(?:van|von|de|da|del|der|den|al|bin|la|le|di)(?=[ ][A-Z])|{_WORD})){{0,3}}(?![\w@(=]|\.\w)"
)
# Words that make a place or a company of the names before or behind them.
_PLACE = frozenset(
    [
        "Street",
        "St",
        "Road",
        "Rd",
        "Avenue",
        "Ave",
        "Lane",
        "Ln",
        "Drive",
        "Dr",
        "Court",
        "Ct",
        "Way",
        "Square",
        "Sq",
        "Place",
        "Pl",
        "Boulevard",
        "Blvd",
        "Highway",
        "Hwy",
        "Suite",
        "Apt",
        "Building",
        "Park",
        "County",
        "City",
        "Town",
        "Village",
        "Valley",
        "Beach",
        "Bay",
        "Island",
        "Islands",
        "Mountain",
        "Mountains",
        "River",
        "Lake",
        "Bridge",
        "Airport",
        "Station",
        "Hospital",
        "University",
        "College",
        "School",
        "Institute",
        "Museum",
        "Church",
        "Strasse",
        "Straße",
        "Weg",
        "Platz",
        "Gasse",
        "Via",
        "Rua",
        "Rue",
        "Calle",
        "Avenida",
        "Plaza",
        "Box",
    ]
)
_COMPANY = frozenset(
    [
        "Inc",
        "Ltd",
        "LLC",
        "Corp",
        "Corporation",
        "Company",
        "Co",
        "Group",
        "Bank",
        "Foundation",
        "Office",
        "Orchestra",
        "Band",
        "Association",
        "Software",
        "Systems",
        "Labs",
        "Press",
        "License",
        "Licence",
        "Model",
        "Algorithm",
        "Theorem",
        "Award",
        "Prize",
        "Law",
    ]
)
_BEFORE = re.compile(
    r"(?:\b(?:Rue|Via|Rua|Calle|Rr|ul|str|C/|Av|Avenida|Boulevard|boulevard|rue|Piazza|Place)\.? |\b[0-9]{1,5} )$"
)
_BEHIND = re.compile(
    rf"[ ,]{{1,2}}(?:{'|'.join(sorted(_PLACE))}|[0-9]{{1,5}})\b|[- ](?:{'|'.join(sorted(_COMPANY))})\b"
)

_FULL = rf"(?<![\w@./\\<-]){_WORD}(?:[ ](?:[A-Z]\.?(?=[ ])|{_WORD})){{0,2}}"
_ACTING = re.compile(
    rf"(?P<does>{_FULL})(?=[ ](?:lives|lived|works|worked|said|says|asked|shouted|told|wrote|writes|called|spent|began|listed|was born|is a \w+ (?:man|woman|person)|had given|flew|moved to|is from|is very|and I\b|grew)\b|, can I\b|: ?[\"“])"
    rf"|\b(?:calls? me|called me|named him|named her|name is|name\?|known as|[Dd]irected [Bb]y:?|starring|[Ww]ritten [Bb]y:?|shouted at|told|call|tell|accounts with (?:Mr|Mrs|Ms|ms)\.|featuring|features|beneficiary|guardian|speak to|meet|met)[ ]{{1,5}}(?P<called>{_FULL})"
)
_NOT_PEOPLE = frozenset(
    [
        "The",
        "This",
        "That",
        "It",
        "He",
        "She",
        "They",
        "We",
        "You",
        "What",
        "When",
        "Where",
        "Who",
        "Why",
        "How",
        "There",
        "Here",
        "If",
        "And",
        "But",
        "Or",
        "No",
        "Yes",
        "Please",
        "Note",
        "In",
        "On",
        "At",
        "As",
        "For",
        "To",
        "Our",
        "My",
        "Your",
        "His",
        "Her",
        "Their",
        "Everyone",
        "Someone",
        "Nobody",
        "Python",
        "Java",
        "Call",
        "Error",
        "Warning",
        "Each",
        "Every",
        "Some",
        "One",
        "All",
        "Example",
    ]
)


@cache
def _list(name: str) -> frozenset[str]:
    lines = (_DATA / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def is_place(text: str, low: int, high: int) -> bool:
    """Is what looks like a person part of an address or of a company's name?"""
    words = text[low:high].split()
    if any(word.strip(".,") in _PLACE or word.strip(".,") in _COMPANY for word in words[1:] or words):
        return True
    return _BEFORE.search(text, max(0, low - 14), low) is not None or _BEHIND.match(text, high) is not None


def people(text: str) -> Iterator[Span]:
    """Rows of capitalised words that hold a name."""
    given, family = _list("given"), _list("family")
    for found in _ROW.finditer(text):
        words = found.group().split()
        first = next((index for index, word in enumerate(words) if _root(word) in given), None)
        named = [index for index, word in enumerate(words) if _root(word) in family]
        if first is None and not named:
            continue
        start = min([first] if first is not None else named)
        low = found.start() + sum(len(word) + 1 for word in words[:start])
        score = 0.8 if len(words) - start > 1 and first is not None else 0.72 if first is not None else 0.6
        if not is_place(text, low, found.end()):
            yield Span(low, found.end(), "PERSON", score, "name_list")


def acting(text: str) -> Iterator[Span]:
    """Capitalised words that do what people do, or that are called by name."""
    for found in _ACTING.finditer(text):
        low, high = found.span("does" if found["does"] else "called")
        if text[low:high].split()[0] not in _NOT_PEOPLE and not is_place(text, low, high):
            yield Span(low, high, "PERSON", 0.65, "name_acting")


def _root(word: str) -> str:
    return word.split("-")[0].split("'")[0].split("’")[0]
