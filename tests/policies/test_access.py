"""Access files: what is taken, and how each slip is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import policies
from policies import access
from policies.problem import PolicyInvalid

DEFAULT = Path(policies.__file__).parent / "default"
PROFILES = b"profiles: {p: {max_tokens: 10}}"


def given(lines: str, profiles: bytes = PROFILES) -> dict[str, bytes]:
    return {"access/model.conf": b"text", "access/profiles.yaml": profiles, "access/policy.csv": lines.encode()}


def told(files: dict[str, bytes]) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        access.parse(files)
    return str(caught.value)


def test_the_default_files_are_good() -> None:
    files = {path.relative_to(DEFAULT).as_posix(): path.read_bytes() for path in (DEFAULT / "access").iterdir()}
    policy = access.parse(files)
    assert {rule.subject for rule in policy.rules} == {
        f"role:{role}" for role in ("analyst", "reader", "guest", "operator", "auditor")
    }


def test_rules_and_memberships_are_read_with_their_places() -> None:
    policy = access.parse(given("# comment\n\n p , role:a , * , m/* , chat , allow , p \ng, user:张伟, role:a, acme\n"))
    (rule,), (membership,) = policy.rules, policy.memberships
    assert (str(rule), rule.file, rule.line) == ("role:a,*,m/*,chat,allow,p", "access/policy.csv", 3)
    assert (membership.member, membership.role, membership.tenant, membership.line) == (
        "user:张伟",
        "role:a",
        "acme",
        4,
    )


def test_rules_may_be_spread_over_files() -> None:
    files = given("p, role:a, *, *, chat, allow, p") | {"access/people.csv": b"g, user:x, role:a, t"}
    assert len(access.parse(files).memberships) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("p, analyst, *, *, chat, allow, p", "'analyst' is neither user:NAME nor role:NAME"),
        ("p, role:, *, *, chat, allow, p", "is neither"),
        ("p, role:a, t*, *, chat, allow, p", "'t*' is not a tenant"),
        ("p, role:a, , *, chat, allow, p", "'' is not a tenant"),
        ("p, role:a, *, m*x, chat, allow, p", "'m*x' is not a model"),
        ("p, role:a, *, *, chatt, allow, p", "'chatt' is not an action; hint: actions are chat, "),
        ("p, role:a, *, *, chat, alow, p", "'alow' is not an effect"),
        ("p, role:a, *, *, chat, allow, q", "there is no profile 'q'"),
        ("p, role:a, *, *, chat, deny, p", "a deny has no profile"),
        ("p, role:a, *, *, chat, allow", "is neither a rule nor a membership"),
        ("q, role:a, *, *, chat, allow, p", "is neither a rule nor a membership"),
        ('p, "role:a", *, *, chat, allow, p', "a quote or a bracket"),
        ("p, role:a, *, (x), chat, allow, p", "a quote or a bracket"),
        ("g, user:x, user:y, t", "'user:y' is not role:NAME"),
        ("g, x, role:y, t", "'x' is neither"),
        ("g, user:x, role:y, *", "'*' is not a tenant"),
    ],
)
def test_a_slip_is_told_with_its_line(line: str, says: str) -> None:
    said = told(given(f"p, role:z, *, *, chat, allow, p\n{line}\n"))
    assert said.startswith("access/policy.csv: line 2: ")
    assert says in said


def test_every_slip_is_told_at_once() -> None:
    said = told(given("p, x, *, *, y, z, w\n", b"profiles: {p: {max_token: 1}}"))
    assert len(said.splitlines()) == 5  # two in the profiles, three in the rule


def test_a_line_said_twice_is_told() -> None:
    line = "g, user:x, role:y, t\n"
    assert "says the same as access/policy.csv line 1" in told(given(line + line))


@pytest.mark.parametrize("name", ["access/model.conf", "access/profiles.yaml"])
def test_a_missing_file_is_told(name: str) -> None:
    files = given("p, role:a, *, *, chat, allow, p")
    del files[name]
    assert f"{name}: is missing" in told(files)


def test_a_policy_without_rules_is_told() -> None:
    assert "there is no rule" in told(given("# nothing yet\n"))


def test_a_profile_that_is_not_complete_or_not_known_is_told() -> None:
    said = told(given("", b"profiles: {a: {tools: some}, B: {max_tokens: -1}}"))
    assert "profiles.a.max_tokens" in said
    assert "profiles.B" in said


def test_a_very_wrong_file_is_told_in_bounds() -> None:
    assert len(told(given("x\n" * 10_000)).splitlines()) == access.MAX_PROBLEMS
