"""Epochs of a site: rotating keeps what was, distrusting says so, a new master leaves the old one's marks as leads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermark import Keys, decode, embed
from watermark.epochs import Epoch, Epochs, load, save
from watermark.keys import MAX_LIVE_EPOCHS, KeyFileError

NOW = "2026-01-01T00:00:00+00:00"
MASTER, NEXT = bytes(range(32)), bytes(range(32, 64))
PROSE = "The gateway sits between the people who ask and the models that answer, and it keeps a record of both. " * 5


STEPS: dict[str, Callable[[Epochs], Epochs]] = {
    "rotate": lambda known: known.rotated(NOW),
    "distrust": lambda known: known.distrusting(known.current, "seen", NOW),
    "master": lambda known: known.with_new_master("seen", NOW),
}


def keys(known: Epochs, master: bytes = MASTER) -> Keys:
    return Keys.from_master(master, known.numbers, known.untrusted)


def test_a_site_without_the_file_has_epoch_one(tmp_path: Path) -> None:
    assert load(tmp_path / "none.json") == Epochs()
    assert keys(Epochs()) == Keys.from_master(MASTER)


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_what_is_written_is_what_is_read_and_never_more_than_eight(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    known, path = Epochs(), tmp_path_factory.mktemp("epochs") / "epochs.json"
    for step in steps:
        before = known.current
        known = STEPS[step](known)
        assert known.current == before + 1 and known.live[-1].trusted
        assert len(known.live) <= MAX_LIVE_EPOCHS
        assert set(known.numbers) | set(known.before) == {epoch.number for epoch in known.live}
    save(path, known)
    assert load(path) == known


def test_marks_of_every_live_epoch_are_found() -> None:
    known, marked = Epochs(), []
    for number in range(1, MAX_LIVE_EPOCHS + 1):
        marked.append(embed(PROSE, keys(known), number))
        known = known.rotated(NOW) if number < MAX_LIVE_EPOCHS else known
    for number, text in enumerate(marked, 1):
        hit = decode(text, keys(known)).hits[0]
        assert (hit.mark_id, hit.epoch) == (number, number)
        assert hit.p <= 1e-9


def test_marks_of_a_replaced_master_are_found_and_not_trusted() -> None:
    known = Epochs().rotated(NOW)
    marked = embed(PROSE, keys(known), 77)
    known = known.with_new_master("a backup was lost", NOW)
    both = keys(known, NEXT).and_before(Keys.from_master(MASTER, known.before, known.untrusted))
    assert [(each.epoch, each.trusted) for each in both.epochs] == [(3, True), (2, False), (1, False)]
    assert (decode(marked, both).hits[0].mark_id, decode(marked, both).hits[0].epoch) == (77, 2)
    assert decode(embed(PROSE, both, 78), both).hits[0].epoch == 3


def test_an_epoch_that_is_not_there_cannot_be_distrusted() -> None:
    with pytest.raises(KeyFileError, match="no live epoch 4; hint: one of 1"):
        Epochs().distrusting(4, "seen", NOW)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"kind": "hangu-watermark-epochs", "version": 2, "first": 1, "epochs": []}',
        '{"kind": "hangu-watermark-epochs", "version": 1, "first": 1, "epochs": []}',
        '{"kind": "hangu-watermark-epochs", "version": 1, "first": 1, "epochs": [{"epoch": 0, "trusted": true}]}',
        '{"kind": "hangu-watermark-epochs", "version": 1, "first": 1, "epochs": [{"epoch": 2, "trusted": true}, {"epoch": 1, "trusted": true}]}',
    ],
)
def test_a_file_that_says_something_else_is_refused_not_taken_for_epoch_one(tmp_path: Path, body: str) -> None:
    path = tmp_path / "epochs.json"
    path.write_text(body)
    with pytest.raises(KeyFileError, match=r"epochs\.json"):
        load(path)


def test_distrusting_the_current_epoch_begins_the_next_at_once() -> None:
    known = Epochs().distrusting(1, "seen", NOW)
    assert known.live == (Epoch(1, "", False, "seen"), Epoch(2, NOW))
