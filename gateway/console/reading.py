"""Asks the record in a thread, one question at a time: the data port's loop never waits for SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.audit.projection import FILE
from gateway.audit.survey import Survey
from gateway.core.errors import AuditError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Archive:
    """The record under `directory`. Opening it takes in what was written since the last time."""

    directory: Path
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, question: Callable[[Survey], Answer]) -> Answer:
        """The answer. Raises AuditError where the record cannot be read."""
        async with self._turn:
            return await asyncio.to_thread(self._answer, question)

    def _answer(self, question: Callable[[Survey], Answer]) -> Answer:
        try:
            with Survey.open(self.directory) as survey:
                return question(survey)
        except sqlite3.Error as error:
            raise AuditError(f"the projection cannot be read: {error}", FILE, "delete it: it is made again") from error
