"""Parts of patterns that are scanned for: a text that the pattern matches has them all."""

from __future__ import annotations

import re

import pytest

from benchmarks.waf_prompts import shipped
from gateway.detect.waf.atoms import required
from gateway.detect.waf.confirm import gaps
from gateway.detect.waf.factors import beyond_ascii, factors
from gateway.detect.waf.scan import Scanner

SHOW = r"\b(?:show|write|list)\b.{0,30}\b(?:all|the)\b.{0,20}\b(?:above|the line)\b.{0,80}\b(?:ignore|exact)\b"


def test_of_a_pattern_that_begins_with_common_words_the_last_of_those_and_the_telling_part_remain() -> None:
    assert factors(SHOW) == (r"\b(?:above|the line)\b", r"\b(?:ignore|exact)\b")


@pytest.mark.parametrize(
    "pattern",
    [
        r"ignore the.{0,30}rules",  # it begins with what tells
        r"(?:show|write).{0,3}system",  # the gap is no wider than a word
        r"(?i)\b(?:show|write)\b.{0,30}ignore it",  # what stands in front would be lost to the parts
        r"(?:show|write).{0,30}x|ignore.{0,30}y",  # one of several
        r"(?:show|write)(?:\s+me){1,9}\s+ignore it",  # brackets that must be there
    ],
)
def test_other_patterns_are_scanned_for_as_they_stand(pattern: str) -> None:
    assert factors(pattern) == (pattern,)


def test_brackets_that_may_be_missing_part_a_pattern_too() -> None:
    pattern = r"\b(?:show|write)\b(?:\s+(?:me|us)){0,8}\s+your ignored rules"
    assert [pattern[start:end] for start, end in gaps(pattern, loops=True)] == [r"(?:\s+(?:me|us)){0,8}"]
    assert factors(pattern) == (r"\b(?:show|write)\b", r"\s+your ignored rules")


@pytest.mark.parametrize(
    "text", ["show me all of it above the line, and ignore it", "WRITE what the x says above the SYSTEM; Ignore it"]
)
def test_a_text_that_the_whole_matches_is_a_candidate(text: str) -> None:
    assert re.search(SHOW, text, re.IGNORECASE) and not required(SHOW)
    assert Scanner([None, SHOW]).hits(text.encode()) == 0b10


def test_a_text_without_one_of_the_parts_is_none() -> None:
    assert Scanner([SHOW]).hits(b"show all the lines above the line") == 0


@pytest.mark.parametrize(
    ("pattern", "beyond"),
    [("[一-龥]{4}", True), ("(?:忽略|无视)x?", True), ("忽略|ignore", False), ("(?:忽略)?rules", False), ("[一-龥a]", False), ("K", False), ("[^a]", False)],
)  # fmt: skip
def test_patterns_that_need_a_chinese_character_are_known(pattern: str, beyond: bool) -> None:
    assert beyond_ascii(pattern) is beyond


def test_they_are_found_where_there_is_one_and_cost_nothing_else() -> None:
    scanner = Scanner(["[一-龥]{4}", "%[0-9]{2}"])
    assert [scanner.hits(text.encode()) for text in ("四个汉字", "%41", "四个汉字 %41", "four")] == [1, 2, 3, 0]


def test_every_shipped_rule_that_its_own_tests_hit_is_a_candidate_there() -> None:
    """The rules' tests run when a policy is made; one that the scan overlooked would not load."""
    assert shipped().name == "waf"
