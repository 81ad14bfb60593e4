"""One gateway that all attacks of this room are tried on: it must still be there, and answer, after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.rig.attacked import Attacked, attacked


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("attacked"), permitting=True) as running:
        yield running


@pytest.fixture(autouse=True)
def still_standing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test of the gateway does, the gateway outlives it."""
    yield
    if "target" in request.fixturenames:
        target: Attacked = request.getfixturevalue("target")
        assert target.alive()
        assert target.answers()
