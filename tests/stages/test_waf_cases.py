"""The shipped attack and output policies do what their own cases say."""

from __future__ import annotations

from pathlib import Path

import pytest

import policies
from gateway.cases import run
from gateway.core.pipeline import Gate
from gateway.stages.output import Output
from gateway.stages.waf import Waf
from policies import cases, output, waf
from tests.make import a_gate
from tgi.wire import TgiWire

DEFAULT = Path(policies.__file__).parent / "default"


def files(*patterns: str) -> dict[str, bytes]:
    return {path.relative_to(DEFAULT).as_posix(): path.read_bytes() for p in patterns for path in DEFAULT.glob(p)}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return a_gate(Waf(waf.parse(files("waf/*.yaml"))), rewriters=(Output(output.parse(files("output.yaml"))),))


@pytest.mark.parametrize("file", ["cases/waf.yaml", "cases/output.yaml"])
def test_the_shipped_policies_pass_their_own_cases(gate: Gate, file: str) -> None:
    found = run(gate, cases.parse(files(file)), TgiWire(default_model="smollm2"))
    assert found
    assert [(result.case.name, result.wrong, result.seen.findings) for result in found if not result.passed] == []
