"""Seclang as text: directives, and what each rule says of itself. Whether they are in order is `lint`'s matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)', re.DOTALL)
_ACTION = re.compile(r"((?:'(?:[^'\\]|\\.)*'|[^,'])+)")
_OPERATOR = re.compile(r"\s*(!?)@(\w+)\s*(.*)", re.DOTALL)
_TEST = re.compile(r"#\s*(hit|miss):\s?(.*)")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, the line it begins on, and the tests in the comments right above: `# hit: …`, `# miss: …`."""

    line: int
    name: str
    parts: tuple[str, ...]
    tests: tuple[tuple[str, str], ...] = ()

    @property
    def is_rule(self) -> bool:
        return self.name in ("SecRule", "SecAction")

    @property
    def actions(self) -> dict[str, tuple[str, ...]]:
        """Each action's values in order; an action without one has an empty value."""
        place = {"SecRule": 2, "SecAction": 0, "SecDefaultAction": 0}.get(self.name)
        text = self.parts[place] if place is not None and len(self.parts) > place else ""
        found: dict[str, tuple[str, ...]] = {}
        for part in _ACTION.findall(text):
            name, _, value = part.strip().partition(":")
            found[name.strip()] = (*found.get(name.strip(), ()), value.strip().strip("'"))
        found.pop("", None)
        return found

    @property
    def operator(self) -> tuple[str, str]:
        """The operator's name and argument. Without an `@`, it is a pattern."""
        said = self.parts[1] if len(self.parts) > 1 else ""
        match = _OPERATOR.fullmatch(said)
        return (match[2], match[3].strip()) if match else ("rx", said.removeprefix("!"))


@dataclass(slots=True)
class _Open:
    """A directive being read, line by line."""

    line: int = 0
    text: list[str] = field(default_factory=list)


def directives(source: str) -> Iterator[Directive]:
    """Every directive of a file. A line that ends in a backslash goes on."""
    tests: list[tuple[str, str]] = []
    held = _Open()
    for number, line in enumerate(source.splitlines(), 1):
        bare = line.strip()
        if not held.text and (not bare or bare.startswith("#")):
            match = _TEST.fullmatch(bare)
            tests = [*tests, (match[1], match[2])] if match else tests if bare else []
            continue
        if not held.text:
            held.line = number
        held.text.append(bare.removesuffix("\\"))
        if not bare.endswith("\\"):
            yield _directive(held.line, "".join(held.text), tests)
            held, tests = _Open(), []
    if held.text:
        yield _directive(held.line, "".join(held.text), tests)


def _directive(line: int, text: str, tests: list[tuple[str, str]]) -> Directive:
    name, _, rest = text.partition(" ")
    parts = tuple(quoted.replace('\\"', '"') if quoted else bare for quoted, bare in _PART.findall(rest))
    return Directive(line, name, parts, tuple(tests))
