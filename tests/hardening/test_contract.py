"""The running gateway keeps what its OpenAPI document says, tried by schemathesis; the long run is `python -m benchmarks.contract`."""

from __future__ import annotations

import http.client

from benchmarks.contract import run
from benchmarks.rig.attacked import Attacked

SECONDS = 15


def test_schemathesis_finds_nothing_and_everything_it_did_is_on_record(target: Attacked) -> None:
    outcome = run(target, SECONDS)
    assert outcome.status == 0, outcome.told[-5000:]
    assert outcome.requests >= 11  # each operation, even on a machine that has little time for us
    assert outcome.unrecorded == 0


def test_an_answer_without_a_body_does_not_call_itself_json(target: Attacked) -> None:
    connection = http.client.HTTPSConnection("localhost", target.port, context=target.caller.context(), timeout=20)
    connection.request("GET", "/health", headers={"Authorization": f"Bearer {target.caller.token}"})
    reply = connection.getresponse()
    assert (reply.status, reply.read()) == (200, b"")
    assert reply.getheader("content-type") == "text/plain"
    connection.close()
