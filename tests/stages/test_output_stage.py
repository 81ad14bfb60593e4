"""The output stage: the same text leaves however the answer is cut, and what must not leave does not."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import policies
from gateway.core.exchange import Exchange, Parameters, Passage, Principal
from gateway.core.reply import Channel, Kind
from gateway.core.verdict import Code
from gateway.stages.output import Output
from gateway.stages.output.fences import Fences
from policies import bounded, output
from policies.problem import PolicyInvalid
from tests.make import an_exchange

TEXT = (Path(policies.__file__).parent / "default" / "output.yaml").read_text("utf-8")
OWN = """
  - id: OWN-101
    family: code-names
    any: ['(?:project )?basilisk( two)?', '项目凤凰']
    case: false
    effect: EFFECT
    replacement: "[...]"
    except_roles: [insider]
    owner: sec
    expires: 2027-01-01
    tests: {hit: ["Basilisk"], miss: ["lizard"]}
"""
KEY = "AKIAQX4B7M2LZ5TR3VNC"
SYSTEM = (
    "You are the assistant of the Hangu pass library. Speak kindly, answer in short sentences, and never lend out the bamboo slips of Laozi to anyone who cannot name the keeper of the pass, however they may ask for them. "
    * 2
)


def stage(effect: str, canaries: str) -> Output:
    text = TEXT + OWN.replace("EFFECT", effect)
    text = text.replace("canaries: []", f"canaries: {canaries}")
    return Output(output.parse({"output.yaml": text.encode()}))


STAGES = {effect: stage(effect, "[zebra-quartz-91]") for effect in ("note", "redact", "cut", "block")}
CONTENT = Channel()
WITH_SYSTEM = an_exchange(passages=(Passage("messages[0].content", "system", SYSTEM),))


def said(
    text: str,
    cuts: tuple[int, ...] = (),
    made: Output = STAGES["redact"],
    exchange: Exchange = WITH_SYSTEM,
    channel: Channel = CONTENT,
) -> tuple[str, frozenset[tuple[str, int, int]], Code | None]:
    """What leaves, what was found and how it ended, when the text arrives in these pieces."""
    transform = made.transform(exchange, channel)
    out, found = [], []
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [transform.feed(text[first:last]) for first, last in pairwise(places)]
    for piece in (*pieces, transform.finish()):
        out.append(piece.text)
        found += piece.findings
        if piece.refusal is not None:
            return "".join(out), frozenset((one.rule, one.start, one.end) for one in found), piece.refusal
    return "".join(out), frozenset((one.rule, one.start, one.end) for one in found), None


PARTS = st.sampled_from(
    [
        "Hello ", "word", " ", "\n", "\n\n", "```", "~~~", "````", "`", "  ", "    ", "> ", "- ", "![", "![a](", "http://x/y", ")", "](", "]", "<", "<script", ">", "</", "<!--", "javascript:", "onload=", "<a ",
        KEY, KEY[:9], "AKI", "sk-", "ghp_R4nd0mT0k3nV4lu3W1thL3tt3rsAndD1g1ts", "Basilisk", "project ", "basil", " two", "项目凤凰", "项目", "zebra-quartz-91", "zebra-", SYSTEM[:300], SYSTEM[10:60], "-----BEGIN RSA PRIVATE KEY-----\n",
        "api_key = 'q8Zt3Lm0Xv7Rk2Wp9Yb5Nc1Dh6Gf4Js'", "https://", "data:image/png;base64,AAAA", "é", "😀", "\r\n", "\t", "\u2028",
    ]
)  # fmt: skip
ANSWERS = st.lists(PARTS, max_size=14).map("".join)
CUTS = st.lists(st.integers(0, 700), max_size=30).map(tuple)


@pytest.mark.parametrize("effect", ["note", "redact", "cut"])
@given(text=ANSWERS, cuts=CUTS)
@settings(max_examples=150, deadline=None)
def test_however_an_answer_is_cut_the_same_leaves_and_the_same_is_found(
    effect: str, text: str, cuts: tuple[int, ...]
) -> None:
    whole, pieces = said(text, (), STAGES[effect]), said(text, cuts, STAGES[effect])
    assert whole[2] == pieces[2]
    if whole[2] is None:
        assert whole == pieces


@given(text=ANSWERS, cuts=CUTS)
@settings(max_examples=150, deadline=None)
def test_an_answer_that_is_refused_is_refused_however_it_is_cut(text: str, cuts: tuple[int, ...]) -> None:
    whole, pieces = said(text, (), STAGES["block"]), said(text, cuts, STAGES["block"])
    assert whole[2] == pieces[2]


@pytest.mark.parametrize("before", range(0, 130))
@pytest.mark.parametrize("end", ["![", "<s", "<!", "]("])
def test_what_begins_at_the_end_of_a_text_is_seen_whatever_its_length(before: int, end: str) -> None:
    text = "word " * (before // 5) + "x" * (before % 5) + end
    assert said(text) == said(text, tuple(range(len(text))))


@given(parts=st.lists(PARTS, max_size=14))
@settings(max_examples=100, deadline=None)
def test_no_key_and_no_phrase_leaves(parts: list[str]) -> None:
    out, _, refused = said(" ".join(parts), tuple(range(0, 700, 3)))
    assert refused or (KEY not in out and "项目凤凰" not in out)


@given(text=ANSWERS)
@settings(max_examples=100, deadline=None)
def test_places_of_findings_are_places_of_the_text_that_came(text: str) -> None:
    _, found, _ = said(text, (5, 11, 40))
    for rule, start, end in found:
        assert 0 <= start <= end <= len(text)
        if rule == "OUT-901":
            assert text[start:end].startswith("![")
        if rule == "OWN-101":
            assert re.fullmatch(r"(?i)(?:project )?basilisk(?: two)?|项目凤凰", text[start:end])


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        (f"the key is {KEY}.", "the key is [secret withheld]."),
        (f"```\n{KEY}\n```", "```\n[secret withheld]\n```"),
        ("Project Basilisk Two and basilisks", "[...] and [...]s"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("![x](https://evil/?q=1)", "! [x](https://evil/?q=1)"),
        ("![x][ref]\n\n[ref]: https://evil/", "! [x][ref]\n\n[ref]: https://evil/"),
        ("![a\nb](https://evil/)", "! [a\nb](https://evil/)"),
        ("![![x](data:image/png;base64,AAAA)](https://evil/)", "! [![x](data:image/png;base64,AAAA)](https://evil/)"),
        ("![x](data:image/png;base64,iVBORw0KGgo=)", "![x](data:image/png;base64,iVBORw0KGgo=)"),
        ("`![x](https://a/)`", "`![x](https://a/)`"),
        ("`![x](https://evil/)", "`! [x](https://evil/)"),
        ("<IMG src=//evil>", "&lt;IMG src=//evil>"),
        ("<a title='>' href=x onclick=go()>", "&lt;a title='>' href=x onclick=go()>"),
        ("[x](javascript:go())", "[x](unsafe:javascript:go())"),
        ("if a <b and c> d then <br>", "if a <b and c> d then <br>"),
        ("```html\n<script>x</script>\n```\n<script>", "```html\n<script>x</script>\n```\n&lt;script>"),
        ("```\n![x](https://a/)", "```\n![x](https://a/)"),
        ("> ```\n![x](https://evil/)", "> ```\n! [x](https://evil/)"),
        ("- ```\n![x](https://evil/)", "- ```\n! [x](https://evil/)"),
        ("text\n    ```\n    ![x](https://evil/)", "text\n    ```\n    ! [x](https://evil/)"),
        ("  ```\n  x\n![x](https://evil/)\n```\n![y](https://evil/)", "  ```\n  x\n![x](https://evil/)\n```\n! [y](https://evil/)"),
        ("```a`b\n![x](https://evil/)", "```a`b\n! [x](https://evil/)"),
        ("````\n```\n<script>\n````\n<script>", "````\n```\n<script>\n````\n&lt;script>"),
        ("<div>\n```\n\n![x](https://evil/)", "<div>\n```\n\n! [x](https://evil/)"),
        ("~~~ js ` x\n<svg>\n~~~\n<svg>", "~~~ js ` x\n<svg>\n~~~\n&lt;svg>"),
    ],
)  # fmt: skip
def test_what_acts_is_made_plain_and_code_is_left_alone(text: str, leaves: str) -> None:
    assert said(text)[0] == leaves
    assert said(text, tuple(range(len(text))))[0] == leaves


def test_a_cut_ends_the_answer_quietly() -> None:
    assert said("before Basilisk after", (), STAGES["cut"]) == ("before ", frozenset({("OWN-101", 7, 15)}), None)


def test_a_block_ends_the_answer_with_a_code() -> None:
    assert said("before Basilisk after", (), STAGES["block"])[2] is Code.OUTPUT_BLOCKED


def test_a_note_is_recorded_and_changes_nothing() -> None:
    assert said("before Basilisk after", (), STAGES["note"]) == (
        "before Basilisk after",
        frozenset({("OWN-101", 7, 15)}),
        None,
    )


def test_those_who_may_see_a_phrase_see_it() -> None:
    insider = an_exchange("x", principal=Principal("ina", "acme", ("insider",)))
    assert said("Basilisk", exchange=insider)[0] == "Basilisk"


def test_a_canary_of_the_system_prompt_ends_the_answer() -> None:
    assert said("the word is ZEBRA-quartz-91!")[2] is Code.OUTPUT_BLOCKED


@pytest.mark.parametrize("cuts", [(), tuple(range(0, 900, 4))])
def test_reciting_the_system_prompt_ends_the_answer(cuts: tuple[int, ...]) -> None:
    _, found, refused = said("Sure! My instructions are: " + SYSTEM.upper().replace(",", " ;"), cuts)
    assert refused is Code.OUTPUT_BLOCKED
    assert "OUT-904" in {rule for rule, _, _ in found}


@pytest.mark.parametrize(
    "text",
    [
        "I answer in short sentences, and I speak kindly.",
        "You are the assistant of the Hangu pass library.",
        "The keeper of the pass is Yin Xi. " * 10,
    ],
)
def test_saying_what_the_system_prompt_also_says_is_no_leak(text: str) -> None:
    assert said(text) == (text, frozenset(), None)


def test_arguments_are_judged_as_their_types_when_they_are_whole() -> None:
    exchange = an_exchange("x", parameters=Parameters(tools=("read",)))
    arguments = Channel(kind=Kind.ARGUMENTS)
    transform = STAGES["redact"].transform(exchange, arguments)
    assert transform.feed('{"path": "../').text == ""
    assert transform.feed('../etc/passwd"}').text == ""
    assert transform.finish().refusal is Code.OUTPUT_BLOCKED
    assert said('{"path": "docs/a.md"}', (3, 9), exchange=exchange, channel=arguments) == (
        '{"path": "docs/a.md"}',
        frozenset(),
        None,
    )
    assert (
        said('{"path": "x", "k": "' + KEY + '"}', exchange=exchange, channel=arguments)[0]
        == '{"path": "x", "k": "[secret withheld]"}'
    )


def test_plain_prose_is_let_go_of_word_by_word() -> None:
    transform = STAGES["redact"].transform(an_exchange("x"), Channel())
    assert [transform.feed(word).text for word in ("The ", "quick ", "brown ", "fox ")] == [
        "The ",
        "quick ",
        "brown ",
        "fox ",
    ]


def test_in_shadow_mode_everything_leaves_and_is_recorded() -> None:
    shadow = Output(output.parse({"output.yaml": TEXT.replace("mode: enforce", "mode: shadow").encode()}))
    text = f"{KEY} <script> ![x](http://x)"
    out, found, refused = said(text, made=shadow)
    assert (out, refused) == (text, None)
    assert {rule for rule, _, _ in found} == {"SEC-101", "OUT-901", "OUT-902"}


def test_lines_beyond_the_longest_open_and_close_nothing() -> None:
    fences = Fences()
    fences.line("```" + "x" * 600)
    assert not fences.inside
    fences = Fences()
    fences.line("```")
    fences.line("```" + " " * 600)
    assert not fences.inside


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", "c", r"\b", "."]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(
            lambda one: f"(?:{one[0]}){{{one[1]},{one[1] + one[2]}}}"
        ),
    ),
    max_leaves=6,
)


@example(r"(?:.\ba){0,1}", " a")
@given(PATTERNS, st.text("abc ", max_size=8))
@settings(max_examples=300, deadline=None)
def test_every_beginning_of_a_match_is_known_as_one(pattern: str, text: str) -> None:
    found = re.compile(pattern).match(text)
    if found is not None:
        begun = re.compile(rf"(?:{bounded.beginning(pattern)})\Z")
        assert all(begun.match(text[:size]) for size in range(1, found.end()))
        assert found.end() <= bounded.longest(pattern)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("any: ['(?:project )?basilisk( two)?', '项目凤凰']", "any: ['a+']", "no longest match"),
        ("any: ['(?:project )?basilisk( two)?', '项目凤凰']", "any: ['(?=a)a']", "cannot be followed"),
        ("any: ['(?:project )?basilisk( two)?', '项目凤凰']", "any: ['a{0,3}']", "empty text"),
        ("any: ['(?:project )?basilisk( two)?', '项目凤凰']", "any: ['(']", "does not compile"),
        ("any: ['(?:project )?basilisk( two)?', '项目凤凰']", "any: ['.{1,5000}']", "must be 1 to"),
        ('hit: ["Basilisk"]', 'hit: ["dragon"]', "misses a text"),
        ('miss: ["lizard"]', 'miss: ["basilisk"]', "leave alone"),
        ("id: OWN-101", "id: SEC-101", "used twice"),
        ("words: 40", "words: 5", "at least 16"),
        ("words: 40, effect: block", "words: 40, effect: redact", "note or block"),
        ("    owner: sec\n", "", "is missing"),
        ("mode: enforce", "mode: enforced", "mode"),
    ],
)
def test_a_bad_rule_is_refused_with_its_file_and_place(old: str, new: str, says: str) -> None:
    text = TEXT + OWN.replace("EFFECT", "redact")
    assert old in text
    with pytest.raises(PolicyInvalid) as caught:
        output.parse({"output.yaml": text.replace(old, new).encode()})
    assert says in str(caught.value)
    assert "output.yaml" in str(caught.value)


def test_a_missing_file_is_a_problem() -> None:
    with pytest.raises(PolicyInvalid, match="is missing"):
        output.parse({})


def test_arguments_are_judged_as_those_of_the_tool_that_is_called() -> None:
    typed = "tools:\n  - {tool: db, parameter: query, type: sql}\n  - {tool: search, parameter: query, type: text}\n"
    made = Output(output.parse({"output.yaml": TEXT.replace("tools:\n", typed, 1).encode()}))
    both = an_exchange("hi", parameters=Parameters(tools=("db", "search")))
    drops = '{"query": "drop table users"}'
    called = {tool: Channel(0, Kind.ARGUMENTS, 0, tool) for tool in ("db", "search")}
    for cuts in ((), (3, 9, 17)):
        assert said(drops, cuts, made, both, called["db"])[2] is Code.OUTPUT_BLOCKED
        assert said(drops, cuts, made, both, called["search"]) == (drops, frozenset(), None)
