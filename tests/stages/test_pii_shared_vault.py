"""The shared vault against a real Redis: two gateways, sealed values, and nothing guessed when Redis is gone."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from gateway.core.pipeline import judge
from gateway.core.verdict import Allow, Amend, Code
from gateway.pki import store as authority
from gateway.redis_store import Address, RedisStore, client
from gateway.stages.pii import Redaction, SharedVault
from gateway.stages.pii.redaction import FORGETFUL
from gateway.stages.pii.shared_vault import VaultError
from gateway.stages.pii.vault import VaultUnavailable
from tests.servers.redis import Server, Unavailable, a_server
from tests.stages.test_pii import DETECTORS, KEY, exchange, policy
from tests.stages.test_pii_pseudonyms import SAID

FORGETTING = SAID.replace("restore: {roles: [reader]}", "restore: {roles: [reader], on_unavailable: forget}")


def served(directory: Path, password: str = "", tls: Path | None = None) -> Iterator[Server]:
    try:
        with a_server(directory, password, tls) as server:
            yield server
    except Unavailable as why:
        pytest.skip(f"the shared vault is NOT tested, there is no Redis: {why}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from served(tmp_path_factory.mktemp("redis"), secrets.token_hex(8))


def address(server: Server) -> Address:
    return Address(server.url, password=server.password)


def store(server: Server) -> RedisStore:
    return RedisStore(address(server), time.monotonic)


def vault(server: Server, key: bytes = KEY) -> SharedVault:
    return SharedVault(store(server), key, os.urandom)


def kept(server: Server) -> dict[bytes, dict[bytes, bytes]]:
    with client(address(server)) as raw:
        return {name: raw.hgetall(name) for name in raw.keys("*")}  # type: ignore[union-attr,misc]


def test_one_gateway_remembers_for_another(server: Server) -> None:
    vault(server).remember("scope", {"<PERSON_abcdef>": "张三"}, 0.0, 60)
    assert vault(server).recall("scope", 0.0, 60) == {"<PERSON_abcdef>": "张三"}
    assert vault(server).recall("other", 0.0, 60) == {}


def test_redis_never_holds_a_value_or_a_scope(server: Server) -> None:
    vault(server).remember("my scope", {"<PERSON_abcdef>": "Jane Doe"}, 0.0, 60)
    dump = b"".join(name + b"".join(values.values()) for name, values in kept(server).items())
    assert b"Jane Doe" not in dump
    assert b"my scope" not in dump


def test_a_value_moved_to_another_conversation_or_cut_short_does_not_open(server: Server) -> None:
    one, raw = vault(server), client(address(server))
    one.remember("a", {"<T_aaaaaa>": "secret"}, 0.0, 60)
    raw.hset(one._name("b"), mapping=raw.hgetall(one._name("a")))  # type: ignore[arg-type]
    raw.hset(one._name("c"), mapping={"<T_aaaaaa>": b"short"})
    for scope in ("b", "c"):
        with pytest.raises(VaultError):
            one.recall(scope, 0.0, 60)
    assert vault(server, b"z" * 32).recall("a", 0.0, 60) == {}


def test_a_lifetime_ends_and_begins_anew_with_each_turn(server: Server) -> None:
    one = vault(server)
    one.remember("short", {"<T_aaaaaa>": "x"}, 0.0, 2)
    time.sleep(1.2)
    assert one.recall("short", 0.0, 2) == {"<T_aaaaaa>": "x"}
    time.sleep(1.2)
    assert one.recall("short", 0.0, 1) == {"<T_aaaaaa>": "x"}
    time.sleep(1.3)
    assert one.recall("short", 0.0, 2) == {}


def test_nothing_is_kept_without_an_end(server: Server) -> None:
    vault(server).remember("ends", {"<T_aaaaaa>": "x"}, 0.0, 60)
    with client(address(server)) as raw:
        assert all(0 < raw.ttl(name) <= 60 for name in raw.keys("*"))  # type: ignore[union-attr,operator]


def test_a_conversation_goes_on_at_another_gateway(server: Server) -> None:
    first = Redaction(policy(SAID), KEY, DETECTORS, vault(server))
    second = Redaction(policy(SAID), KEY, DETECTORS, vault(server))
    asked = first.judge(exchange("call 13812345678", role="reader")).exchange  # type: ignore[union-attr]
    tag = asked.passages[0].text.split()[1]
    later = second.judge(exchange("call 13812345678", f"and {tag}?", role="reader")).exchange  # type: ignore[union-attr]
    assert dict(later.pseudonyms) == dict(asked.pseudonyms)


@pytest.mark.parametrize("wrong", ["port", "password"])
def test_without_redis_the_exchange_is_refused_and_the_record_says_why(server: Server, wrong: str) -> None:
    gone = Address("redis://127.0.0.1:1", timeout_s=0.2) if wrong == "port" else Address(server.url, password="other")
    one = Redaction(policy(SAID), KEY, DETECTORS, SharedVault(RedisStore(gone, time.monotonic), KEY, os.urandom))
    judged = judge([one], exchange("hello", role="reader"), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED
    assert judged.rulings[0].fault.startswith("VaultUnavailable at gateway.redis_store")


def test_where_policy_says_so_it_goes_on_without_what_earlier_turns_said_and_tells() -> None:
    gone = SharedVault(RedisStore(Address("redis://127.0.0.1:1"), time.monotonic), KEY, os.urandom)
    one = Redaction(policy(FORGETTING), KEY, DETECTORS, gone)
    verdict = one.judge(exchange("call 13812345678", role="reader"))
    assert isinstance(verdict, Amend)
    assert verdict.exchange.notes == (FORGETFUL,)
    assert list(dict(verdict.exchange.pseudonyms).values()) == ["13812345678"]
    assert "13812345678" not in verdict.exchange.passages[0].text


def test_those_who_have_no_tags_do_not_depend_on_redis() -> None:
    gone = SharedVault(RedisStore(Address("redis://127.0.0.1:1"), time.monotonic), KEY, os.urandom)
    one = Redaction(policy(SAID), KEY, DETECTORS, gone)
    assert one.judge(exchange("hello", role="analyst")) == Allow(())


def test_after_a_failure_nobody_waits_again_for_a_moment(tmp_path: Path) -> None:
    now = [0.0]
    one = RedisStore(Address("redis://127.0.0.1:1"), lambda: now[0])
    with pytest.raises(VaultUnavailable, match="ConnectionError"):
        one.ping()
    with pytest.raises(VaultUnavailable, match="a moment ago"):
        one.ping()
    now[0] = 2.0
    with pytest.raises(VaultUnavailable, match="ConnectionError"):
        one.ping()


def test_a_redis_that_comes_back_is_asked_again_without_a_restart(tmp_path: Path) -> None:
    for server in served(tmp_path):
        one = vault(server)
        one.remember("a", {"<T_aaaaaa>": "x"}, 0.0, 60)
        server.kill()
        server.start()
        assert one.recall("a", 0.0, 60) == {"<T_aaaaaa>": "x"}


def test_over_tls_with_the_gateways_own_certificate_and_not_with_anothers(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for name in ("site", "stranger"):
        authority.found(tmp_path / name, name, ["127.0.0.1"], now)
    made = authority.issue_client(tmp_path / "site", "gateway", "t", (), now)
    (tmp_path / "cert.pem").write_bytes(made.certificate_pem)
    (tmp_path / "key.pem").write_bytes(made.key_pem)
    papers = {"certificate": tmp_path / "cert.pem", "key": tmp_path / "key.pem"}
    (tmp_path / "data").mkdir()
    for server in served(tmp_path / "data", tls=tmp_path / "site"):
        RedisStore(Address(server.url, ca=tmp_path / "site" / "ca.pem", **papers), time.monotonic).ping()
        for ca, shown in ((tmp_path / "stranger" / "ca.pem", papers), (tmp_path / "site" / "ca.pem", {})):
            with pytest.raises(VaultUnavailable):
                RedisStore(Address(server.url, ca=ca, **shown), time.monotonic).ping()


def test_no_secret_is_printed() -> None:
    shown = repr(Address("redis://h", password="hunter2")) + repr(SharedVault(None, KEY, os.urandom))  # type: ignore[arg-type]
    assert "hunter2" not in shown
    assert issubclass(redis.AuthenticationError, redis.RedisError)
