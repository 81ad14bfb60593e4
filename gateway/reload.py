"""Policies change while the gate is open: load, build, run the cases, swap one reference; or keep the old one and say why.

What a bundle is belongs to `policies`; how a gate is built from one is handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.errors import PolicyError
from gateway.core.pipeline import Gate


@dataclass(slots=True)
class CurrentGate:
    """The gate in force. One reference, swapped whole: an exchange ends with the gate it began with."""

    gate: Gate
    generation: int = 1

    def swap(self, gate: Gate) -> None:
        self.gate = gate
        self.generation += 1


Build = Callable[
    [], Gate
]  # loads, builds and runs the cases; raises PolicyError; may take a second, so runs in a thread
Tell = Callable[[str, str], Awaitable[None]]  # ("loaded" | "refused", digest or reason)


@dataclass(slots=True)
class Watch:
    """Looks at a directory every `seconds` and reloads when something in it changed."""

    directory: Path
    seconds: float
    current: CurrentGate
    build: Build
    tell: Tell
    _seen: frozenset[tuple[str, int, int]] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        self._seen = snapshot(self.directory)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self.seconds)
            await self.look()

    async def look(self) -> bool:
        """Reload if something changed; whether it had."""
        now = await asyncio.to_thread(snapshot, self.directory)
        if now == self._seen:
            return False
        self._seen = now
        await self.reload()
        return True

    async def reload(self) -> bool:
        """Swap in what the files say now, or keep what is in force; whether it was swapped."""
        try:
            gate = await asyncio.to_thread(self.build)
        except PolicyError as error:
            await self.tell("refused", str(error))
            return False
        if gate.digest != self.current.gate.digest:
            self.current.swap(gate)
            await self.tell("loaded", gate.digest)
        return True


def snapshot(directory: Path) -> frozenset[tuple[str, int, int]]:
    """Every file's name, size and time of change: what a change shows in. A file that vanishes meanwhile is a change."""
    seen: set[tuple[str, int, int]] = set()
    for path in directory.rglob("*"):
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        seen.add((str(path), facts.st_size, facts.st_mtime_ns))
    return frozenset(seen)
