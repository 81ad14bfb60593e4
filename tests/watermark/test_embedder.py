"""The embedder's laws: cut-invariance, invisibility, no mark where machines read, one character held at most."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import watermark
from watermark import Embedder, Keys, embed

KEYS = Keys.from_master(bytes(range(32)))
MARK = re.compile("[\U000e0100-\U000e017f]{12}")
SELECTORS = re.compile("[\U000e0100-\U000e017f]+")

PROSE_EN = (
    "The gateway sits between the people who ask and the models that answer, and it keeps a record of both sides. "
    "When a text leaves the house, somebody will want to know where it came from; the mark inside it says so. "
    "Nothing about the words changes, because the mark stands only where a reader already pauses. "
)
PROSE_ZH = (
    "网关站在提问的人和回答的模型之间，两边说过的话都会被记录下来。如果一段文字流到了外面，总有人想知道它从哪里来；"
    "藏在里面的标记会给出答案。文字本身没有任何改变，因为标记只出现在读者本来就会停顿的地方。"
)
PIECES = st.sampled_from(
    [PROSE_EN, PROSE_ZH, "\n\n", "\n", "```python\nx = [1, 2]\nprint(x, y)\n```\n", "`a, b` ", "$x, y$ ", "$$", "$5, ", "{", "}", "\n{\n",
     '"key": "a, b",\n', "https://example.com/a, ", "<b>bold, text</b> ", "<think>\nHm, so. ", "</think>", "| a, b | c, d |\n", "\\(a, b\\) ",
     "- Item one of the list, which goes on for a while. ", "# Heading, with comma. ", "~~~\n", "````\n", "<!DOCTYPE html>", "\U000e0105\U000e0106",
     "汉\U000e0100", "👍🏽, ", "f(x, y) ", "[text, more](http://a.b/c, d) ", "\\", "<", "`", "``", "> Quoted words stand here, ", "，", "。", ", ", " "]
)  # fmt: skip


def _cut(text: str, seed: int) -> list[str]:
    chance, pieces, at = random.Random(seed), [], 0
    while at < len(text):
        size = chance.choice((1, 1, 2, 3, 4, 7, 20, 100))
        pieces.append(text[at : at + size])
        at += size
    return pieces


def _stream(pieces: list[str], profile: str) -> str:
    embedder = Embedder(KEYS, 12345, profile)
    return "".join([embedder.feed(piece) for piece in pieces]) + embedder.finish()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES, max_size=12), st.integers(0, 10**6), st.sampled_from(["normal", "dense", "sparse", "zw", "off"])
)
def test_the_joined_output_does_not_depend_on_how_the_input_was_cut(parts: list[str], seed: int, profile: str) -> None:
    text = "".join(parts)
    assert _stream(_cut(text, seed), profile) == _stream([text], profile)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(list("ab A,. \n`~$\\<>{}()[]|=/!?中，。\U000e0100\U000e0141_-#")), max_size=120),
    st.integers(0, 9999),
)
def test_cuts_do_not_matter_for_any_tangle_of_delimiters(text: str, seed: int) -> None:
    assert _stream(_cut(text, seed), "dense") == _stream([text], "dense")


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12), st.integers(0, 10**6))
def test_at_most_one_character_is_held(parts: list[str], seed: int) -> None:
    embedder, fed, sent = Embedder(KEYS, 7, "dense"), "", ""
    for piece in _cut("".join(parts), seed):
        fed += piece
        sent += embedder.feed(piece)
        assert len(_visible(fed)) - len(_visible(sent)) in (0, 1)


def _visible(text: str) -> str:
    return re.sub(r"(?<![\u3400-\u9fff])[\U000e0100-\U000e01ef]", "", text)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_taking_the_marks_out_gives_back_the_text(parts: list[str]) -> None:
    text = _visible("".join(parts))
    assert _visible(embed(text, KEYS, 99, "dense")) == text


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_no_burst_follows_a_han_character_a_digit_or_an_emoji(parts: list[str]) -> None:
    marked = embed("".join(parts), KEYS, 99, "dense")
    for match in MARK.finditer(marked):
        assert marked[match.start() - 1] in ",.;:!?，。；：！？、 "


@pytest.mark.parametrize("text", [PROSE_EN * 2, PROSE_ZH * 2], ids=["en", "zh"])
def test_prose_is_marked_at_least_every_hundred_characters(text: str) -> None:
    stretches = SELECTORS.split(embed(text, KEYS, 1))
    assert max(map(len, stretches)) <= 100
    assert len(stretches) >= 5


MACHINE_TEXTS = {
    "fenced code": f"```python\n# A comment that goes on, and on, and on for quite a while.\nprint('Hello there, dear world, how are you.')\n{PROSE_EN}```",
    "tilde fence": f"~~~\n{PROSE_EN}\n~~~",
    "fence in a list": f"- ```\n  {PROSE_EN}\n  ```",
    "nested fence": f"````markdown\n```python\n```\n{PROSE_EN}\n````",
    "fence never closed": f"```\n{PROSE_EN}\n\n{PROSE_EN}",
    "inline code": f"`{PROSE_EN}`",
    "json": '{\n  "title": "The gateway sits between the people who ask, and the models that answer",\n\n  "Text": "'
    + PROSE_EN
    + '"\n}',
    "json on one line": '{"text": "' + PROSE_EN + '"}',
    "json list": '[\n{"text": "' + PROSE_EN + '"},\n{"text": "' + PROSE_ZH + '"}\n]',
    "html": f"<!DOCTYPE html>\n<html>\n<body>\n<p>{PROSE_EN}</p>\n\n<p>{PROSE_ZH}</p>\n</body></html>",
    "html block": f"<div class='x'>\n{PROSE_EN}\n</p>",
    "pre": f"<pre>\n{PROSE_EN}\n\n{PROSE_EN}</pre>",
    "reasoning": f"<think>\n{PROSE_EN}\n\n{PROSE_ZH}\n</think>",
    "math": f"$${PROSE_EN}$$",
    "math in brackets": f"\\[{PROSE_EN}\\]",
    "table": f"| {PROSE_EN} | {PROSE_ZH} |",
    "indented code": f"    {PROSE_EN}",
    "python": "def greet(name, greeting):\n    return f'{greeting}, {name}, how are you today'\n\nprint(greet('Ann', 'Hello'), 'and so on, and so on, and so on, forever')\n",
    "sql": "SELECT name, age, city FROM people, places WHERE people.home = places.id, and so on, and so on, and so on\n"
    * 3,
    "yaml": "title: the gateway sits between people, models, and records, and it keeps them\nitems:\n  - name: one of them, or two\n"
    * 3,
    "csv": "Name, Age, City\nAlice, 30, Paris\nBob Smith, 41, New York\n" * 10,
    "java call": 'System.out.println("Hello there, dear world, how are you doing today, all of you, and so on");\n' * 3,
    "quoted csv": 'Name,Note\nAlice Smith,"The gateway keeps a record of both sides, and nobody reads it without reason"\n'
    * 4,
    "latex": f"\\documentclass{{article}}\n\\begin{{document}}\n\n{PROSE_EN}\n\n{PROSE_ZH}\n",
    "php": f"<?php\necho 'x';\n\n{PROSE_EN}\n",
    "class with a list in its docstring": f'class Gate:\n    """Keeps:\n\n    - The gateway sits between the people who ask, and answers.\n\n    {PROSE_EN}"""\n',
    "javascript": f"const words = [\n  1,\n];\n\n/**\n * {PROSE_EN}\n */\n",
    "go": f"package main\n\n// {PROSE_EN}\n\n/*\n{PROSE_EN}\n*/\n",
    "rust": f"use std::io;\n\n/* {PROSE_EN}\n * {PROSE_EN}\n */\n",
    "java": f"public class Gate {{\n    /**\n     * {PROSE_EN}\n     */\n}}\n",
    "diff": f"diff --git a/x b/x\n--- a/x\n+++ b/x\n- {PROSE_EN}\n+ {PROSE_ZH}\n",
    "assignment": f"message = (\n'x'\n)\n{PROSE_EN}",
    "environment file": f"TOKEN=x\nNOTE={PROSE_EN}\n",
    "xml": f"<note>\n<to>{PROSE_EN}</to>\n\n<body>{PROSE_ZH}</body>\n</note>",
    "toml": f'[tool]\nname = "x"\ntext = "{PROSE_EN}"\n',
    "prompt": '>>> print("The gateway sits between the people who ask and the models that answer, and keeps")\n',
    "links": "[the gateway sits, between](https://example.com/a,b,c?d=e, f) " * 5,
    "addresses": "HTTP://EXAMPLE.COM/A, B@EXAMPLE.COM, /usr/lib/x.so, C:\\Windows\\x, 3.14, 2,000, 1999-12-31, 10:30, "
    * 5,
    "arabic": "مرحبا بكم في بوابتنا، ونحن نحفظ سجلا لكل ما يقال. " * 6,
    "hindi": "यह द्वार लोगों और मॉडलों के बीच खड़ा है, और सब कुछ लिखता है. " * 6,
}


@pytest.mark.parametrize("name", MACHINE_TEXTS)
def test_machine_text_and_fragile_scripts_stay_untouched(name: str) -> None:
    assert embed(MACHINE_TEXTS[name], KEYS, 5, "dense") == MACHINE_TEXTS[name]


def test_prose_after_machine_text_is_marked_again() -> None:
    for before in (
        "```\nx = 1, 2\n```\n",
        "`code, here` ",
        "{a, b}\n",
        "$$x, y$$\n\n",
        "<think>Well, so</think>\n",
        "<b>Bold</b>\n",
    ):
        assert MARK.search(embed(before + PROSE_EN, KEYS, 5)), before


@pytest.mark.parametrize(
    "text",
    [
        " Paris, and the city has been the seat of the government for many centuries, as everybody knows.",
        " the place where the people who ask meet the models that answer, and both sides are written down.",
        "，两边说过的话都会被记录下来。如果一段文字流到了外面，总有人想知道它从哪里来；藏在里面的标记会给出答案。",
    ],
)
def test_text_that_goes_on_with_the_prompts_sentence_is_marked(text: str) -> None:
    assert MARK.search(embed(text, KEYS, 5))


@pytest.mark.parametrize(
    "text",
    [
        "    return the_sum, of many, words and more words, and so on, forever and ever\n",
        " return x\n    y = first, second, third and many more words that follow here, and so on\n",
        "\n    the sum of many words, and more words, and so on and on\n",
    ],
)
def test_code_that_goes_on_with_the_prompts_is_not(text: str) -> None:
    assert not MARK.search(embed(text, KEYS, 5, "dense"))


@pytest.mark.parametrize(
    "opening",
    [
        "let me explain. ", "use this with care. ", "Import duties are rising. ", "type theory is old. ", "Sure, here it is:\n\n", "# Title\n\n",
        "class action suits are rare. ", "1. ", "**Summary:** ", "> ", "函数（function）是一种映射。", "Use `x = 1, 2` here. ", "It costs $5, which is fine. ",
    ],
)  # fmt: skip
def test_prose_that_looks_a_little_like_code_is_marked(opening: str) -> None:
    assert MARK.search(embed(opening + "\n" * opening.endswith(". ") + PROSE_EN, KEYS, 5)), opening


def test_an_unknown_profile_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="sparse"):
        Embedder(KEYS, 1, "heavy")


def test_selectors_written_by_the_model_are_dropped_unless_they_choose_a_glyph() -> None:
    assert embed("a\U000e0105b 葛\U000e0100\U000e0101飾", KEYS, 1) == "ab 葛\U000e0100飾"


def test_the_package_says_what_it_offers() -> None:
    assert all(hasattr(watermark, name) for name in watermark.__all__)
