"""Keys from files and from an address: kept, renewed, rotated, and never older than they may be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.core.errors import SettingsError
from gateway.core.exchange import Certificate, Credentials, Peer
from gateway.core.verdict import Amend, Code, Refuse
from gateway.jwks import MAX_BYTES, Keys, KeysUnreachable, Renewal, from_address, from_files, read_files
from gateway.stages.identity import Identity
from tests.make import an_exchange
from tests.stages.test_identity import NOW, RULES, a_token, jwk, jwks, pem, private


class Issuer:
    """Answers as told, and counts how often it was asked."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> bytes:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


OLD, NEW = jwks(jwk("EdDSA", "old")), jwks(jwk("EdDSA", "old"), jwk("ES256", "new"))
SILENCE = KeysUnreachable("does not answer", "https://issuer")
QUICK = Renewal(seconds=0.05, least_seconds=0.02, stale_seconds=10)


async def test_before_the_first_fetch_there_are_no_keys() -> None:
    assert Keys(Issuer(OLD), Clock()).current().keys == ()


async def test_fetched_keys_are_in_force_until_they_are_too_old() -> None:
    clock = Clock()
    keys = Keys(Issuer(OLD, SILENCE), clock, Renewal(300, 10, 3600))
    assert await keys.renew()
    assert keys.current().good_until == NOW + 3900
    clock.now += 300
    assert not await keys.renew()
    assert [key.id for key in keys.current().keys] == ["old"]
    assert keys.current().good_until == NOW + 3900  # silence gives no more time


@pytest.mark.parametrize("answer", [SILENCE, b"", b"<html>", b'{"keys": []}', jwks({"kty": "oct", "k": "c2VjcmV0"})])
async def test_an_answer_that_is_no_key_set_changes_nothing_and_is_told(answer: bytes | Exception) -> None:
    told: list[str] = []
    keys = Keys(Issuer(OLD, answer), Clock(), tell=lambda what, why: told.append(what))
    await keys.renew()
    before = keys.current()
    assert not await keys.renew()
    assert keys.current() is before
    assert told == ["keys-renewed", "keys-not-renewed"]


async def test_a_withdrawn_key_is_gone_with_the_next_fetch() -> None:
    keys = Keys(Issuer(NEW, OLD), Clock())
    await keys.renew()
    await keys.renew()
    assert [key.id for key in keys.current().keys] == ["old"]


async def test_keys_are_fetched_again_and_again() -> None:
    issuer = Issuer(OLD)
    keys = Keys(issuer, asyncio.get_running_loop().time, QUICK)
    async with running(keys):
        await until(lambda: issuer.asked >= 3)


async def test_a_new_key_is_fetched_as_soon_as_a_token_names_it() -> None:
    issuer, clock = Issuer(OLD, NEW), asyncio.get_running_loop().time
    keys = Keys(issuer, lambda: NOW + clock() % 1, Renewal(seconds=3600, least_seconds=0.0))
    stage = Identity(RULES, keys.current, unknown_key=keys.want)
    exchange = an_exchange(
        "hi",
        principal=None,
        credentials=Credentials(a_token("ES256", kid="new")),
        peer=Peer("10.0.0.1", Certificate("thumb-of-ana", "ana")),
    )
    async with running(keys):
        await until(lambda: issuer.asked == 1)
        first = stage.judge(exchange)
        assert isinstance(first, Refuse)
        assert first.code is Code.TOKEN_INVALID
        await until(lambda: issuer.asked == 2)
        assert isinstance(stage.judge(exchange), Amend)


async def test_tokens_with_made_up_keys_do_not_make_us_ask_more_often_than_we_may() -> None:
    issuer = Issuer(OLD)
    keys = Keys(issuer, asyncio.get_running_loop().time, Renewal(seconds=3600, least_seconds=0.2))
    async with running(keys):
        for _ in range(25):
            keys.want()
            await asyncio.sleep(0.01)
    assert issuer.asked <= 3


async def test_an_issuer_that_never_answers_is_given_up_on() -> None:
    async def forever() -> bytes:
        await asyncio.Event().wait()
        return b""

    keys = Keys(forever, Clock(), Renewal(fetch_seconds=0.01))
    assert not await keys.renew()
    assert keys.current().keys == ()


class TestAddress:
    """Over the network: what is fetched, and what is refused."""

    async def test_a_key_set_is_fetched(self) -> None:
        async with served(lambda request: web.Response(body=OLD)) as url, aiohttp.ClientSession() as session:
            assert await from_address(session, url)() == OLD

    @pytest.mark.parametrize(
        "answer",
        [
            lambda request: web.Response(status=500),
            lambda request: web.Response(status=302, headers={"location": "/elsewhere"}),
            lambda request: web.Response(body=b"x" * (MAX_BYTES + 1)),
        ],
    )
    async def test_an_error_a_redirect_and_a_flood_are_refused(self, answer: object) -> None:
        async with served(answer) as url, aiohttp.ClientSession() as session:
            with pytest.raises(KeysUnreachable):
                await from_address(session, url)()

    async def test_nobody_there_is_unreachable(self) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(KeysUnreachable):
                await from_address(session, "http://127.0.0.1:1/keys")()

    @pytest.mark.parametrize("url", ["http://issuer.example/keys", "ftp://127.0.0.1/", "file:///etc/passwd", ""])
    async def test_only_https_is_asked_but_for_loopback(self, url: str) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(SettingsError):
                from_address(session, url)


class TestFiles:
    """Keys by files: PEM and JWKS together."""

    def test_pem_and_jwks_files_make_one_set_that_stays_good(self) -> None:
        found = from_files({"a.pem": pem(private("RS256")), "b.json": NEW})
        assert [key.algorithm for key in found.keys] == ["RS256", "EdDSA", "ES256"]
        assert found.good_until == float("inf")

    def test_only_accepted_algorithms_are_kept(self) -> None:
        assert [key.id for key in from_files({"b.json": NEW}, ("ES256",)).keys] == ["new"]

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"absent\.pem"):
            read_files((tmp_path / "absent.pem",))

    def test_a_file_of_another_kind_is_refused(self) -> None:
        with pytest.raises(SettingsError):
            from_files({"b.json": json.dumps({"key": 1}).encode()})


@asynccontextmanager
async def running(keys: Keys) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keys.run())
        yield
        task.cancel()


async def until(condition: object, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


@asynccontextmanager
async def served(answer: object) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer(request)  # type: ignore[operator, no-any-return]

    app = web.Application()
    app.router.add_get("/keys", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    finally:
        await runner.cleanup()
