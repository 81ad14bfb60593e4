"""Keys of subjects shared by processes that know nothing of one another, on disks and with tokens that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import keys
from gateway.audit.originals import Originals
from gateway.audit.vault import MAX_KNOWN, Key, Vault
from gateway.core.errors import AuditError
from gateway.core.reply import Channel, Kind
from gateway.http.originals import Original
from gateway.settings import Secret
from tests.audit.examples import an_exchange

WORDS = [("messages[0].content", "原文")]


def vault(folder: Path, key: bytes = b"m") -> Vault:
    return Vault(folder / "keys", Key(key * 32))


def test_a_key_that_another_worker_made_anew_after_an_erasure_is_the_one_that_is_used(tmp_path: Path) -> None:
    one, other, tool = (vault(tmp_path) for _ in range(3))
    for each in (one, other):
        each.begin("x0", "acme", "ana")
    tool.destroy("acme", "ana")
    assert not one.knows("acme", "ana")
    other.begin("x1", "acme", "ana")  # makes a new key under the same name
    told = one.begin("x2", "acme", "ana").seal("request", WORDS)
    assert vault(tmp_path).open(told, "x2", "acme", "ana", "request") == tuple(WORDS)


def test_of_many_that_meet_a_subject_at_once_all_use_one_key(tmp_path: Path) -> None:
    several = [vault(tmp_path) for _ in range(4)]
    start = threading.Barrier(8)

    def sealed(n: int) -> str:
        start.wait()
        return several[n % 4].begin(f"x{n}", "acme", "ana").seal("request", WORDS)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(sealed, range(8)))
    fresh = vault(tmp_path)
    assert {fresh.open(each, f"x{n}", "acme", "ana", "request") for n, each in enumerate(told)} == {tuple(WORDS)}


def test_a_subject_that_memory_has_no_room_for_is_read_again(tmp_path: Path) -> None:
    held = vault(tmp_path)
    told = held.begin("x0", "acme", "first").seal("request", WORDS)
    held._subjects |= {("acme", f"u{n}"): (None, Key(b"x" * 32), tmp_path) for n in range(MAX_KNOWN)}
    held.begin("x1", "acme", "another")
    assert not held.knows("acme", "first")
    assert held.open(told, "x0", "acme", "first", "request") == tuple(WORDS)


def test_a_new_master_key_is_used_by_a_gateway_that_was_not_told(tmp_path: Path) -> None:
    file, coming = tmp_path / "sealing.key", tmp_path / "sealing.key.next"
    file.write_text("6d" * 32)
    gateway = Vault(tmp_path / "keys", keys.one_master(Secret(file=file)))
    gateway.begin("x0", "acme", "ana")
    coming.write_text("6e" * 32)
    tool = Vault(tmp_path / "keys", keys.one_master(Secret(file=file)))
    assert tool.rewrap(keys.one_master(Secret(file=coming)), lambda: coming.replace(file)) == 1
    for tenant in ("acme", "new"):  # one whose key was wrapped anew, and one that is made only now
        told = gateway.begin("x1", tenant, "bob").seal("request", WORDS)
        assert vault(tmp_path, b"n").open(told, "x1", tenant, "bob", "request") == tuple(WORDS)


def no_directory(folder: Path) -> None:
    (folder / "keys").write_text("a file where the directory belongs")


def no_key_file(folder: Path) -> None:
    (folder / "sealing.key").unlink()


def a_short_key(folder: Path) -> None:
    (folder / "sealing.key").write_text("6d")


@pytest.mark.parametrize("harm", [no_directory, no_key_file, a_short_key])
async def test_what_keeps_a_key_from_being_made_is_a_failure_of_the_record(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    (tmp_path / "sealing.key").write_text("6d" * 32)
    harm(tmp_path)
    master = keys.one_master(Secret(file=tmp_path / "sealing.key"))
    originals = Originals(Vault(tmp_path / "keys", master))
    with pytest.raises(AuditError):
        await originals.begin(an_exchange("x1"))
    assert originals.fault


async def test_a_token_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    release = threading.Event()

    class Hanging(Key):
        def wrap(self, key: bytes, about: bytes) -> bytes:
            release.wait(10)
            return super().wrap(key, about)

    originals = Originals(Vault(tmp_path / "keys", Hanging(b"m" * 32)), seconds=0.05)
    with pytest.raises(AuditError, match=r"took over 0\.05 s"):
        await originals.begin(an_exchange("x1"))
    assert "took over" in originals.fault
    release.set()
    end = time.monotonic() + 10
    while originals.fault and time.monotonic() < end:  # once it answers again, so does the gateway
        try:
            await originals.begin(an_exchange("x2"))
        except AuditError:
            continue
    assert originals.fault == ""


CHANNELS = [Channel(0), Channel(1), Channel(0, Kind.REASONING)]


@settings(max_examples=50)
@given(said=st.lists(st.tuples(st.sampled_from(CHANNELS), st.text(max_size=5), st.booleans()), max_size=20))
def test_the_parts_of_a_stream_joined_are_its_answer_and_its_answer_is_all_that_was_heard(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[Channel, str, bool]]
) -> None:
    held = VAULTS.setdefault("one", vault(tmp_path_factory.mktemp("law")))
    original = Original(held.begin("x1", "acme", "ana"))
    ears = {channel: original.hear(channel) for channel in CHANNELS}
    parts, whole = [], dict.fromkeys(map(str, CHANNELS), "")
    for channel, text, is_due in said:
        assert ears[channel].feed(text).text == text
        whole[str(channel)] += text
        if is_due:
            parts.append(original.part())
    parts.append(original.part())
    joined = dict.fromkeys(whole, "")
    for part in filter(None, parts):
        for place, text in held.open(part, "x1", "acme", "ana", "part"):
            joined[place] += text
    sealed = original.answer()
    answer = dict(held.open(sealed, "x1", "acme", "ana", "answer")) if sealed else dict.fromkeys(whole, "")
    assert joined == answer == whole


VAULTS: dict[str, Vault] = {}
