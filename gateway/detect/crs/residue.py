"""What no grammar proves, asked of the core rule set: a name or a header's value in, the rules that fired out. Never prose.

A value is put into a request that is otherwise impeccable, so that whatever fires fires on the value. Answers are
remembered: programs send the same few stop words and header lines all day.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote

from gateway.detect.crs import ruleset
from gateway.detect.crs.engine import EngineMissing, Request, RulesRefused
from gateway.detect.crs.ruleset import Options, Ruleset
from gateway.detect.crs.workers import CrsUnavailable, Workers
from policies.problem import PolicyInvalid, Problem

REMEMBERED = 4096  # answers; texts are short, since grammars bound them
TEST_SECONDS = 10.0  # for one test of a rule: only a rule without end takes longer
_USUAL = ((b"Host", b"gateway"), (b"User-Agent", b"hangu/1"), (b"Accept", b"*/*"))
_FORM = (b"Content-Type", b"application/x-www-form-urlencoded")


class Unproved(NamedTuple):
    """A text that no grammar proves. `header` names the header whose value it is; empty for a name in the body."""

    text: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fired: its number, its points (5 critical … 2 notice) and its family, such as `crs-sqli`."""

    rule: int
    points: int
    family: str


class Rules(Protocol):
    """A set of rules, ready. Texts already answered for cost nothing."""

    def knows(self, one: Unproved) -> bool: ...

    def matches(self, asked: Sequence[Unproved]) -> list[tuple[Match, ...]]:
        """What fires on each text. Raises `CrsUnavailable`."""
        ...


class Crs:
    """The core rule set of a site: its directory, its workers. Lives longer than a policy."""

    def __init__(self, directory: Path, sha256: str, workers: Workers, seconds: float) -> None:
        self._directory, self._sha256, self._workers, self._seconds = directory, sha256, workers, seconds
        self._copies = Path(tempfile.mkdtemp(prefix="hangu-crs-"))
        self._tidy = weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)  # at exit, at the latest

    def loaded(self, own: Sequence[tuple[str, bytes]], options: Options) -> Loaded:
        """The rules, checked, tested and loaded by every worker. Raises `PolicyInvalid`; what was loaded before stays."""
        rules = ruleset.read(self._directory, self._sha256, own, options)
        try:
            self._workers.load(rules.key, rules.write(self._copies))
            loaded = Loaded(rules, self._workers, self._seconds)
            problems = loaded.unmet()
        except (EngineMissing, RulesRefused, CrsUnavailable) as error:
            raise PolicyInvalid(
                [Problem(str(self._directory), "", f"the rules cannot be used: {error}", _HINT)]
            ) from error
        if problems:
            raise PolicyInvalid(problems)
        return loaded

    def close(self) -> None:
        self._workers.close()
        self._tidy()


_HINT = "install the extra `crs` or libmodsecurity3, or leave [crs] out"


class Loaded:
    """One set of rules and a memory of its answers."""

    def __init__(self, rules: Ruleset, workers: Workers, seconds: float) -> None:
        self._rules, self._workers, self._seconds = rules, workers, seconds
        self._known: dict[Unproved, tuple[Match, ...]] = {}
        self._lock = threading.Lock()

    def knows(self, one: Unproved) -> bool:
        return one in self._known

    def matches(self, asked: Sequence[Unproved]) -> list[tuple[Match, ...]]:
        held = self._known  # replaced whole when full, so that this one stays as it is
        wanted = [one for one in dict.fromkeys(asked) if one not in held]
        found = dict(zip(wanted, self._asked(wanted), strict=True)) if wanted else {}
        self._remember(found)
        return [found[one] if one in found else held[one] for one in asked]

    def unmet(self) -> list[Problem]:
        """Tests of the site's own rules that do not hold."""
        problems = []
        for number, about in self._rules.rules.items():
            for kind, text in about.tests:
                fired = number in self._workers.ask(self._rules.key, [as_request(Unproved(text))], TEST_SECONDS)[0]
                if fired is not (kind == "hit"):
                    what = f"does not {kind}" if kind == "hit" else "does not miss"
                    problems.append(
                        Problem("waf/*.conf", f"rule {number}", f"{what} {text[:60]!r}", "mend rule or test")
                    )
        return problems

    def _asked(self, wanted: Sequence[Unproved]) -> list[tuple[Match, ...]]:
        fired = self._workers.ask(self._rules.key, [as_request(one) for one in wanted], self._seconds)
        return [tuple(match for number in numbers if (match := self._match(number))) for numbers in fired]

    def _match(self, number: int) -> Match | None:
        """A rule that only prepares something is nothing to tell of."""
        about = self._rules.rules.get(number)
        return Match(number, about.points, about.family) if about is not None and about.points else None

    def _remember(self, found: dict[Unproved, tuple[Match, ...]]) -> None:
        with self._lock:
            if len(self._known) + len(found) > REMEMBERED:
                self._known = {}
            self._known.update(found)


def as_request(one: Unproved) -> Request:
    """The text as the one unusual thing in a usual request."""
    text = one.text.encode("utf-8", "replace")
    if one.header:
        name = one.header.encode("ascii", "replace")
        others = [pair for pair in _USUAL if pair[0].lower() != name.lower()]
        return Request(method=b"GET", headers=[*others, (name, text)])
    body = b"value=" + quote(text, safe="").encode("ascii")
    length = (b"Content-Length", str(len(body)).encode("ascii"))
    return Request(headers=[*_USUAL, _FORM, length], body=body)
