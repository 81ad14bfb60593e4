"""Facts compare by what they say, and have no room for more."""

import pytest

from gateway.core.reply import Channel, Kind
from gateway.core.verdict import Allow, Finding


def test_facts_that_say_the_same_are_the_same() -> None:
    assert Channel(1, Kind.REASONING) == Channel(1, Kind.REASONING)
    assert hash(Finding("pii", "iban", "inputs")) == hash(Finding("pii", "iban", "inputs"))
    assert Allow() != Allow((Finding("pii", "iban", "inputs"),))


def test_a_fact_holds_nothing_but_what_was_declared() -> None:
    with pytest.raises(AttributeError):
        Allow().seen = True  # type: ignore[attr-defined]
