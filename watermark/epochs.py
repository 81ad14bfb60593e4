"""Which key epochs there are: begun when, still trusted, and under which master. A small file of facts, no secrets.

A key file of its own (`watermark.keys`) carries these facts beside its master; a gateway, whose master lies elsewhere or in
a token, keeps them here. Not here: any key.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from watermark.keys import MAX_LIVE_EPOCHS, KeyFileError

KIND = "hangu-watermark-epochs"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch. `since` is an ISO time, empty for the first of a site; `why` is said when it is distrusted."""

    number: int
    since: str = ""
    trusted: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Epochs:
    """All live ones, oldest first. Those before `first` were made with the master that came before, and are not trusted."""

    live: tuple[Epoch, ...] = (Epoch(1),)
    first: int = 1

    @property
    def current(self) -> int:
        return self.live[-1].number

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of the present master."""
        return tuple(epoch.number for epoch in self.live if epoch.number >= self.first)

    @property
    def before(self) -> tuple[int, ...]:
        """Those of the master before."""
        return tuple(epoch.number for epoch in self.live if epoch.number < self.first)

    @property
    def untrusted(self) -> tuple[int, ...]:
        return tuple(epoch.number for epoch in self.live if not epoch.trusted)

    def rotated(self, now: str) -> Epochs:
        """With the next one begun; the oldest leaves when there are eight."""
        return replace(self, live=(*self.live, Epoch(self.current + 1, now))[-MAX_LIVE_EPOCHS:])

    def distrusting(self, number: int, why: str, now: str) -> Epochs:
        """After a compromise: what this one says is a lead. If it was current, the next begins at once."""
        if number not in {epoch.number for epoch in self.live}:
            raise KeyFileError(f"no live epoch {number}; hint: one of {', '.join(str(e.number) for e in self.live)}")
        marked = tuple(replace(e, trusted=False, why=why) if e.number == number else e for e in self.live)
        changed = replace(self, live=marked)
        return changed.rotated(now) if number == self.current else changed

    def with_new_master(self, why: str, now: str) -> Epochs:
        """After the master itself was compromised: nothing made so far is proof, and a new epoch begins under the new one."""
        doubted = tuple(replace(epoch, trusted=False, why=epoch.why or why) for epoch in self.live)
        begun = replace(self, live=doubted).rotated(now)
        return replace(begun, first=begun.current)


def load(path: str | os.PathLike[str]) -> Epochs:
    """The file's epochs; epoch 1 alone where there is no file. Raises KeyFileError for one that cannot be read."""
    try:
        body = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        return Epochs()
    except (OSError, ValueError) as fault:
        raise KeyFileError(f"{path}: cannot be read as JSON; hint: restore the file from backup") from fault
    try:
        if body["kind"] != KIND or body["version"] != 1:
            raise KeyError("kind")
        live = tuple(_epoch(each) for each in body["epochs"])
        first = body["first"]
    except (KeyError, TypeError, ValueError) as fault:
        raise KeyFileError(f"{path}: not a version 1 file of epochs; hint: restore it from backup") from fault
    numbers = [epoch.number for epoch in live]
    if not 1 <= len(live) <= MAX_LIVE_EPOCHS or numbers != sorted(set(numbers)) or type(first) is not int:
        raise KeyFileError(
            f"{path}: epochs must be 1 to {MAX_LIVE_EPOCHS} rising numbers; hint: restore it from backup"
        )
    return Epochs(live, first)


def save(path: str | os.PathLike[str], epochs: Epochs) -> None:
    """Beside the old file and renamed, so a crash never leaves half of it."""
    live = [{"epoch": e.number, "since": e.since, "trusted": e.trusted, "why": e.why} for e in epochs.live]
    body = {"kind": KIND, "version": 1, "first": epochs.first, "epochs": live}
    target, coming = Path(path), Path(f"{path}.new")
    with coming.open("w", encoding="utf-8") as file:
        json.dump(body, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    coming.replace(target)


def _epoch(told: dict[str, Any]) -> Epoch:
    number, trusted = told["epoch"], told["trusted"]
    if type(number) is not int or number < 1 or type(trusted) is not bool:
        raise ValueError("epoch")
    return Epoch(number, str(told.get("since", "")), trusted, str(told.get("why", "")))
