"""A wire that breaks: the exchange is refused and recorded, whoever broke and wherever. No test here needs a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import BaseRequest

from gateway.core.exchange import Action, Peer
from gateway.core.ports import Ask, Route
from gateway.core.verdict import Code, Refuse
from gateway.http.intake import Intake

ROUTE = Route("POST", "/generate", Action.GENERATE, "tgi")


class Breaks:
    """A wire with a fault in it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def routes(self) -> Sequence[Route]:
        return (ROUTE,)

    def read(self, route: Route, body: bytes) -> Ask | Refuse:
        raise self.error


def a_request(body: bytes) -> BaseRequest:
    loop = asyncio.get_running_loop()
    payload = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    payload.feed_data(body)
    payload.feed_eof()
    headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
    return cast(BaseRequest, make_mocked_request("POST", "/generate", headers=headers, payload=payload))


@pytest.mark.parametrize(
    "error", [TypeError("'13800138000' is not hashable"), RecursionError("deep"), KeyError("inputs")]
)
async def test_a_wire_that_breaks_on_a_body_refuses_it_and_says_where_without_its_words(error: Exception) -> None:
    intake = Intake(
        wire=Breaks(error),
        check=lambda request: None,
        peer_of=lambda request: Peer("127.0.0.1"),
        max_body_bytes=1000,
        new_id=lambda: "x-1",
        new_mark=lambda: 1,
        clock=lambda: 1.0,
    )
    arrival = await intake.read(a_request(b'{"inputs":"13800138000"}'))
    assert arrival.ask is None
    assert arrival.refusal == Refuse(Code.STAGE_FAILED)
    (note,) = arrival.exchange.notes
    assert note.startswith(f"intake: {type(error).__name__} at {__name__}:")
    assert "13800138000" not in note
