"""Other people's texts, as `sources.yaml` lists them, read out of clones at the commits it names. Trains nothing.

A clone at another commit is read at the named one, or refused: training must be repeatable.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LISTED = Path(__file__).with_name("sources.yaml")
PIECES = 2500  # pieces taken of one source's documents
LONGEST = 20_000  # characters of one text: beyond, the windows of it add nothing new
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """One line of `sources.yaml`."""

    set: str
    repo: str
    commit: str
    licence: str
    label: str
    paths: tuple[str, ...]
    how: str


def sources() -> list[Source]:
    listed = yaml.safe_load(LISTED.read_text("utf-8"))
    return [Source(**{**one, "paths": tuple(one["paths"])}) for one in listed]


def read(source: Source, clones: Path, chance: random.Random) -> list[str]:
    """The texts of a source, each once, in the order of the files."""
    clone = clones / source.repo.replace("/", "+")
    names = _git(clone, "ls-tree", "-r", "--name-only", source.commit).decode().split("\n")
    wanted = [name for name in names if any(re.fullmatch(pattern, name) for pattern in source.paths)]
    if not wanted:
        raise SystemExit(f"{source.repo} has none of the files of {source.set} at {source.commit}")
    files = [_git(clone, "show", f"{source.commit}:{name}").decode("utf-8", "replace") for name in wanted]
    how, _, field = source.how.partition(":")
    texts = list(_pieces(files, chance)) if how == "pieces" else list(_HOW[how](files, field, chance))
    return list(dict.fromkeys(text.strip()[:LONGEST] for text in texts if len(text.strip()) >= 12))


def _git(clone: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(clone), *words], check=True, capture_output=True).stdout


def _values(files: list[str]) -> Iterator[Any]:
    """Each JSON value of each file, whether one a line or one in all."""
    for text in files:
        try:
            yield json.loads(text)
        except ValueError:
            yield from (json.loads(line) for line in text.split("\n") if line.strip())


def _strings(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    for value in _values(files):
        yield from (text for _, text in _walk(value, "") if " " in text)


def _field(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    """Texts under these names; an `input` that stands in the first instance beside follows its instruction."""
    names = field.split("|")
    for value in _values(files):
        for one in value if isinstance(value, list) else [value]:
            text = next((one[name] for name in names if isinstance(one.get(name), str)), "")
            instances = one.get("instances") or [{}]
            more = instances[0].get("input", "") if isinstance(instances[0], dict) else ""
            yield f"{text}\n\n{more}" if more else text


def _walk(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, name)


def _csv(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    csv.field_size_limit(sys.maxsize)
    for text in files:
        yield from (row[field] for row in csv.DictReader(io.StringIO(text)) if row.get(field))


def _lines(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    yield from (line for text in files for line in text.split("\n"))


def _fenced(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    yield from (block for text in files for block in _FENCE.findall(text) if len(block) > 40)


def _chat(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    """What users and operators say, and what the tools say of themselves."""
    for value in _values(files):
        yield from (text for name, text in _walk(value.get("question", []), "") if name == "content")
        tools = value.get("function")
        if tools and chance.random() < 0.3:
            yield json.dumps(tools, ensure_ascii=False)[:3000]


def _pieces(files: list[str], chance: random.Random) -> Iterator[str]:
    """Pieces of documents as people paste them: 3 to 40 lines."""
    for _ in range(PIECES):
        lines = chance.choice(files).split("\n")
        start = chance.randrange(max(len(lines) - 5, 1))
        yield "\n".join(lines[start : start + chance.randint(3, 40)])


def _spikee(files: list[str], field: str, chance: random.Random) -> Iterator[str]:
    """Every wrapper with some of the instructions."""
    rows = [row for value in _values(files) for row in (value if isinstance(value, list) else [value])]
    wrappers = sorted({row["text"] for row in rows if "text" in row})
    asked = sorted({row["instruction"] for row in rows if "instruction" in row})
    for wrapper in wrappers:
        for instruction in chance.sample(asked, 6):
            yield wrapper.replace("<INSTRUCTION>", instruction)


_HOW: dict[str, Callable[[list[str], str, random.Random], Iterator[str]]] = {
    "strings": _strings,
    "field": _field,
    "csv": _csv,
    "lines": _lines,
    "fenced": _fenced,
    "chat": _chat,
    "spikee": _spikee,
}
