"""A scribe's work is done in order, each piece is told of, and a piece that fails holds up none."""

from __future__ import annotations

from gateway.audit.scribe import Scribe


def test_pieces_are_done_in_order_and_told_of_before_it_closes() -> None:
    told: list[object] = []
    scribe: Scribe[int, int] = Scribe(lambda number: 60 // number, "scribe")
    for number in (1, 2, 0, 3):
        scribe.give(number, told.append)
    scribe.close()
    assert [str(each) for each in told] == ["60", "30", "integer division or modulo by zero", "20"]
    assert isinstance(told[2], ZeroDivisionError)
