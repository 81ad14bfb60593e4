"""What people wrote is read strictly, and every slip is told with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import read
from policies.problem import PolicyInvalid, Problem
from policies.read import MAX_DEPTH, MAX_YAML_BYTES, Strict


class Inner(Strict):
    pattern: str
    score: float = 1.0


class Outer(Strict):
    rules: tuple[Inner, ...]
    enabled: bool = True


def problems(data: bytes) -> list[Problem]:
    with pytest.raises(PolicyInvalid) as caught:
        read.model(Outer, "waf/x.yaml", data)
    return list(caught.value.problems)


def value(text: str) -> object:
    return read.document("x.yaml", text.encode()).value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("012", "012"),
        ("0x1f", "0x1f"),
        ("1:30", "1:30"),
        ("2026-11-24", "2026-11-24"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        (".inf", ".inf"),
    ],
)
def test_plain_words_mean_what_people_expect(text: str, meant: object) -> None:
    assert value(f"key: {text}\n") == {"key": meant}
    assert type(value(f"- {text}\n")[0]) is type(meant)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: 1\na: 2\n", "a (line 2)", "twice"),
        ("a:\n  b: 1\n  b: 2\n", "a.b (line 3)", "twice"),
        ("a: &x 1\nb: *x\n", "line 1, column 4", "aliases"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1, column 4", "tags"),
        ("? [a]\n: 1\n", "line 1", "a key must be a word"),
        ("a: [\n", "line 2, column 1", ""),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "another document"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"line 1, column {MAX_DEPTH + 1}", "deeper"),
        ("[" * 300_000, f"line 1, column {MAX_DEPTH + 1}", "deeper"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_its_place(text: str, where: str, says: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        value(text)
    assert caught.value.problems[0].where == where
    assert says in caught.value.problems[0].what


def test_a_merge_key_is_only_a_key() -> None:
    assert value("<<: {a: 1}\n") == {"<<": {"a": 1}}


def test_every_problem_is_told_at_once_with_line_and_hint() -> None:
    found = problems(b"rules:\n  - patern: x\n  - pattern: 5\n    score: '1'\nenable: true\n")
    assert [str(problem) for problem in found] == [
        "waf/x.yaml: rules[0].pattern (line 2): is missing",
        "waf/x.yaml: rules[0].patern (line 2): unknown key; hint: did you mean 'pattern'?",
        "waf/x.yaml: rules[1].pattern (line 3): input should be a valid string",
        "waf/x.yaml: rules[1].score (line 4): input should be a valid number",
        "waf/x.yaml: enable (line 5): unknown key; hint: did you mean 'enabled'?",
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b"just words", b"rules: {}"])
def test_a_file_of_another_shape_is_refused(data: bytes) -> None:
    assert problems(data)


def test_bytes_that_are_no_text_and_files_that_are_too_long_are_refused() -> None:
    assert problems(b"rules: \xff")[0].where == "byte 7"
    assert "over the limit" in problems(b"#" * (MAX_YAML_BYTES + 1))[0].what


def test_lists_become_tuples_and_nothing_can_be_changed() -> None:
    made = read.model(Outer, "x.yaml", b"rules: [{pattern: a}]")
    assert made.rules == (Inner(pattern="a"),)
    with pytest.raises(ValueError, match="frozen"):
        made.enabled = False  # type: ignore[misc]


def test_a_file_that_is_not_there_is_a_problem_and_never_a_default() -> None:
    with pytest.raises(PolicyInvalid, match=r"limits\.yaml: is missing"):
        read.require({}, "limits.yaml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300, deadline=None)
def test_whatever_is_in_a_file_it_is_read_or_its_problems_are_told(data: bytes) -> None:
    try:
        read.model(Outer, "x.yaml", data)
    except PolicyInvalid as invalid:
        assert invalid.problems
        assert str(invalid)


def test_an_unknown_key_with_brackets_is_told_as_it_is_written() -> None:
    with pytest.raises(PolicyInvalid, match=r"odd\[key"):
        read.model(Outer, "x.yaml", b'rules: []\n"odd[key": 1\n')
