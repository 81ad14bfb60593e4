"""Limits, routing and cases: what is taken, and how each slip is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import policies
from policies import cases, limits, routing
from policies.problem import PolicyInvalid

DEFAULT = Path(policies.__file__).parent / "default"


def told(parse: Callable[[Mapping[str, bytes]], object], **files: str) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        parse({name.replace("__", "/") + ".yaml": text.encode() for name, text in files.items()})
    return str(caught.value)


def default(name: str) -> str:
    return (DEFAULT / name).read_text("utf-8")


def test_the_default_limits_and_routes_are_good() -> None:
    assert limits.parse({"limits.yaml": default("limits.yaml").encode()}).streams_per_client == 16
    assert routing.parse({"routing.yaml": default("routing.yaml").encode()}).default.name == "smollm2"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("streams_per_client: 16", "stream_per_client: 16", "did you mean 'streams_per_client'?"),
        ("default: standard", "default: other", "there are no bounds named other"),
        ("assign: []", "assign: [{bounds: gone, role: a}]", "there are no bounds named gone"),
        ("assign: []", "assign: [{bounds: standard}]", "give role, tenant or both"),
        ('"*":', "acme:", "tenants needs a rate for `*`"),
        ("samples: 4", "samples: 0", "greater than or equal to 1"),
        ("samples: 4", "samples: many", "bounds.standard.samples"),
    ],
)
def test_slips_in_limits_are_told(old: str, new: str, says: str) -> None:
    text = default("limits.yaml")
    assert old in text
    assert says in told(limits.parse, limits=text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("default: a\nmodels: []", "models"),
        ("default: b\nmodels: [{name: a, backend: x}]", "default is 'b'"),
        ("default: a\nmodels: [{name: a, backend: x}, {name: a, backend: y}]", "a is taken"),
        ("default: a\nmodels: [{name: a, backend: x, aliases: [tgi]}]", "tgi is taken"),
        ("default: a\nmodels: [{name: a, backend: 'X Y'}]", "models[0].backend"),
        ("default: a\nmodels: [{name: 'a*', backend: x}]", "models[0].name"),
        ("default: a\nmodels: [{name: a, backnd: x}]", "did you mean 'backend'?"),
    ],
)
def test_slips_in_routing_are_told(text: str, says: str) -> None:
    assert says in told(routing.parse, routing=text)


def test_the_first_assignment_that_fits_decides() -> None:
    text = default("limits.yaml").replace("assign: []", "assign: [{role: a, bounds: standard}]")
    policy = limits.parse({"limits.yaml": text.encode()})
    assert policy.bounds_of("t", ("a",)) == policy.bounds["standard"]
    assert policy.rate_of("unheard-of") == policy.tenants["*"]


GOOD = "- {name: n, caller: {name: a}, text: hi, expect: allow}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "valid array"),
        ("[]", "there are no cases"),
        (GOOD + GOOD, "the case name is used in cases/x.yaml already"),
        (GOOD.replace("expect: allow", "expect: pass"), "'allow', 'redact' or 'block'"),
        (GOOD.replace("text: hi", "text: hi, body: {}"), "give text or body, not both"),
        (GOOD.replace("text: hi", "stage: response"), "a response case needs text"),
        (GOOD.replace("text: hi", "code: x, text: hi"), "expect must be block"),
        (GOOD.replace("allow", "block"), "say why it is blocked"),
        (GOOD.replace("caller", "calle"), "did you mean 'caller'?"),
    ],
)
def test_slips_in_cases_are_told(text: str, says: str) -> None:
    assert says in told(cases.parse, cases__x=text)


def test_cases_come_in_the_order_of_their_files() -> None:
    found = cases.parse({"cases/b.yaml": GOOD.encode(), "cases/a.yaml": GOOD.replace("n,", "m,").encode()})
    assert [(file, case.name) for file, case in found.entries] == [("cases/a.yaml", "m"), ("cases/b.yaml", "n")]
