"""The law of streams: what is found does not depend on how the text arrives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect import signs
from gateway.detect.clauses import Clauses
from gateway.detect.detectors import by_rules
from gateway.detect.jsontext import JsonWatch
from gateway.detect.names import rules
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span
from gateway.detect.watch import Part, Watch
from tests.detect.strategies import FOUND, cut, texts

PATTERNS = Patterns()


def joined(parts: list[Part]) -> tuple[str, list[Span]]:
    """What leaves with placeholders in place, and the finds with their true ends."""
    text = "".join(part.text if part.span is None else f"<{part.span.entity}>" if part.text else "" for part in parts)
    return text, [part.span for part in parts if part.span is not None and not part.begun]


def streamed(watch: Watch | JsonWatch, pieces: list[str]) -> tuple[str, list[Span]]:
    parts = [part for piece in pieces for part in watch.feed(piece)]
    return joined(parts + watch.finish())


def whole(text: str) -> tuple[str, list[Span]]:
    spans = PATTERNS.find(text)
    out, at = [], 0
    for span in spans:
        out += [text[at : span.start], f"<{span.entity}>"]
        at = span.end
    return "".join([*out, text[at:]]), spans


@settings(max_examples=400, deadline=None)
@given(cut(texts()))
def test_the_joined_stream_is_the_redaction_of_the_joined_text(pieces: list[str]) -> None:
    assert streamed(Watch(PATTERNS), pieces) == whole("".join(pieces))


@settings(max_examples=150, deadline=None)
@given(cut(texts().map(lambda text: json.dumps({"a": text, "phone": 13812345678, "b": [text]}))))
def test_json_is_read_through_its_escapes_the_same_however_it_is_cut(pieces: list[str]) -> None:
    assert streamed(JsonWatch(PATTERNS), pieces) == streamed(JsonWatch(PATTERNS), ["".join(pieces)])


@settings(max_examples=150, deadline=None)
@given(cut(st.text(alphabet='{}[]":,\\u0123456789abd+-.eE @京', max_size=60)))
def test_broken_json_stops_nobody(pieces: list[str]) -> None:
    text, _ = streamed(JsonWatch(PATTERNS), pieces)
    assert "13812345678" not in text


@settings(max_examples=300, deadline=None)
@given(texts(), st.data())
def test_a_run_has_one_beginning_wherever_one_looks_from(text: str, data: st.DataObject) -> None:
    places = [at + 1 for at, sign in enumerate(text) if sign in "0123456789"]
    if not places:
        return
    start = signs.run_start(text, data.draw(st.sampled_from(places)), 0)
    run = signs.RUN.match(text, start)
    assert run is not None
    inside = [place for place in places if start < place <= run.end()]
    assert inside
    assert all(signs.run_start(text, place, 0) == start for place in inside[:50])


@settings(max_examples=200, deadline=None)
@given(texts())
def test_nothing_leaves_before_its_run_is_closed(text: str) -> None:
    """After any beginning of a text, what has left is a beginning of what leaves in the end."""
    watch, left = Watch(PATTERNS), ""
    final, _ = whole(text)
    for sign in text[:300]:
        left += joined(watch.feed(sign))[0]
        assert final.startswith(left)


def test_every_sample_is_found_at_every_single_cut() -> None:
    for sample in FOUND:
        text = f"前文 {sample} 后文"
        expected = whole(text)
        assert expected[1], sample
        for at in range(len(text)):
            assert streamed(Watch(PATTERNS), [text[:at], text[at:]]) == expected, (sample, at)


def test_harmless_prose_is_hardly_held() -> None:
    watch = Watch(PATTERNS)
    held = []
    for sign in "今天的会议讨论了产品计划，大家提出了很好的意见。" * 4:
        watch.feed(sign)
        held.append(watch.held)
    assert max(held) <= 1


def test_a_long_secret_is_not_held_but_swallowed() -> None:
    watch = Watch(PATTERNS)
    first = joined(watch.feed("-----BEGIN RSA PRIVATE KEY-----\n"))[0]
    for _ in range(1000):
        watch.feed("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n")
        assert watch.held < 200
    rest = joined(watch.feed("-----END RSA PRIVATE KEY----- over"))[0] + joined(watch.finish())[0]
    assert (first, rest) == ("<PRIVATE_KEY>", " over")


@pytest.mark.parametrize(
    "text",
    [
        "zhang1101 0519 4912 3100 2X5-9469 ext. 115[dot]13812345678(415) 755-9469 e| 336469205 |\n",
        "Mr Stone. Write to zhang @ example . com or call. Mr Stone is in.",
    ],
)
def test_no_clause_ends_within_what_a_gap_joins(text: str) -> None:
    """With names a text is cut at ends of clauses: a point before a gap is none where the gap is part of a number or an address."""
    source = Clauses(PATTERNS, by_rules, rules.may_find)
    expected = streamed(Watch(source), [text])
    assert expected[1] == list(source.read(text, 0, ended=True).spans)
    for at in range(len(text)):
        assert streamed(Watch(source), [text[:at], text[at:]]) == expected, at


def test_finishing_twice_gives_nothing_more() -> None:
    watch = Watch(PATTERNS)
    watch.feed("13812345678")
    assert watch.finish()
    assert watch.finish() == []
