"""The visible choice: meaning kept, machine text untouched, cuts do not matter, equal answers become distinguishable."""

from __future__ import annotations

import random
import re

import pytest
from conftest import Site
from hypothesis import given, settings
from hypothesis import strategies as st

from watermark import Keys, embed, trace
from watermark.choice import Chooser, choose

KEYS = Keys.from_master(bytes(range(32)))
TEXT = (
    "网关使用Python编写，例如aiohttp和numpy都在其中。如果记录不完整，或许要立即停止，因此，值班同事逐渐习惯了每天检查Elasticsearch的状态。"
    "目前，第2批数据仍然保存在S3里，而且经常备份到GPU机房；此外，尽管负载很高，服务依然稳定，并且CPU占用逐渐下降。"
)
PIECES = st.sampled_from(
    [
        TEXT,
        "例如",
        "，而且",
        "十分钟后，",
        "经常性支出",
        "\n",
        "```\n使用Python\n```\n",
        "`中A`",
        "标题: 中A\n",
        "key: 使用Python编写\n",
        "中",
        "A",
        " ",
        "，",
    ]
)


def _cut(text: str, seed: int) -> str:
    chance, chooser, out, at = random.Random(seed), Chooser(KEYS.current, "x"), "", 0
    while at < len(text):
        size = chance.choice((1, 1, 2, 3, 9, 40))
        out += chooser.feed(text[at : at + size])
        at += size
    return out + chooser.finish()


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=10), st.integers(0, 9999))
def test_the_joined_output_does_not_depend_on_the_cuts(parts: list[str], seed: int) -> None:
    text = "".join(parts)
    assert _cut(text, seed) == choose(text, KEYS.current, "x")


def _canonical(text: str) -> str:
    for one, other in (("例如", "比如"), ("此外", "另外"), ("因此", "因而"), ("如果", "假如"), ("尽管", "虽然"), ("目前", "当前"), ("或许", "也许"),
                       ("立即", "立刻"), ("仍然", "依然"), ("逐渐", "渐渐"), ("经常", "常常"), ("并且", "而且")):  # fmt: skip
        text = text.replace(other, one)
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) (?=[\u3400-\u9fff])", "", text)


def test_only_equal_words_and_spaces_change() -> None:
    made = {choose(TEXT, KEYS.current, f"x-{n}") for n in range(20)}
    assert len(made) == 20
    assert {_canonical(text) for text in made} == {_canonical(TEXT)}


@pytest.mark.parametrize(
    "text",
    [
        "```\n使用Python，例如A\n```",
        "`中A，例如B`",
        "key: 使用Python编写，例如A",
        "十分钟，经常性支出",
        "{中A，例如B}",
        "plain English, nothing else.",
    ],
)
def test_machine_text_and_other_meanings_stay(text: str) -> None:
    assert {choose(text, KEYS.current, f"x-{n}") for n in range(20)} == {text}


def test_the_same_answer_to_five_users_can_be_told_apart_without_marks(site: Site) -> None:
    answer = "。".join(TEXT.replace("网关", f"第{n}个网关") for n in range(3))
    for n in range(5):
        site.answer(choose(answer, site.keys.current, f"x-{n}"), n, f"user-{n}")
    leak = choose(answer, site.keys.current, "x-3")
    found = trace(leak, site.keys, site.registry, site.index).as_json()
    assert (found["exchange"], found["user"]) == ("x-3", "user-3")
    assert found["layers"][0] == "l3"
    assert found["evidence"]["convict_grade"] is False


def test_answers_that_differ_in_spaces_alone_are_told_apart_as_a_lead(site: Site) -> None:
    answer = "".join(f"这里使用Python{n}编写程序，那里改用Rust{n}重写一遍；" for n in range(12))
    for n in range(4):
        site.answer(choose(answer, site.keys.current, f"x-{n}"), n, f"user-{n}")
    leak = choose(answer, site.keys.current, "x-2")
    found = trace(leak, site.keys, site.registry, site.index).as_json()
    assert (found["exchange"], found["layers"]) == ("x-2", ["l3", "l2"])


def test_chosen_text_can_still_be_marked(site: Site) -> None:
    chosen = choose(TEXT, site.keys.current, "x-1")
    assert re.sub("[\U000e0100-\U000e017f]", "", embed(chosen, site.keys, 1)) == chosen
