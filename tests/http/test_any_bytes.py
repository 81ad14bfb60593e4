"""Whatever bytes come, in whatever pieces: the connection gets a reply or ends, and no handler is left waiting."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

import pytest
from aiohttp.web import BaseRequest, Response, StreamResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.http.strict import check, head_of
from gateway.settings.outside import Limits
from tests.http.sockets import Papers, an_authority, connected, listening
from tests.http.test_second_reader import mutated
from tests.http.test_strict import STRICT

AT_ONCE = 25  # connections of one example
LIMITS = Limits(header_seconds=0.2, body_seconds=0.2, idle_seconds=0.2, write_seconds=0.2)
END_SECONDS = 5.0  # far above each deadline; a loaded machine is slow


@dataclass(frozen=True)
class Sending:
    """Bytes, and where they are cut."""

    raw: bytes
    cuts: tuple[int, ...]

    def pieces(self) -> list[bytes]:
        ends = sorted(cut % (len(self.raw) + 1) for cut in self.cuts)
        return [self.raw[start:end] for start, end in zip([0, *ends], [*ends, len(self.raw)], strict=True)]


sendings = st.builds(Sending, mutated() | st.binary(max_size=80), st.tuples(*[st.integers(0, 4000)] * 3))


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    papers = an_authority(tmp_path_factory.mktemp("pki"))
    papers.client("ana")
    return papers


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate],  # to shrink a hang takes its whole deadline each time
)
@given(several=st.lists(sendings, min_size=AT_ONCE, max_size=AT_ONCE))
def test_every_connection_ends_and_no_handler_is_left_waiting(papers: Papers, several: list[Sending]) -> None:
    asyncio.run(_all_end(papers, several))


async def _all_end(papers: Papers, several: list[Sending]) -> None:
    under_way = 0

    async def handler(request: BaseRequest) -> StreamResponse:
        nonlocal under_way
        under_way += 1
        try:
            refusal = check(head_of(request), STRICT)
            return Response(status=400) if refusal else Response(body=await request.read())
        finally:
            under_way -= 1

    async with listening(papers, handler, LIMITS) as at:
        context = papers.context("ana")
        async with asyncio.timeout(END_SECONDS):
            await asyncio.gather(*(_sent(at.port, context, sending) for sending in several))
            while at.connections:
                await asyncio.sleep(0.01)
    assert under_way == 0


async def _sent(port: int, context: ssl.SSLContext, sending: Sending) -> None:
    async with connected(port, context) as client:
        with suppress(ConnectionError, ssl.SSLError):
            for piece in sending.pieces():
                await client.send(piece)
                await asyncio.sleep(0.003)
        await client.is_closed()
