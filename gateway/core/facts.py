"""How facts are declared of which every request makes many. What they say is told where they are declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

__all__ = ["fact"]

if TYPE_CHECKING:
    from dataclasses import dataclass as fact
else:

    def fact(*, frozen, slots):
        """As `dataclass`: frozen for the type checker, which sees whatever could write to one, and plain for the interpreter.

        The interpreter freezes at the price of a call for each field: with eighty facts a request, a tenth of its CPU.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)
