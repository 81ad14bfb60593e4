"""What the doctor hears from other servers, which here are real ones on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from gateway.doctor.check import State
from gateway.doctor.services import check_backend, check_elasticsearch
from gateway.settings import Settings, load
from gateway.site import Plan, create
from tests.doctor.test_papers import NOW


@asynccontextmanager
async def serving(path: str, status: int, body: str, seen: list[Mapping[str, str]] | None = None) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append(dict(request.headers))
        return web.Response(status=status, text=body)

    application = web.Application()
    application.router.add_get(path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def settings_with(tmp_path: Path, **sections: Mapping[str, object]) -> Settings:
    create(tmp_path / "site", NOW, Plan(settings=sections))
    return load(tmp_path / "site", complete=False)


@pytest.mark.parametrize(
    ("kind", "path", "status", "body", "state", "says"),
    [
        ("tgi", "/info", 200, '{"model_id": "smollm2"}', State.FINE, "smollm2 at"),
        ("openai", "/v1/models", 200, '{"data": [{"id": "a"}, {"id": "b"}]}', State.FINE, "a, b at"),
        ("tgi", "/info", 200, '{"hello": 1}', State.PROBLEM, "not as tgi"),
        ("openai", "/v1/models", 200, '{"data": 3}', State.PROBLEM, "not as openai"),
        ("openai", "/v1/models", 200, "[]", State.PROBLEM, "not as openai"),
        ("tgi", "/info", 200, "<html>", State.PROBLEM, "no JSON"),
        ("tgi", "/info", 401, "{}", State.PROBLEM, "HTTP 401"),
        ("tgi", "/other", 200, "{}", State.PROBLEM, "HTTP 404"),
        ("tgi", "/info", 200, '"' + "x" * (2 << 20) + '"', State.PROBLEM, "over"),
    ],
)
async def test_a_backend_is_fine_only_when_it_names_its_model(
    tmp_path: Path, kind: str, path: str, status: int, body: str, state: State, says: str
) -> None:
    async with serving(path, status, body) as url:
        check = await check_backend(settings_with(tmp_path, backend={"kind": kind, "url": url}))
    assert check.state is state
    assert says in check.said[0]


async def test_a_backend_that_is_not_there_is_a_problem_with_a_hint(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    check = await check_backend(settings_with(tmp_path, backend={"url": f"http://127.0.0.1:{port}"}))
    assert check.state is State.PROBLEM
    assert "hangu backend" in check.hint[0]
    assert check.said[0].endswith("connection refused")


async def test_the_backend_is_asked_with_its_key_which_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGU_TEST_KEY", "canary")
    seen: list[Mapping[str, str]] = []
    async with serving("/info", 401, "{}", seen) as url:
        backend = {"url": url, "api_key": {"env": "HANGU_TEST_KEY"}}
        check = await check_backend(settings_with(tmp_path, backend=backend))
    assert seen[0]["Authorization"] == "Bearer canary"
    assert "canary" not in str(check)


async def test_without_elasticsearch_there_is_only_a_note(tmp_path: Path) -> None:
    assert [check.state for check in await check_elasticsearch(settings_with(tmp_path))] == [State.NOTE]


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, '{"version": {"number": "8.19.3"}}', State.FINE),
        (200, '{"version": {"number": "7.17.0"}}', State.PROBLEM),
        (200, "{}", State.PROBLEM),
        (401, "{}", State.PROBLEM),
    ],
)
async def test_elasticsearch_must_answer_in_a_version_the_client_speaks(
    tmp_path: Path, status: int, body: str, state: State
) -> None:
    async with serving("/", status, body) as url:
        checks = await check_elasticsearch(settings_with(tmp_path, elasticsearch={"url": url}))
    assert [check.state for check in checks] == [state]
