"""Verdicts: who is named, how surely, and above all when nobody is."""

from __future__ import annotations

import json
import random
import re

import pytest
from conftest import Site, prose

from watermark import Index, Keys, SqliteRegistry, embed, fingerprint, trace
from watermark.tracer import LEAD_CHANCE

MARKS = re.compile("[\U000e0100-\U000e017f]+")
LANGUAGES = ("en", "zh")


def _run(site: Site, text: str) -> dict:  # type: ignore[type-arg]
    return json.loads(json.dumps(trace(text, site.keys, site.registry, site.index).as_json()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_marked_excerpt_convicts(site: Site, language: str) -> None:
    leaks = [site.answer(prose(language, n), n, f"user-{n}") for n in range(8)]
    found = _run(site, "Look what I found: " + leaks[3][60:420])
    assert (found["verdict"], found["grade"], found["exchange"]) == ("traced", "request", "x-3")
    assert (found["tenant"], found["user"]) == ("acme", "user-3")
    assert found["false_attribution_probability"] <= 1e-9
    assert found["layers"] == ["l1", "content"]
    assert found["evidence"]["convict_grade"] is True
    assert found["evidence"]["proof"] == "keyed"
    assert set(found) == {
        "verdict", "grade", "exchange", "tenant", "user", "candidates", "layers", "false_attribution_probability", "evidence",
    }  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("keep_text", [True, False])
def test_without_marks_the_same_text_is_found_as_a_lead_only(site: Site, language: str, keep_text: bool) -> None:
    leaks = [site.answer(prose(language, n), n, f"user-{n}", keep_text) for n in range(8)]
    found = _run(site, MARKS.sub("", leaks[3])[40:400])
    assert (found["verdict"], found["exchange"], found["layers"]) == ("traced", "x-3", ["l3"])
    assert found["false_attribution_probability"] == LEAD_CHANCE
    assert found["evidence"]["convict_grade"] is False
    assert found["evidence"]["proof"] == "lead"
    assert "same_text" in found["evidence"]["caveats"]


def test_traditional_characters_lead_to_the_simplified_answer(site: Site) -> None:
    for n in range(5):
        site.answer(prose("zh", n), n, "u")
    traditional = prose("zh", 2).translate(
        str.maketrans("网关审计员值转发质疑记录发票简单话测", "網關審計員值轉發質疑記錄發票簡單話測")
    )
    assert _run(site, traditional)["exchange"] == "x-2"


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_never_issued_are_not_traced(site: Site, language: str) -> None:
    for n in range(8):
        site.answer(prose(language, n), n, "u")
    for n in range(100, 130):
        found = _run(site, prose(language, n, 10))
        assert (found["verdict"], found["exchange"], found["user"], found["candidates"]) == (
            "not_traced",
            None,
            None,
            [],
        )
        assert found["grade"] == "unknown"


def test_the_same_text_for_five_users_is_a_set_without_marks_and_one_name_with_them(site: Site) -> None:
    leaks = [site.answer(prose("en", 1), n, f"user-{n}") for n in range(5)]
    stripped = _run(site, MARKS.sub("", leaks[2]))
    assert (stripped["grade"], stripped["exchange"], stripped["user"]) == ("set", None, None)
    assert {c["exchange"] for c in stripped["candidates"]} == {f"x-{n}" for n in range(5)}
    assert "duplicates" in stripped["evidence"]["caveats"]
    assert _run(site, leaks[2])["exchange"] == "x-2"


def test_one_user_with_the_same_text_twice_is_named_as_user(site: Site) -> None:
    leaks = [site.answer(prose("en", 1), n, "user-0") for n in range(2)]
    found = _run(site, MARKS.sub("", leaks[0]))
    assert (found["grade"], found["user"], found["exchange"]) == ("user", "user-0", None)


def test_a_splice_names_every_source(site: Site) -> None:
    leaks = [site.answer(prose("en", n), n, f"user-{n}") for n in range(4)]
    found = _run(site, leaks[0][:300] + "\n\n" + leaks[3][-300:])
    assert found["grade"] == "set"
    assert {c["user"] for c in found["candidates"]} == {"user-0", "user-3"}
    assert "spliced" in found["evidence"]["caveats"]
    assert all(c["convict_grade"] and c["spans"] for c in found["candidates"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_bursts_pasted_into_other_words_convict_nobody(site: Site, language: str) -> None:
    for seed in range(12):
        marked = site.answer(prose(language, seed), seed, "victim")
        bursts = MARKS.findall(marked)
        forged = prose(language, 500 + seed)
        for burst, place in zip(bursts, [m.end() for m in re.finditer("[,.，。]", forged)][::-1], strict=False):
            forged = forged[:place] + burst + forged[place:]
        found = _run(site, forged)
        assert (found["verdict"], found["user"]) == ("not_traced", None)
        assert found["evidence"]["convict_grade"] is False


def test_bursts_pasted_behind_the_same_letters_are_called_transplanted(site: Site) -> None:
    marked = site.answer(prose("en", 1), 1, "victim")
    donors = [(marked[m.start() - 3 : m.start()], m[0]) for m in MARKS.finditer(marked)]
    words = prose("zh", 7)
    forged = "".join(words[at * 9 : at * 9 + 9] + before + burst for at, (before, burst) in enumerate(donors))
    found = _run(site, forged)
    assert (found["verdict"], found["grade"]) == ("not_traced", "transplanted")
    assert "transplanted" in found["evidence"]["caveats"]


def test_a_mark_of_ours_without_a_record_is_ours_but_names_nobody(site: Site) -> None:
    found = _run(site, embed(prose("en", 1), site.keys, 99))
    assert (found["verdict"], found["grade"], found["exchange"]) == ("not_traced", "ours_unattributed", None)
    assert found["evidence"]["unattributed_marks"] == [99]


def test_a_compromised_epoch_gives_leads_only() -> None:
    site = Site(Keys.from_master(bytes(32), [1], untrusted=[1]))
    found = _run(site, site.answer(prose("en", 1), 1, "u"))
    assert found["exchange"] == "x-1"
    assert found["evidence"]["convict_grade"] is False
    assert "distrusted" in found["evidence"]["caveats"]


def test_marks_without_kept_content_name_but_do_not_convict(site: Site) -> None:
    from watermark import Issued

    site.registry.add(Issued("x-7", "acme", "u", "2026-11-24", 7, 1))
    found = _run(site, embed(prose("en", 1), site.keys, 7))
    assert (found["exchange"], found["evidence"]["convict_grade"]) == ("x-7", False)
    assert "no_content" in found["evidence"]["caveats"]


def test_a_registry_that_does_not_know_the_epoch_confirms_as_well() -> None:
    from watermark import Issued

    site = Site(Keys.from_master(bytes(range(32)), [1, 2]))
    named = 0
    for n in range(12):
        text = prose("en", n, 3)
        site.registry.add(Issued(f"x-{n}", "acme", "u", "2026-11-24", n, 0, text))
        site.index.add(f"x-{n}", fingerprint(text, site.keys.fingerprint))
        chance = random.Random(n)
        leak = "".join(c for c in embed(text, site.keys, n) if chance.random() > 0.12)
        found = trace(leak, site.keys, site.registry, site.index)
        named += found.traced and found.layers[:1] == ("l1",) and found.candidates[0].issued.exchange == f"x-{n}"
    assert named >= 11


@pytest.mark.parametrize("language", LANGUAGES)
def test_heavy_editing_is_survived_with_all_layers(site: Site, language: str) -> None:
    leaks = [site.answer(prose(language, n), n, f"user-{n}") for n in range(20)]
    named = 0
    for n, leak in enumerate(leaks):
        chance = random.Random(n)
        damaged = "".join(c for c in leak[:500] if chance.random() > 0.1)
        found = _run(site, damaged)
        assert found["exchange"] in (None, f"x-{n}")
        named += found["exchange"] == f"x-{n}"
    assert named >= 19


def test_passages_everybody_has_are_no_lead(site: Site) -> None:
    licence = prose("en", 900, 6)
    site.answer(prose("en", 1, 3) + " " + licence, 1, "u")
    background = Index()
    background.add("licence", fingerprint(licence, site.keys.fingerprint))
    assert trace(licence, site.keys, site.registry, site.index).traced
    assert not trace(licence, site.keys, site.registry, site.index, background).traced


def test_an_erased_answer_is_no_longer_found(site: Site) -> None:
    leaks = [site.answer(prose("en", n), n, "u") for n in range(3)]
    assert site.index.remove("x-1")
    assert not trace(MARKS.sub("", leaks[1]), site.keys, site.registry, site.index).traced


@pytest.mark.parametrize("text", ["", " ", "，", "\U000e0100" * 50, "a" * 5000, "\u200b" * 4000, "中" * 3000])
def test_degenerate_texts_trace_to_nobody(site: Site, text: str) -> None:
    site.answer(prose("en", 1), 1, "u")
    assert _run(site, text)["verdict"] == "not_traced"


class WithoutCodebook(SqliteRegistry):
    """A registry that cannot list its ids, as over a remote store."""

    def codebook(self, keys: Keys) -> None:  # type: ignore[override]
        return None


def test_resembling_answers_are_confirmed_by_their_own_damaged_marks(keys: Keys) -> None:
    site, confirmed = Site(keys), 0
    site.registry = WithoutCodebook()
    for n in range(30):
        leak = site.answer(prose("en", n, 2), n, "u")
        chance = random.Random(n)
        found = trace("".join(c for c in leak if chance.random() > 0.18), keys, site.registry, site.index)
        assert all(candidate.issued.exchange == f"x-{n}" for candidate in found.candidates)
        confirmed += found.candidates != () and found.candidates[0].layers == ("l1", "l3")
    assert confirmed >= 3


def test_short_leads_say_that_they_are_short(site: Site) -> None:
    for n in range(5):
        site.answer(prose("en", n), n, "u")
    found = _run(site, prose("en", 2)[:110])
    assert found["exchange"] == "x-2"
    assert "short" in found["evidence"]["caveats"]
    assert found["false_attribution_probability"] > LEAD_CHANCE


def test_equal_answers_kept_without_their_text_stay_a_set(site: Site) -> None:
    for n in range(3):
        site.answer(prose("en", 1), n, f"user-{n}", keep_text=False)
    assert _run(site, prose("en", 1))["grade"] == "set"


def test_words_that_stand_in_many_answers_name_nobody(site: Site) -> None:
    for n in range(20):
        site.answer(prose("en", 1), n, f"user-{n}")
    found = _run(site, prose("en", 1))
    assert (found["verdict"], found["grade"]) == ("not_traced", "unknown")
    assert found["evidence"]["answers_with_these_words"] > 12
