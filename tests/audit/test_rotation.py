"""Another key signs from now on: what the old one signed still verifies, and whoever keeps the old one cannot go on with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.audit.adoption import finish, orphans
from gateway.audit.checkpoint import is_signed, public_keys, public_pem
from gateway.audit.journal import INTERRUPTED, Journal
from gateway.audit.projection import Projection
from gateway.audit.proof import check, newest, prove
from gateway.audit.query import Filter
from gateway.audit.record import Closed, Outcome
from gateway.audit.seal import FileSigner, generate_key
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
from tests.audit.examples import a_closed, an_opened

SIZES = Sizes(segment=65_536, step=4096, ballast=0, reserve=0)


@pytest.fixture
def new() -> FileSigner:
    return FileSigner.parse(generate_key()[0], "hangu.test")


async def write(directory: Path, signer: FileSigner, id_: str, origin: str = "w0", **more: object) -> None:
    async with Journal.open(directory, origin, sizes=SIZES, signer=signer, **more) as journal:  # type: ignore[arg-type]
        await journal.append(an_opened(id_))
        await journal.append(a_closed(id_))


async def test_a_log_goes_on_under_a_new_key_and_everything_verifies(
    directory: Path, signer: FileSigner, new: FileSigner
) -> None:
    await write(directory, signer, "before")
    with Projection.open(directory) as record:
        old_proof = prove(directory, record.places("before"), signer.public)
    await write(directory, new, "after", retired=[signer.public])
    both = (new.public, signer.public)
    assert verify(directory, both).problems == ()
    assert is_signed(newest(directory, "w0"), new.public)
    with Projection.open(directory) as record:
        for id_ in ("before", "after"):
            assert check(prove(directory, record.places(id_), both), both) == []
    assert check(old_proof, both) == []
    assert check(old_proof, new.public) != []
    assert any("not signed by this key" in str(problem) for problem in verify(directory, new.public).problems)


async def test_a_running_log_takes_a_new_key_and_says_so(directory: Path, signer: FileSigner, new: FileSigner) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("x1"))
        while journal.sealed == 0:
            await asyncio.sleep(0.01)
        await journal.sign_with(new, [signer.public], 1_700_000_000.0)
        assert journal.public == new.public
        await journal.append(a_closed("x1"))
    assert verify(directory, (new.public, signer.public)).problems == ()
    with Projection.open(directory) as record:
        assert [dict(e.record.facts) for e in record.find(Filter(word="key.taken"))] == [{"public": new.public.hex()}]  # type: ignore[union-attr]


async def test_whoever_keeps_a_retired_key_cannot_go_on_with_it_unseen(
    directory: Path, signer: FileSigner, new: FileSigner
) -> None:
    await write(directory, signer, "before")
    await write(directory, new, "after", retired=[signer.public])
    await write(directory, signer, "thief", retired=[new.public])
    found = verify(directory, (new.public, signer.public)).problems
    assert any("by a retired key" in problem.what for problem in found)


async def test_a_key_that_nobody_retired_does_not_go_on(directory: Path, signer: FileSigner, new: FileSigner) -> None:
    await write(directory, signer, "before")
    with pytest.raises(AuditError, match="not signed by this key"):
        Journal.open(directory, sizes=SIZES, signer=new, retired=[bytes(32)])


def test_a_file_of_public_keys_gives_them_in_order(signer: FileSigner, new: FileSigner) -> None:
    assert public_keys(public_pem(new.public) + public_pem(signer.public)) == (new.public, signer.public)
    with pytest.raises(AuditError, match="not a public key"):
        public_keys(b"nonsense")


# ---- logs whose worker is gone


async def leave_open(directory: Path, signer: FileSigner, origin: str) -> None:
    """As a killed worker leaves its log: an exchange let in, and nobody to end it."""
    journal = Journal.open(directory, origin, sizes=SIZES, signer=signer)
    await journal.append(an_opened(f"{origin}-1"))
    await journal.append(a_closed(f"{origin}-1"))
    await journal.append(an_opened(f"{origin}-2"))
    await journal.close()


async def test_another_worker_gives_an_end_to_what_a_gone_one_left_open(directory: Path, signer: FileSigner) -> None:
    await leave_open(directory, signer, "w7")
    async with Journal.open(directory, "w0", sizes=SIZES, signer=signer):
        assert orphans(directory, signer.public, {"w0"}) == ["w7"]
        assert await finish(
            "w7", lambda origin: Journal.open(directory, origin, sizes=SIZES, signer=signer, actor="w0")
        )
        assert orphans(directory, signer.public, {"w0"}) == []  # once, and not at every start
    with Projection.open(directory) as record:
        ends = [e.record for e in record.of("w7-2") if isinstance(e.record, Closed)]
        assert [(end.outcome, end.fault) for end in ends] == [(Outcome.UNKNOWN, INTERRUPTED)]
        begun = [e.record for e in record.find(Filter(word="journal.started")) if e.origin == "w7"]
        assert [event.actor for event in begun] == ["", "w0"]  # type: ignore[union-attr]
    report = verify(directory, signer.public)
    assert report.problems == ()
    assert {log.origin: log.open for log in report.logs} == {"w0": 0, "w7": 0}


async def test_a_log_that_somebody_writes_is_let_alone(directory: Path, signer: FileSigner) -> None:
    async with Journal.open(directory, "w7", sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened("under way"))
        assert orphans(directory, signer.public) == []
        assert not await finish("w7", lambda origin: Journal.open(directory, origin, sizes=SIZES, signer=signer))


async def test_a_finished_log_gets_a_head_by_the_new_key(directory: Path, signer: FileSigner, new: FileSigner) -> None:
    await write(directory, signer, "old", "w7")
    await write(directory, new, "new", "w0", retired=[signer.public])
    both = (new.public, signer.public)
    assert [problem.where for problem in verify(directory, both).problems] == ["checkpoint-w7"]
    assert orphans(directory, new.public, {"w0"}) == ["w7"]
    await finish("w7", lambda o: Journal.open(directory, o, sizes=SIZES, signer=new, retired=[signer.public]))
    assert verify(directory, both).problems == ()
