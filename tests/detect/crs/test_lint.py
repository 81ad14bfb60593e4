"""Seclang that the library would load without a word is refused, with the file, the line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.detect.crs.lint import Source, lint
from gateway.detect.crs.ruleset import Options, read
from gateway.detect.crs.seclang import directives
from policies.problem import PolicyInvalid
from tests.detect.crs.rules import SQL, a_directory

OWN = """# hit: select everything
# miss: selection
SecRule ARGS "@rx (?i)\\bselect everything\\b" "id:1000001,phase:2,pass,msg:'ours',severity:'ERROR'"
"""


def problems(text: str, *, own: bool = False) -> str:
    return "\n".join(str(one) for one in lint([Source("a.conf", text, own)], {"words.data": b""})[1])


def a_rule(operator: str = "@rx a", actions: str = "id:1,phase:2,pass,nolog") -> str:
    return f'SecRule ARGS "{operator}" "{actions}"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (a_rule("@rx ("), "does not compile"), (a_rule("("), "does not compile"), (a_rule("@foo x"), "no operator @foo"), (a_rule("@inspectFile /bin/x"), "no operator @inspectFile"),
        (a_rule("@rbl x"), "no operator @rbl"), (a_rule("@pmFromFile ../../etc/passwd"), "is not there"), (a_rule("@pmFromFile other.data"), "is not there"),
        (a_rule(actions="id:1,phase:2,t:lowercsae"), "no transformation lowercsae"), (a_rule(actions="id:1,exec:/bin/x"), "action exec is not taken"),
        (a_rule(actions="phase:2,pass"), "has no number"), (a_rule() + a_rule(), "used twice"), (a_rule(actions="id:1,phase:2,chain"), "chain is missing"),
        ("SecRemoteRules key https://x.example/\n", "SecRemoteRules is not taken"), ("Include /etc/passwd\n", "Include is not taken"), ("SecRuleEngine Off\n", "SecRuleEngine is not taken"),
        ("SecRule ARGS\n", "has no operator"), ("SecRuleScript x.lua \"id:1\"\n", "SecRuleScript is not taken"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, says: str) -> None:
    found = problems(text)
    assert says in found
    assert "a.conf" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (a_rule("@rx (?<!a)b"), "does not compile"), (a_rule(actions="id:1,phase:2,pass,nolog,ctl:ruleEngine=Off"), "ctl:ruleEngine is not taken"),
        (a_rule(actions="id:1,phase:2,msg:'x'"), "no test of each kind"), ("# hit: a\n" + a_rule(actions="id:1,phase:2,msg:'x'"), "no test of each kind"),
    ],
)  # fmt: skip
def test_rules_of_ones_own_are_linear_tested_and_cannot_switch_the_engine_off(text: str, says: str) -> None:
    assert says in problems(text, own=True)
    assert says not in problems(text, own=False)


@pytest.mark.parametrize(
    "text",
    [
        SQL, OWN, a_rule(actions="id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=942100;ARGS:value"), 'SecRuleRemoveById 942100\n', 'SecAction "id:2,phase:1,pass,nolog,setvar:\'tx.a=b, c\'"\n',
        'SecRule ARGS "@rx a" "id:1,phase:2,pass,nolog,chain"\n  SecRule ARGS "@rx b" "t:none"\n',
    ],
)  # fmt: skip
def test_rules_in_order_pass(text: str) -> None:
    assert problems(text) == ""


def test_a_rule_says_its_points_family_and_tests() -> None:
    rules, _ = lint([Source("a.conf", SQL), Source("ours.conf", OWN, own=True)], {"words.data": b""})
    assert (rules[942999].points, rules[942999].family) == (5, "crs-sqli")
    assert rules[942013].points == 0
    assert rules[1000001].tests == (("hit", "select everything"), ("miss", "selection"))


def test_lines_that_go_on_are_one_directive_and_know_where_they_began() -> None:
    first = next(directives(SQL))
    assert (first.line, first.name) == (2, "SecRule")
    assert first.operator == ("rx", r"(?i)union\s+select")
    assert first.actions["msg"] == ("SQL, or what looks like it",)


def test_rules_for_replies_and_for_other_products_are_left_out(tmp_path: Path) -> None:
    names = [name for name, _ in read(a_directory(tmp_path)).files]
    assert names == ["hangu-setup.conf", "REQUEST-942-SQL.conf", "REQUEST-944-JAVA.conf"]
    with pytest.raises(PolicyInvalid, match="does not compile"):
        read(tmp_path, options=Options(whole=True))


def test_other_rules_than_those_pinned_are_refused_and_the_right_digest_is_named(tmp_path: Path) -> None:
    a_directory(tmp_path)
    with pytest.raises(PolicyInvalid, match="not those of their digest") as caught:
        read(tmp_path, "0" * 64)
    pinned = str(caught.value).rpartition("sha256 = ")[2].strip("'\n ")[:64]
    read(tmp_path, pinned)
    (tmp_path / "rules" / "words.data").write_text("nothing")
    with pytest.raises(PolicyInvalid, match="not those of their digest"):
        read(tmp_path, pinned)


def test_a_directory_without_rules_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="holds no rules"):
        read(tmp_path)


def test_what_comes_before_and_after_the_core_rules_does(tmp_path: Path) -> None:
    files = [("waf/ours.conf", OWN.encode()), ("waf/before-core.conf", b"SecRuleRemoveById 1\n")]
    names = [name for name, _ in read(a_directory(tmp_path), "", files).files]
    assert names[1] == "own-000-before-core.conf"
    assert names[-1] == "own-001-ours.conf"
