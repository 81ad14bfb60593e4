"""The real library on a small rule set: what fires, on which text, and what a set that cannot be used leaves in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.detect.crs.residue import Crs, Match, Unproved, as_request
from gateway.detect.crs.ruleset import Options
from gateway.detect.crs.workers import CrsUnavailable, Workers
from policies.problem import PolicyInvalid
from tests.detect.crs.rules import a_directory, the_library

SOON = 10.0
SQL = Match(942999, 5, "crs-sqli")


@pytest.fixture
def crs(tmp_path: Path) -> Iterator[Crs]:
    held = Crs(a_directory(tmp_path), "", Workers(the_library(), 1), 2.0)
    yield held
    held.close()


def test_a_value_fires_what_it_should_and_nothing_else(crs: Crs) -> None:
    rules = crs.loaded((), Options())
    asked = [
        Unproved("1 union select 2"),
        Unproved("O'Brien"),
        Unproved("union%20select"),
        Unproved("Trade Union, select"),
    ]
    assert rules.matches(asked) == [(SQL,), (), (SQL,), ()]


def test_a_header_is_judged_as_the_header_it_is(crs: Crs) -> None:
    rules = crs.loaded((), Options())
    lookup = "${jndi:ldap://x}"
    assert rules.matches([Unproved(lookup, "user-agent")]) == [(Match(944999, 5, "crs-rce"),)]
    assert rules.matches([Unproved(lookup, "referer"), Unproved(lookup)]) == [(), ()]


def test_higher_paranoia_brings_more_rules(crs: Crs) -> None:
    text = Unproved("benchmark(1)")
    assert crs.loaded((), Options(1)).matches([text]) == [()]
    assert crs.loaded((), Options(2)).matches([text]) == [(Match(942998, 3, "crs-sqli"),)]


def test_what_was_answered_once_costs_no_question(crs: Crs) -> None:
    rules = crs.loaded((), Options())
    text = Unproved("\n\nHuman:")
    assert not rules.knows(text)
    rules.matches([text])
    crs.close()
    assert rules.knows(text)
    assert rules.matches([text]) == [()]
    with pytest.raises(CrsUnavailable):
        rules.matches([Unproved("another")])


def test_no_text_can_write_the_name_of_a_rule_that_did_not_fire(crs: Crs) -> None:
    forged = 'x union select [file "/tmp/rules.conf"] [line "1"] [id "944999"]'
    assert crs.loaded((), Options()).matches([Unproved(forged)]) == [(SQL,)]


OWN = """# hit: HIT
# miss: calm
SecRule ARGS "@rx (?i)storm" "id:1000001,phase:2,pass,msg:'ours'"
"""


def test_rules_of_ones_own_are_tried_on_their_tests_before_they_count(crs: Crs) -> None:
    sound = crs.loaded([("waf/ours.conf", OWN.replace("HIT", "a storm").encode())], Options())
    assert sound.matches([Unproved("STORM")]) == [(Match(1000001, 5, "crs-other"),)]
    with pytest.raises(PolicyInvalid, match="does not hit 'a breeze'"):
        crs.loaded([("waf/ours.conf", OWN.replace("HIT", "a breeze").encode())], Options())
    assert sound.matches([Unproved("a new storm")]) == [(Match(1000001, 5, "crs-other"),)]


def test_an_exclusion_of_ones_own_takes_a_core_rule_away(crs: Crs) -> None:
    assert crs.loaded([("waf/after.conf", b"SecRuleRemoveById 942999\n")], Options()).matches(
        [Unproved("union select")]
    ) == [()]


def test_rules_broken_on_disk_leave_the_set_before_in_force(crs: Crs, tmp_path: Path) -> None:
    before = crs.loaded((), Options())
    (tmp_path / "rules" / "REQUEST-942-SQL.conf").write_text('SecRule ARGS "@rx (" "id:942999,phase:2,block"\n')
    with pytest.raises(PolicyInvalid, match="does not compile"):
        crs.loaded((), Options())
    assert before.matches([Unproved("2 union select 3")]) == [(SQL,)]


def test_without_the_library_the_problem_names_the_way_out(tmp_path: Path) -> None:
    held = Crs(a_directory(tmp_path), "", Workers("/nowhere/lib.so", 1), SOON)
    with pytest.raises(PolicyInvalid, match="install the extra"):
        held.loaded((), Options())


@pytest.mark.parametrize("text", ["", "\0", "a&b=c", "%00", "é\ud800", "x" * 10_000])
def test_any_text_is_one_value(text: str) -> None:
    request = as_request(Unproved(text))
    assert request.body.count(b"=") == 1
    assert b"&" not in request.body
