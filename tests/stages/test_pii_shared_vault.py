"""The shared vault against a real Redis: two gateways, sealed values, and nothing guessed when Redis is gone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.pipeline import judge
from gateway.core.verdict import Code
from gateway.stages.pii import Redaction
from gateway.stages.pii.shared_vault import RedisVault, VaultError
from tests.stages.test_pii import DETECTORS, KEY, exchange, policy
from tests.stages.test_pii_pseudonyms import SAID

redis = pytest.importorskip("redis")
SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(
    SERVER is None, reason="redis-server is not installed: the shared vault is NOT tested; apt install redis-server"
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    directory: Path = tmp_path_factory.mktemp("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(SERVER), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    made = redis.Redis(port=port, socket_timeout=5)
    for _ in range(100):
        try:
            made.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield made
    made.close()
    process.terminate()
    process.wait(10)


def vault(client: object, key: bytes = KEY, lifetime: int = 60) -> RedisVault:
    return RedisVault(client, key, lifetime, os.urandom)  # type: ignore[arg-type]


def test_one_gateway_remembers_for_another(client: object) -> None:
    vault(client).remember("scope", {"<PERSON_abcdef>": "张三"}, 0.0)
    assert vault(client).recall("scope", 0.0) == {"<PERSON_abcdef>": "张三"}
    assert vault(client).recall("other", 0.0) == {}


def test_redis_never_holds_a_value_or_a_scope(client: object) -> None:
    vault(client).remember("my scope", {"<PERSON_abcdef>": "Jane Doe"}, 0.0)
    dump = b"".join(name + b"".join(client.hgetall(name).values()) for name in client.keys("*"))  # type: ignore[attr-defined]
    assert b"Jane Doe" not in dump
    assert b"my scope" not in dump


def test_a_value_moved_to_another_conversation_does_not_open(client: object) -> None:
    one = vault(client)
    one.remember("a", {"<T_aaaaaa>": "secret"}, 0.0)
    client.hset(one._name("b"), mapping=client.hgetall(one._name("a")))  # type: ignore[attr-defined]
    with pytest.raises(VaultError):
        one.recall("b", 0.0)
    assert vault(client, b"z" * 32).recall("a", 0.0) == {}


def test_a_lifetime_ends(client: object) -> None:
    one = vault(client, lifetime=1)
    one.remember("short", {"<T_aaaaaa>": "x"}, 0.0)
    time.sleep(1.3)
    assert one.recall("short", 0.0) == {}


def test_a_conversation_goes_on_at_another_gateway(client: object) -> None:
    first = Redaction(policy(SAID), KEY, DETECTORS, vault(client))
    second = Redaction(policy(SAID), KEY, DETECTORS, vault(client))
    asked = first.judge(exchange("call 13812345678", role="reader")).exchange  # type: ignore[union-attr]
    later = second.judge(exchange("call 13812345678", "and?", role="reader")).exchange  # type: ignore[union-attr]
    assert dict(later.pseudonyms) == dict(asked.pseudonyms)


def test_without_redis_the_exchange_is_refused() -> None:
    gone = redis.Redis(port=1, socket_timeout=0.2)
    judged = judge(
        [Redaction(policy(SAID), KEY, DETECTORS, vault(gone))], exchange("hello", role="reader"), lambda: 0.0
    )
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED
