"""One caller cannot take all the room, and who has left leaves no trace."""

from __future__ import annotations

import pytest

from gateway.core.exchange import Principal
from gateway.core.verdict import Code
from gateway.http.turnstile import Turnstile
from tests.make import an_exchange

BOB = Principal("bob", "acme", ("analyst",))


def test_a_caller_may_have_so_many_exchanges_under_way_and_no_more() -> None:
    turnstile = Turnstile(per_caller=2)
    with turnstile.enter(an_exchange()) as first, turnstile.enter(an_exchange()) as second:
        assert first is second is None
        with turnstile.enter(an_exchange()) as third:
            assert third is not None and third.code is Code.TOO_MANY_STREAMS
        with turnstile.enter(an_exchange(principal=BOB)) as other:
            assert other is None
        assert turnstile.inside == 2
    with turnstile.enter(an_exchange()) as again:
        assert again is None


def test_an_exchange_that_fails_makes_room_again() -> None:
    turnstile = Turnstile(per_caller=1)
    with pytest.raises(RuntimeError), turnstile.enter(an_exchange()):
        raise RuntimeError
    assert turnstile.inside == 0


def test_a_closed_turnstile_turns_everybody_away() -> None:
    turnstile = Turnstile(per_caller=1, closed=True)
    with turnstile.enter(an_exchange()) as refusal:
        assert refusal is not None and refusal.code is Code.DRAINING
