"""What the people network learns from: openly licensed sets, sentences of our own, and prose. Says nothing of how it learns.

Sets, each a file of one word and its tag a line, are named with repository, commit and licence in `people_sources.yaml`;
`people_columns` writes those that come otherwise. None of them is in this repository.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.detect.names import tagger

Spans = list[tuple[int, int, str]]  # where in a text, and PER, ORG or LOC
Said = tuple[str, Spans]
SENTENCES = Path(__file__).parent / "people_sentences.txt"
KINDS = {
    **dict.fromkeys(["per", "person", "politician", "writer", "musicalartist", "scientist", "researcher"], "PER"),
    **dict.fromkeys(["org", "group", "corporation", "organisation", "band", "politicalparty", "university"], "ORG"),
    **dict.fromkeys(["loc", "location", "country", "gpe"], "LOC"),
    "x": "ANY",  # a word that nobody judges
}
_GLUED = re.compile(r"(?:[.,;:!?%)\]}]|'s|n't|'\w{1,2}|’s)$")
_TITLES = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Mister|Madam|Sir|Lady|Lord|Captain|Aunt|Uncle|Colonel|Rev|Capt)\b\.? ?)+", re.I
)
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_TEAMS = ["United", "City", "Rovers", "FC", "Athletic", "Giants", "Lions", "Tigers", "Wanderers", "Hawks"]
_THINGS = [
    "budget report",
    "laptop",
    "migration",
    "API",
    "roadmap",
    "Galaxy S21",
    "iPhone 15",
    "Model 3",
    "Windows 11",
    "Jira ticket",
    "tickets",
    "keys",
]


def column_file(path: Path) -> list[Said]:
    """Sentences of a word and its tag a line."""
    rows = re.split(r"\n\s*\n", path.read_text("utf-8"))
    split = [[line.split("\t") if "\t" in line else line.split() for line in row.split("\n")] for row in rows]
    return [_joined([(cells[0], cells[-1]) for cells in row if len(cells) > 1]) for row in split]


def litbank_file(path: Path) -> list[Said]:
    """Novels: of the nested spans those whose words are all capitalised, the outermost first."""
    found = []
    for row in path.read_text("utf-8").split("\n\n"):
        cells = [line.split("\t") for line in row.split("\n") if line.strip()]
        if len(cells) > 3:
            found.append(_joined(list(zip([cell[0] for cell in cells], _outermost(cells), strict=True))))
    return found


def _outermost(cells: Sequence[Sequence[str]]) -> list[str]:
    tags = ["O"] * len(cells)
    for column in range(1, 5):
        at = 0
        while at < len(cells):
            tag = cells[at][column] if column < len(cells[at]) else "O"
            last = at + 1
            while last < len(cells) and column < len(cells[last]) and cells[last][column] == "I-" + tag[2:]:
                last += 1
            names = all(cell[0][:1].isupper() for cell in cells[at:last]) and set(tags[at:last]) == {"O"}
            if tag.startswith("B-") and names:
                tags[at:last] = [tag] + ["I-" + tag[2:]] * (last - at - 1)
            at = last if tag.startswith("B-") else at + 1
    return tags


def _joined(words: Sequence[tuple[str, str]]) -> Said:
    text, spans, last = "", [], ""
    for word, tag in words:
        kind = KINDS.get(tag[2:].lower(), "")
        text += "" if not text or _GLUED.match(word) or text[-1] in "([{$@#" else " "
        if kind and (tag[0] == "B" or kind != last):
            spans.append((len(text), len(text) + len(word), kind))
        elif kind:
            spans[-1] = (spans[-1][0], len(text) + len(word), kind)
        text, last = text + word, kind
    return text, spans


class Drawer:
    """Names and the other things of sentences, drawn by one source of chance."""

    def __init__(self, seed: int) -> None:
        faker: Any = importlib.import_module("faker")
        self.r = random.Random(seed)
        self.made = [faker.Faker(one) for one in "en_US en_GB de_DE fr_FR es_ES it_IT pl_PL sv_SE en_IN tr_TR".split()]  # noqa: SIM905
        for one in self.made:
            one.seed_instance(seed)
        self.names = list(_lists(faker)) + [(sorted(tagger.listed("given")), sorted(tagger.listed("family")))] * 20
        parts = re.split(r"\[\w+\]\n", SENTENCES.read_text("utf-8"))[1:]
        self.people, self.nobody, self.known = (part.strip("\n").split("\n") for part in parts)

    def given(self) -> str:
        return self._invented("") if self.r.random() < 0.12 else self.r.choice(self.r.choice(self.names)[0])

    def family(self) -> str:
        if self.r.random() < 0.18:
            return self._invented(self.r.choice(["", "son", "ski", "ova", "ez", "berg", "sen", "ić", "off"]))
        name = self.r.choice(self.r.choice(self.names)[1])
        chance = self.r.random()
        before = self.r.choice(["van ", "de ", "von ", "al-", "O'", "Mc", "da "]) if chance < 0.03 else ""
        return before + name + (f"-{self.r.choice(self.r.choice(self.names)[1])}" if chance > 0.96 else "")

    def whole(self) -> str:
        first, last, initial = self.given(), self.family(), self.r.choice("ABCDEFGHJKLMNPRSTW")
        shapes = [f"{first} {last}"] * 14 + [f"{first} {initial}. {last}"] * 2 + [f"{first} {self.given()} {last}"]
        return self.r.choice([*shapes, f"{initial}. {last}", f"Dr. {first} {last}", f"{last} {first}"])

    def _invented(self, end: str) -> str:
        parts = (
            self.r.choice("bcdfghjklmnprstvz") + self.r.choice(["a", "e", "i", "o", "u", "ai", "ou"]) for _ in range(3)
        )
        return "".join(list(parts)[: self.r.randint(2, 3)]).capitalize() + end

    def filled(self, sentence: str, *, people: bool) -> Said:
        """A sentence with its braces filled."""
        text, spans, loud = "", [], sentence.startswith("^")
        for part in re.split(r"(\{\w\})", sentence.removeprefix("^").replace("\\n", "\n").replace("\\t", "\t")):
            sign = part[1] if re.fullmatch(r"\{\w\}", part) else ""
            value = self._thing(sign) if sign else part
            value = value.upper() if loud and len(value.upper()) == len(value) else value
            kind = {"c": "LOC", "n": "LOC", "s": "LOC", "o": "ORG", "k": "ORG"}.get(sign) or (
                "PER" if sign in "pflt" and sign else ""
            )
            if kind and (people or kind != "PER" or sign not in "fl"):
                spans.append((len(text), len(text) + len(value), kind))
            text += value
        return text, spans

    def _thing(self, sign: str) -> str:
        r, fake = self.r, self.r.choice(self.made)
        names = {"p": self.whole, "f": self.given, "l": self.family}
        if sign in names:
            return names[sign]()
        if sign == "t":
            return r.choice(["Mr.", "Mrs.", "Ms.", "Dr.", "Miss", "Prof."]) + " " + self.family()
        if sign in "cnsoj":
            company = str(fake.company()) if r.random() < 0.6 else r.choice(self.known)
            made = {"c": fake.city, "n": self.made[0].country, "s": fake.street_address, "j": self.made[0].job}
            return company if sign == "o" else str(made[sign]()).replace("\n", ", ")
        if sign in "gik":
            return {"g": self._figure, "i": lambda: r.choice("ABCDEFGHJKLMNPRSTW"), "k": self._team}[sign]()
        day = f"{r.randint(1, 28)} {r.choice(_MONTHS)} {r.randint(1950, 2026)}"
        return {"d": day, "u": str(r.randint(10, 10 ** r.randint(3, 10))), "w": r.choice(_MONTHS + _DAYS)}.get(
            sign, r.choice(_THINGS)
        )

    def _figure(self) -> str:
        """A result as tables of sport write it: 12, 6-3, 2:14.35."""
        r = self.r
        whole, pair = str(r.randint(0, 99)), f"{r.randint(0, 7)}-{r.randint(0, 7)}"
        return r.choice([whole, pair, f"{r.randint(1, 9)}:{r.randint(10, 59)}.{r.randint(10, 99)}"])

    def _team(self) -> str:
        city = str(self.r.choice(self.made).city())
        return city if self.r.random() < 0.5 else f"{city} {self.r.choice(_TEAMS)}"

    def swapped(self, said: Said) -> Said:
        """The same sentence about others."""
        text, spans, out, at = said[0], [], "", 0
        for low, high, kind in said[1]:
            name = text[low:high]
            out += text[at:low]
            if kind == "PER" and self.r.random() < 0.8:
                other = self.whole() if " " in name else self.r.choice([self.given, self.family])()
                name = other.lower() if name.islower() else other
            spans.append((len(out), len(out) + len(name), kind))
            out, at = out + name, high
        return out + text[at:], spans


def _lists(faker: Any) -> Iterator[tuple[list[str], list[str]]]:
    """Given and family names of every locale that writes them in Latin letters."""
    latin = re.compile(r"[A-Z\u00c0-\u00de][a-z\u00df-\u024f'’-]+$")
    for locale in importlib.import_module("faker.config").AVAILABLE_LOCALES:
        try:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        except ImportError:
            continue
        kinds: dict[bool, set[str]] = {True: set(), False: set()}
        for name in (one for one in dir(provider) if "first_name" in one or "last_name" in one):
            values = getattr(provider, name)
            if isinstance(values, list | tuple | dict):
                kinds["last" in name] |= {word for value in values for word in str(value).split() if latin.match(word)}
        if min(map(len, kinds.values())) > 20:
            yield sorted(kinds[False]), sorted(kinds[True])


def labelled(said: Said) -> tuple[list[str], list[int]]:
    """Words and the number of each one's label; titles belong to nobody, nor do handles."""
    text, labels = said[0], []
    spans = [_untitled(text, span) for span in said[1] if text[span[0]] != "@"]
    words = tagger.tokens(text)
    for word in words:
        hit = next((span for span in spans if word.start < span[1] and span[0] < word.end), None)
        labels.append(_label(word, hit))
    return [word.text for word in words], labels


def _label(word: tagger.Token, hit: tuple[int, int, str] | None) -> int:
    if hit is None or hit[2] == "ANY":
        return 0 if hit is None else -1
    return tagger.LABELS.index(f"{'B' if word.start <= hit[0] else 'I'}-{hit[2]}")


def _untitled(text: str, span: tuple[int, int, str]) -> tuple[int, int, str]:
    found = _TITLES.match(text, span[0], span[1])
    return (found.end(), span[1], span[2]) if found and found.end() < span[1] and span[2] == "PER" else span


def prose(text: str, r: random.Random, most: int) -> Iterator[tuple[list[str], list[int]]]:
    """Paragraphs in which a word in lower case is no name, and what is capitalised is not judged (-1)."""
    paragraphs = [" ".join(one.split()) for one in text.split("\n\n")]
    chosen = [one for one in paragraphs if 80 < len(one) < 700]
    for one in r.sample(chosen, min(most, len(chosen))):
        words = [word.text for word in tagger.tokens(one)]
        yield words, [-1 if word[0].isupper() else 0 for word in words]
