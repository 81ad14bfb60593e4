"""Smuggling and bombs through the whole gate: nothing forwarded, everything on record, nothing hangs. The long run is `benchmarks.hostile`."""

from __future__ import annotations

import pytest

from benchmarks.hostile import attack, free_within, throw
from benchmarks.rig.attacked import Attacked
from tests.hardening.desync import ATTACKS, BOMBS, CHAT, SMUGGLING, Attack, head


def test_no_attack_on_framing_gets_a_second_reply_or_reaches_the_model(target: Attacked) -> None:
    tally = throw(target, list(SMUGGLING))
    assert tally.failures == ()
    assert (tally.crashes, tally.hangs, tally.forwarded, tally.unrecorded, tally.smuggled) == (0, 0, 0, 0, 0)


def test_no_bomb_goes_off(target: Attacked) -> None:
    tally = throw(target, list(BOMBS))
    assert tally.failures == ()
    assert (tally.crashes, tally.hangs, tally.forwarded, tally.unrecorded) == (0, 0, 0, 0)


def test_every_connection_of_them_is_free_again(target: Attacked) -> None:
    throw(target, list(SMUGGLING[:3]))
    assert free_within(target, 35) is not None


@pytest.mark.parametrize("count", [1, 2])
def test_the_count_of_replies_would_show_what_was_smuggled(target: Attacked, count: int) -> None:
    """Two honest requests in one go get two replies: so a hidden one that was read would be seen."""
    body = head(target.caller.token, f"Content-Length: {len(CHAT)}") + CHAT
    outcome = attack(target, Attack("honest", lambda token: iter([body * count])), target.caller.context())
    assert outcome.statuses == [200] * count
    assert outcome.extra is (count > 1)


def test_each_attack_has_a_name_of_its_own() -> None:
    assert len({each.name for each in ATTACKS}) == len(ATTACKS)
