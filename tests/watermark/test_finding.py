"""The page for people, the registry behind it, and the Elasticsearch bodies."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from conftest import Site, prose

from watermark import Issued, Keys, SqliteRegistry, fingerprint, trace
from watermark.elastic import MAPPING, MOST_CLAUSES, document, query, ranked
from watermark.finding import Occasion, finding
from watermark.tracer import CAVEATS

OCCASION = Occasion("2026-11-24T09:00:00Z", "auditor | one", "leak\nreported")
MARKS = re.compile("[\U000e0100-\U000e017f]+")


@pytest.mark.parametrize(("language", "proven", "lead"), [("en", "Proven", "A lead"), ("zh", "已证实", "仅为线索")])
def test_the_page_says_how_sure_it_is_and_what_it_cannot_say(site: Site, language: str, proven: str, lead: str) -> None:
    leak = site.answer(prose("zh", 1), 1, "user|1")
    page = finding(trace(leak, site.keys, site.registry, site.index), leak, OCCASION, language)  # type: ignore[arg-type]
    assert proven in page
    assert "user\\|1" in page
    assert "leak reported" in page
    stripped = MARKS.sub("", leak)
    page = finding(trace(stripped, site.keys, site.registry, site.index), stripped, OCCASION, language)  # type: ignore[arg-type]
    assert lead in page
    assert proven not in page
    assert prose("zh", 1)[:40] not in page


def test_the_page_names_nobody_where_nobody_is_traced(site: Site) -> None:
    page = finding(trace("Nothing", site.keys, site.registry, site.index), "Nothing", OCCASION, "en")
    assert "Nothing connects" in page
    assert "No source is named" in page


def test_every_caveat_has_words_in_both_languages() -> None:
    from watermark.finding import _CAVEATS_ZH

    assert set(_CAVEATS_ZH) == set(CAVEATS)


def test_the_registry_remembers_and_keeps_its_codebook_up_to_date(tmp_path: Path) -> None:
    keys, issued = Keys.from_master(bytes(32)), Issued("x-1", "t", "u", "2026", 5, 1, "text", (1, 2**40 - 1))
    registry = SqliteRegistry(tmp_path / "r.sqlite")
    registry.add(issued)
    assert len(registry.codebook(keys)) == 1
    registry.add_many(
        [Issued("x-2", "t", "u", "2026", 6, 1), Issued("x-3", "t", "u", "2026"), Issued("x-4", "t", "u", "2026", 7, 99)]
    )
    assert registry.codebook(keys).of(1)[0].tolist() == [5, 6]
    assert registry.count() == 3
    registry.close()
    reopened = SqliteRegistry(tmp_path / "r.sqlite")
    assert reopened.by_mark(5) == reopened.by_exchange("x-1") == issued
    assert reopened.by_mark(99) is None
    with pytest.raises(sqlite3.IntegrityError):
        reopened.add(issued)


def test_elasticsearch_is_asked_for_shared_passages_and_counted_by_rarity() -> None:
    key = Keys.from_master(bytes(32)).fingerprint
    stored = {n: fingerprint(prose("en", n), key) for n in range(4)}
    wanted = fingerprint(prose("en", 2)[100:500], key)
    asked = query(wanted)
    assert len(asked["query"]["bool"]["should"]) == len(wanted) <= MOST_CLAUSES
    assert MAPPING["properties"]["fp"]["type"] == "long"
    answer = {"hits": {"hits": [{"_source": document(f"x-{n}", hashes)} for n, hashes in stored.items()]}}
    best = ranked(wanted, answer, 1000)[0]
    assert best.exchange == "x-2"
    assert best.coverage > 0.9
