"""What is sealed opens to auditors with a reason, on the record; what is erased is gone from the disk, and every proof still holds."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.disclosure import Person, erase, hold, is_held, release, reveal
from gateway.audit.journal import Journal
from gateway.audit.projection import FILE, Projection
from gateway.audit.proof import check, prove
from gateway.audit.query import Filter
from gateway.audit.record import Event, Opened, opened, part
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from gateway.audit.vault import Key, Vault
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from gateway.core.exchange import Exchange, Passage
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, let_in

SIZES = Sizes(segment=16_384, step=4096, ballast=0, reserve=0)
AUDITOR, ANALYST = Person("eve", ("auditor",)), Person("ana", ("analyst",))
LATER = AT + 1000


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "keys", Key(b"m" * 32))


def sealed(vault: Vault, id_: str, original: str, kept: str, **who: str) -> Opened:
    exchange = an_exchange(id_, kept, **who)  # type: ignore[arg-type]
    as_it_came = replace(exchange, passages=(Passage("messages[0].content", "user", original),))
    return opened(exchange, let_in(exchange), DIGEST, AT, sealed=lock(vault, as_it_came))


def lock(vault: Vault, exchange: Exchange) -> str:
    who = exchange.principal
    assert who is not None
    words = [(passage.where, passage.text) for passage in exchange.passages]
    return vault.begin(exchange.id, who.tenant, who.name).seal("request", words)


def texts(vault: Vault, told: str, id_: str, user: str = "ana") -> tuple[str, ...]:
    return tuple(text for _, text in vault.open(told, id_, "acme", user, "request"))


async def write(directory: Path, signer: FileSigner, vault: Vault) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        for n in range(20):
            await journal.append(sealed(vault, f"a{n}", f"原文 original-ana-{n} 13800138000", f"kept-ana-{n} <PHONE>"))
            await journal.append(part(an_exchange(f"a{n}"), AT, {"choices[0].content": f"answer-ana-{n}"}))
            await journal.append(a_closed(f"a{n}", f"answer-ana-{n}", at=AT))
            await journal.append(sealed(vault, f"b{n}", f"original-bob-{n}", f"kept-bob-{n}", user="bob"))
            await journal.append(a_closed(f"b{n}", f"answer-bob-{n}", user="bob", at=AT))


def anywhere(directory: Path, words: str) -> list[str]:
    """Files below a directory that hold these bytes in any form that could be read back."""
    return [path.name for path in directory.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


async def test_the_originals_are_on_disk_under_lock_only(directory: Path, signer: FileSigner, vault: Vault) -> None:
    await write(directory, signer, vault)
    with Projection.open(directory):
        assert anywhere(directory.parent, "13800138000") == []
        assert anywhere(directory.parent, "kept-ana-3") != []


async def test_after_an_erasure_no_byte_of_the_text_is_left_and_the_record_still_verifies(
    directory: Path, signer: FileSigner, vault: Vault
) -> None:
    await write(directory, signer, vault)
    (directory / "torn-x.bin").write_bytes(b"kept-ana-9 torn off by a crash")
    with Projection.open(directory) as record:  # the projection has the texts too
        before = prove(directory, record.places("a3"), signer.public)
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        done = await erase(directory, journal, vault, AUDITOR, ("acme", "ana"), "request 17 of the person", LATER)
    assert (done.records, done.key_destroyed) == (60, True)
    for words in ("kept-ana-", "answer-ana-", "original-ana", "<PHONE>"):
        assert anywhere(directory.parent, words) == []
    assert len(anywhere(directory, "kept-bob-3")) >= 1
    report = verify(directory, signer.public)
    assert report.problems == ()
    assert {log.origin: log.erased for log in report.logs} == {"cli": 0, "w0": 60}
    assert check(before, signer.public) == []  # an old proof holds for ever
    with Projection.open(directory) as record:
        assert [e.record.passages[0].text for e in record.of("a3") if isinstance(e.record, Opened)] == [""]
        assert [e.record.passages[0].text for e in record.of("b3") if isinstance(e.record, Opened)] == ["kept-bob-3"]
        assert list(record.search("kept-ana")) == []
        assert check(prove(directory, record.places("a3"), signer.public), signer.public) == []


async def test_an_erased_subject_cannot_be_revealed_even_from_an_old_copy(
    directory: Path, signer: FileSigner, vault: Vault
) -> None:
    record = sealed(vault, "a1", "the original", "kept")
    assert texts(vault, record.sealed, "a1") == ("the original",)
    assert vault.destroy("acme", "ana")
    with pytest.raises(AuditError, match="is gone"):
        texts(vault, record.sealed, "a1")
    again = Vault(directory.parent / "keys", Key(b"m" * 32))
    lock(again, an_exchange("a2"))  # the subject comes back and gets a new key: the old texts stay noise
    with pytest.raises(AuditError, match="does not open it"):
        texts(again, record.sealed, "a1")


async def test_what_comes_after_an_erasure_is_kept(directory: Path, signer: FileSigner, vault: Vault) -> None:
    await write(directory, signer, vault)
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        await erase(directory, journal, vault, AUDITOR, ("acme", "ana"), "request", LATER)
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("later", "new words", at=LATER + 10))
    with Projection.open(directory) as record:
        assert [entry.record.id for entry in record.search("new words") if isinstance(entry.record, Opened)] == [
            "later"
        ]
    assert verify(directory, signer.public).ok


async def test_a_legal_hold_forbids_erasing_until_it_is_released(
    directory: Path, signer: FileSigner, vault: Vault
) -> None:
    await write(directory, signer, vault)
    whose = ("acme", "ana")
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        await hold(journal, AUDITOR, *whose, "case 4", LATER)
        with pytest.raises(AuditError, match="legal hold"):
            await erase(directory, journal, vault, AUDITOR, whose, "request", LATER + 1)
        with Projection.open(directory) as record:
            assert is_held(record, *whose)
            assert not is_held(record, "acme", "bob")
        await release(journal, AUDITOR, *whose, "case closed", LATER + 2)
        assert (await erase(directory, journal, vault, AUDITOR, whose, "request", LATER + 3)).records == 60


async def test_a_reveal_is_on_the_record_before_it_shows_anything(
    directory: Path, signer: FileSigner, vault: Vault
) -> None:
    await write(directory, signer, vault)
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        with Projection.open(directory) as record:
            shown = await reveal(journal, vault, record, [AUDITOR], "a3", "incident 12", LATER)
            assert shown.request == (("messages[0].content", "原文 original-ana-3 13800138000"),)
            record.refresh()
            told = [entry.record for entry in record.find(Filter(word="record.revealed"))]
    assert [(e.actor, e.subject, dict(e.facts)) for e in told if isinstance(e, Event)] == [
        ("eve", "ana", {"exchange": "a3", "reason": "incident 12"})
    ]


@pytest.mark.parametrize(
    ("persons", "needed", "reason", "why"),
    [
        ([ANALYST], 1, "curious", "role auditor"),
        ([], 1, "nobody", "role auditor"),
        ([AUDITOR], 1, "  ", "needs a reason"),
        ([AUDITOR], 2, "alone", "needs 2"),
        ([AUDITOR, AUDITOR], 2, "the same person twice", "needs 2"),
        ([AUDITOR, ANALYST], 2, "one is no auditor", "needs 2"),
    ],
)
async def test_nobody_else_reveals_and_nothing_is_recorded_as_revealed(
    directory: Path, signer: FileSigner, vault: Vault, persons: list[Person], needed: int, reason: str, why: str
) -> None:
    await write(directory, signer, vault)
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        with Projection.open(directory) as record, pytest.raises(AuditError, match=why):
            await reveal(journal, vault, record, persons, "a3", reason, LATER, needed=needed)
        with Projection.open(directory) as record:
            assert list(record.find(Filter(word="record.revealed"))) == []


async def test_nothing_sealed_is_said_so(directory: Path, signer: FileSigner, vault: Vault) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("plain"))
        with Projection.open(directory) as record, pytest.raises(AuditError, match="nothing is sealed"):
            await reveal(journal, vault, record, [AUDITOR], "plain", "look", LATER)


def exchange_of(user: str) -> Exchange:
    return an_exchange("x1", "secret", user=user)


def test_a_new_master_key_rewraps_tenants_only_and_everything_still_opens(tmp_path: Path) -> None:
    old = Vault(tmp_path / "keys", Key(b"m" * 32))
    told = lock(old, exchange_of("ana"))
    files = {path: path.read_bytes() for path in (tmp_path / "keys").rglob("*.key")}
    assert old.rewrap(Key(b"n" * 32)) == 1
    changed = [path.name for path, data in files.items() if path.read_bytes() != data]
    assert changed == ["tenant.key"]
    assert texts(Vault(tmp_path / "keys", Key(b"n" * 32)), told, "x1") == ("secret",)
    with pytest.raises(AuditError, match="does not open"):
        texts(Vault(tmp_path / "keys", Key(b"m" * 32)), told, "x1")


def test_a_key_destroyed_by_another_process_is_not_used_again(tmp_path: Path) -> None:
    gateway, tool = (Vault(tmp_path / "keys", Key(b"m" * 32)) for _ in range(2))
    lock(gateway, exchange_of("ana"))
    tool.destroy("acme", "ana")
    later = lock(gateway, exchange_of("ana"))
    assert texts(Vault(tmp_path / "keys", Key(b"m" * 32)), later, "x1") == ("secret",)


@pytest.mark.parametrize(("id_", "user"), [("x2", "ana"), ("x1", "bob")])
def test_what_was_sealed_for_one_opens_for_no_other(vault: Vault, id_: str, user: str) -> None:
    told = lock(vault, exchange_of("ana"))
    lock(vault, exchange_of("bob"))
    with pytest.raises(AuditError, match="does not open"):
        texts(vault, told, id_, user)


async def test_an_erasure_does_not_call_itself_done_while_a_reader_keeps_the_texts(
    directory: Path, signer: FileSigner, vault: Vault
) -> None:
    await write(directory, signer, vault)
    with Projection.open(directory):
        pass
    reader = sqlite3.connect(directory / FILE, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM texts").fetchone()
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        whose = ("acme", "ana")
        with pytest.raises(AuditError, match="erase again"):
            await erase(directory, journal, vault, AUDITOR, whose, "request", LATER)
        reader.close()
        await erase(directory, journal, vault, AUDITOR, whose, "request", LATER)
    assert anywhere(directory.parent, "kept-ana-") == []
    assert verify(directory, signer.public).ok
