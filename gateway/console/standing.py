"""The policy in force as its page shows it: files, grants, rules and their modes. Secrets that files hold are not among it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gateway.core.pipeline import Gate
from policies.access import Membership, Rule
from policies.bundle import Bundle

MOST = 500  # rows of a table: a directory of a million members is read in its file


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force: the gate, the bundle it was made of, and the how-manieth since the start."""

    gate: Gate
    bundle: Bundle
    generation: int


@dataclass(frozen=True, slots=True)
class File:
    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """One rule of a check. `mode` is "enforce" or "shadow"; `effect` is what it does or how much it weighs."""

    check: str
    id: str
    family: str
    effect: str
    mode: str
    elsewhere: Mapping[str, str]  # route → mode, where that differs
    owner: str
    expires: date
    overdue: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a list, and how many there are."""

    rows: tuple[object, ...]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def files(bundle: Bundle) -> list[File]:
    """Every file in force with the SHA-256 of its bytes."""
    return [File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(bundle.files.items())]


def grants(bundle: Bundle) -> Table:
    return _table(bundle.access.rules)


def memberships(bundle: Bundle) -> Table:
    return _table(bundle.access.memberships)


def rules(bundle: Bundle, today: date) -> list[Ruled]:
    """The rules against attacks and those for answers, in file order. A whole check in shadow mode puts each rule there."""
    return [*_waf(bundle, today), *_output(bundle, today)]


def _waf(bundle: Bundle, today: date) -> list[Ruled]:
    whole = bundle.waf.settings.mode
    return [
        Ruled(
            "waf",
            rule.id,
            rule.family,
            str(rule.severity),
            "shadow" if whole == "shadow" else str(rule.mode),
            {} if whole == "shadow" else {route: str(mode) for route, mode in rule.routes.items() if mode != rule.mode},
            rule.owner,
            rule.expires,
            rule.expires < today,
        )
        for rule in (placed.rule for placed in bundle.waf.rules)
    ]


def _output(bundle: Bundle, today: date) -> list[Ruled]:
    mode = bundle.output.mode
    return [
        Ruled("output", one.id, one.family, str(one.effect), mode, {}, one.owner, one.expires, one.expires < today)
        for one in bundle.output.rules
    ]


def _table(rows: tuple[Rule, ...] | tuple[Membership, ...]) -> Table:
    return Table(rows[:MOST], len(rows))
