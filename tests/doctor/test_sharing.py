"""What the doctor says of where pseudonyms are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.doctor.check import State
from gateway.doctor.sharing import check_pseudonyms
from tests.doctor.test_services import settings_with
from tests.servers.redis import Unavailable, a_server


@pytest.mark.parametrize(
    ("sections", "state", "says"),
    [
        ({}, State.FINE, "memory"),
        ({"listen": {"workers": 2}}, State.NOTE, "alone"),
        ({"pseudonyms": {"url": "redis://127.0.0.1:1"}}, State.PROBLEM, "ConnectionError"),
    ],
)
def test_where_they_are_kept_is_told(
    tmp_path: Path, sections: Mapping[str, Mapping[str, object]], state: State, says: str
) -> None:
    check = check_pseudonyms(settings_with(tmp_path, **sections))
    assert check.state is state
    assert says in check.said[0]


def test_a_redis_that_answers_is_fine(tmp_path: Path) -> None:
    try:
        with a_server(tmp_path) as server:
            check = check_pseudonyms(settings_with(tmp_path, pseudonyms={"url": server.url}))
    except Unavailable as why:
        pytest.skip(f"the shared vault is NOT tested, there is no Redis: {why}")
    assert check.state is State.FINE
