"""From a real record on disk to facts: nothing counted twice, nothing lost at the edges of a period, damage told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance_reports.evidence.catalogue import measure
from compliance_reports.facts import Facts, Log, Surroundings, Verification
from compliance_reports.gathering import Reading, gather
from gateway.audit.projection import Projection
from gateway.audit.query import Entry, open_query
from gateway.audit.record import Answer, event
from gateway.audit.seal import FileSigner
from gateway.core.errors import AuditError
from tests.audit.examples import AT, DIGEST, a_closed, an_opened
from tests.compliance_reports.records import MINUTE, some_records, write

AROUND = Surroundings(Verification())
SIGNER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"k" * 32), "hangu.test")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("audit")
    write(found, SIGNER, some_records(40))
    return found


def facts_of(directory: Path, since: float | None = None, until: float | None = None) -> Facts:
    with open_query(directory) as record:
        return gather(record, Reading(since, until, (AuditError,)), AROUND)


def counted(directory: Path) -> list[Entry]:
    with Projection.open(directory) as record:
        return list(record.between(None, None))


def test_every_record_is_counted_once_and_every_exchange_has_its_end(directory: Path) -> None:
    facts = facts_of(directory)
    kinds = Counter(type(entry.record).__name__ for entry in counted(directory))
    assert facts.records == sum(kinds.values())
    assert len(facts.passed) == kinds["Opened"]
    assert sum(1 for one in facts.passed if one.outcome) == kinds["Closed"]
    assert facts.spans == {"w0": (0, facts.records - 1, facts.records)}
    assert facts.orphans == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(min_value=0, max_value=40))
def test_a_cut_anywhere_splits_the_records_and_loses_no_end(directory: Path, cut: float) -> None:
    at = AT + cut * MINUTE
    before, after = facts_of(directory, until=at), facts_of(directory, since=at)
    whole = facts_of(directory)
    assert before.records + after.records == whole.records
    assert {one.id for one in before.passed} | {one.id for one in after.passed} == {one.id for one in whole.passed}
    assert before.orphans == after.orphans == ()  # an end in the second part has its beginning in the first
    assert all(one.outcome for one in before.passed if one.let_in)  # and is known there


def test_what_was_announced_before_the_period_is_known(directory: Path) -> None:
    facts = facts_of(directory, since=AT + 5 * MINUTE)
    assert [one.event.kind for one in facts.before] == ["gateway.started"]
    assert measure(facts)["E8.unannounced"].value == 0


def test_what_was_written_after_the_log_was_verified_is_left_out(directory: Path) -> None:
    around = Surroundings(Verification((Log("w0", 12, 12, 1, 0),)))
    with open_query(directory) as record:
        facts = gather(record, Reading(), around)
    assert facts.spans == {"w0": (0, 11, 12)}
    assert measure(facts)["E1.gaps"].value == 0
    assert all(one.outcome for one in facts.passed if one.let_in)  # an end that came later is still its end


def test_an_end_without_a_beginning_is_an_orphan(tmp_path: Path) -> None:
    write(tmp_path, SIGNER, [an_opened("x1"), a_closed("x1"), a_closed("never-asked")])
    facts = facts_of(tmp_path)
    assert [one.exchange for one in facts.orphans] == ["never-asked"]
    assert measure(facts)["E1.unopened"].value == 1


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        ("本内容由人工智能生成。\n这是回答", True),
        ("这是回答" * 200 + "（AI生成）", True),
        ("AI-generated: hello", True),
        ("x" * 500 + "人工智能合成" + "x" * 500, False),  # in the middle nobody sees it
        ("AI 是一个好话题", False),
        ("我们生成了一份报告", False),
        ("", False),
    ],
)
def test_a_label_is_words_for_maker_and_making_at_either_end(tmp_path: Path, text: str, labelled: bool) -> None:
    answer = (Answer("choices[0].content", len(text), text),)
    write(tmp_path, SIGNER, [an_opened("x1"), replace(a_closed("x1"), answers=answer)])
    assert facts_of(tmp_path).passed[0].labelled is labelled


def test_only_the_answers_own_text_is_content(tmp_path: Path) -> None:
    answers = (Answer("choices[0].reasoning", 5, "hmmmm"), Answer("choices[0].tool_calls[0].arguments", 2, "{}"))
    write(tmp_path, SIGNER, [an_opened("x1"), replace(a_closed("x1"), answers=answers)])
    assert facts_of(tmp_path).passed[0].answered == 0


def test_a_reader_that_fails_midway_is_told_and_what_was_read_is_kept() -> None:
    class Failing:
        """A record whose disk gives up after two entries."""

        def find(self, wanted: object) -> object:
            return iter(())

        def between(self, since: float | None, until: float | None) -> object:
            yield Entry("w0", 0, event("gateway.started", AT, policy=DIGEST))
            yield Entry("w0", 1, an_opened("x1"))
            raise AuditError("record 2 cannot be read", "seg-w0")

    facts = gather(Failing(), Reading(failures=(AuditError,)), AROUND)  # type: ignore[arg-type]
    assert (facts.records, len(facts.passed)) == (2, 1)
    assert "record 2 cannot be read" in facts.fault


def test_progress_is_told() -> None:
    seen: list[int] = []
    entries = [Entry("w0", n, an_opened(f"x{n}")) for n in range(2_500)]

    class Many:
        def find(self, wanted: object) -> object:
            return iter(())

        def between(self, since: float | None, until: float | None) -> object:
            return iter(entries)

        def of(self, exchange: str) -> tuple[Entry, ...]:
            return ()

        def heads(self) -> tuple[object, ...]:
            return ()

    facts = gather(Many(), Reading(progress=seen.append), AROUND)  # type: ignore[arg-type]
    assert seen == [1_000, 2_000]
    assert len(facts.passed) == 2_500
