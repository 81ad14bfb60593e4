"""Chinese people as the networks see them: who is found, what is left alone, and that no clause colours another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.names.chinese import Chinese
from gateway.detect.names.han import FEATURES, GAP, LABELS, Reader, keys
from gateway.detect.names.lists import in_lists
from tests.detect.strategies import texts

CHINESE = Chinese()
READER = Reader()


def found(text: str, entity: str) -> list[str]:
    spans = CHINESE.find([text])[0]
    return [text[span.start : span.end] for span in spans if span.entity == entity and span.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("昨天欧阳若曦和赵铁柱一起去了医院。", ["欧阳若曦", "赵铁柱"]),
        ("中宣部常务副部长郑必坚代表中宣部在座谈会上讲话", ["郑必坚"]),
        ("俄罗斯外交部长普里马科夫等俄罗斯政府高级官员", ["普里马科夫"]),
        ("收件人李秀英，", ["李秀英"]),
        ("请把合同转给周海涛", ["周海涛"]),
        ("我找王经理谈一下合同", ["王"]),
        ("顾浩顾云飞顾秀莲顾金池钱其琛徐才厚", ["顾浩", "顾云飞", "顾秀莲", "顾金池", "钱其琛", "徐才厚"]),
        ("（1）克林顿（2）布什（3）戈尔", ["克林顿", "布什", "戈尔"]),
        ("杰克·麦克布瑞尔和简·林奇等人联袂献声。", ["杰克·麦克布瑞尔", "简·林奇"]),
    ],
)
def test_people_are_found_beside_offices_and_places(text: str, expected: list[str]) -> None:
    assert found(text, "PERSON") == expected


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好，我们去公园玩吧。",
        "请帮我写一段快速排序的代码。",
        "高兴的话就一起去。",
        "车库没有发挥过太大作用",
        "内存地址是0x7f3a，越界了。",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert found(text, "PERSON") == []


def test_two_places_with_a_word_between_are_no_address() -> None:
    assert found("江苏省南京市和浙江省杭州市哪个好", "ADDRESS") == []
    assert found("我在北京市海淀区中关村大街27号等你", "ADDRESS") == ["北京市海淀区中关村大街27号"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请寄到山东腾远建材科技股份有限公司", "山东腾远建材科技股份有限公司"),
        ("富阳公园路耀都德悦大酒店", "富阳公园路耀都德悦大酒店"),
        ("木渎镇金山路4号天虹百货二楼翠玉世家专柜", "木渎镇金山路4号天虹百货二楼翠玉世家专柜"),
    ],
)
def test_an_address_goes_on_to_the_shop_it_ends_in(text: str, expected: str) -> None:
    assert found(text, "ADDRESS") == [expected]


def test_a_company_in_the_news_is_no_address() -> None:
    assert found("江苏省苏州宝碟激光电子有限公司昨天开业", "ADDRESS") == []


ROWS = st.lists(st.integers(2, 5), min_size=1, max_size=9)


@settings(max_examples=100)
@given(ROWS, st.lists(st.integers(0, 2), min_size=9, max_size=9), st.data())
def test_people_in_lists_do_not_overlap_and_none_that_was_found_is_lost(
    sizes: list[int], gaps: list[int], data: st.DataObject
) -> None:
    found, at = [], 0
    for size, gap in zip(sizes, gaps, strict=False):
        found.append((at, at + size))
        at += size + gap
    clause = data.draw(st.text(st.sampled_from("王张欧阳明伟、（女）·和"), min_size=at, max_size=at))
    likely = data.draw(st.lists(st.floats(0, 1), min_size=at, max_size=at))
    rows = in_lists(clause, found, likely, likely)
    assert all(low < high for low, high in rows)
    assert all(left[1] <= right[0] for left, right in pairwise(rows))
    covered = {place for low, high in rows for place in range(low, high)}
    assert covered >= {place for low, high in found for place in range(low, high)}


CLAUSES = st.lists(
    st.lists(st.sampled_from(["张", "伟明", "北京", "的", "3号", "，", "A", "\0", "\ud800", "😀"]), max_size=9).map(
        "".join
    )
    | texts(),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(CLAUSES)
def test_a_clause_is_read_alike_whatever_stands_beside_it(clauses: list[str]) -> None:
    clauses = [clause.encode("utf-8", "replace").decode() for clause in clauses if clause]
    if not clauses:
        return
    assert keys(clauses).shape == (sum(map(len, clauses)) + GAP * (len(clauses) - 1), FEATURES)
    for clause, together in zip(clauses, READER.likelihoods(clauses), strict=True):
        alone = READER.likelihoods([clause])[0]
        assert alone.shape == (len(clause), len(LABELS))
        assert np.allclose(alone, together, atol=1e-5)
        assert np.allclose(alone.sum(axis=1), 1, atol=1e-4)
