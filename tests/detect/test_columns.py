"""Tables: a word at the head of a column speaks for the cells below it, however the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.columns import MAX_LINE
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Watch
from tests.detect.strategies import cut
from tests.detect.test_streams import joined, streamed, whole

PATTERNS = Patterns()

TABLES = (
    ("CN_QQ", "姓名,QQ号,城市\n李晓华,66304624,成都\n王芳,4792685904,北京\n", ["66304624", "4792685904"]),
    ("CN_QQ", "name;qq\nLi;66304624\n", ["66304624"]),
    ("CN_WECHAT", "| 姓名 | 微信 |\n|---|:-:|\n| 李晓华 | linxia_ldx |\n| 王芳 | wangfang88 |\n", ["linxia_ldx", "wangfang88"]),
    ("US_PASSPORT", "Name\tPassport no.\tCity\r\nLi\t336469205\tBerlin\r\n", ["336469205"]),
    ("US_PASSPORT", "NAME      PASSPORT    CITY\nLi Hua    336469205   Bonn\n", ["336469205"]),
    ("BANK_ACCOUNT", '"name","account number","note"\n"Li, Hua","0310284613","a"\n', ["0310284613"]),
    ("CN_QQ", '{"columns": ["name", "QQ"], "data": [["Li, Hua", "66304624"], ["W", 4792685904]]}', ["66304624", "4792685904"]),
    ("CN_QQ", "+------+----------+\n| name | qq       |\n+------+----------+\n| Li   | 66304624 |\n", ["66304624"]),
    ("DATE_OF_BIRTH", "姓名,出生日期\n李晓华,1990年3月5日\n", ["1990年3月5日"]),
    ("PASSWORD", "user,password\nli,Tiger_9308x\n", ["Tiger_9308x"]),
    ("CN_ORG_CODE", "name,组织机构代码,city\nMiller,JLCDUYXY-3,Berlin\n", ["JLCDUYXY-3"]),
)  # fmt: skip


@pytest.mark.parametrize(("entity", "text", "values"), TABLES)
def test_a_word_at_the_head_of_a_column_speaks_for_every_row(entity: str, text: str, values: list[str]) -> None:
    spans = PATTERNS.find(text)
    assert [(text[span.start : span.end], span.entity) for span in spans] == [(value, entity) for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "姓名,QQ号\n李晓华,成都\n\n66304624 件,库存\n",  # a blank line ends a table
        "order id,phone\n66304624,none\n",  # another column's cell
        "name,id,qq,a note of some length,and another\nLi,123456789012345678,,x,y\n",  # an id is no identity card
        "手机,订单号\n无,13812345678901\n",
        "| Field | Value |\n|---|---|\n| WeChat | none |\n| Status | active |\n",  # a row among rows heads nothing
        "We took passport, visa and other things of that kind along, too\n336469205 people came, and more.\n",
        "total, card, qq\n" + "x" * (MAX_LINE + 1) + "\n66304624,1,2\n",
    ],
)
def test_what_stands_under_no_such_head_is_left_alone(text: str) -> None:
    assert [span for span in PATTERNS.find(text) if span.score >= 0.5] == []


def test_a_head_is_remembered_long_after_it_has_left() -> None:
    rows = "".join(f"客户{at},{66304624 + at},成都市高新区天府大道某处\n" for at in range(200))
    text = "姓名,QQ号,城市\n" + rows
    watch = Watch(PATTERNS)
    parts = [part for sign in text for part in watch.feed(sign)]
    left, spans = joined(parts + watch.finish())
    assert (left, spans) == whole(text)
    assert len(spans) == 200


PIECES = (
    *("姓名", "QQ号", "微信", "passport no.", "password", "出生日期", "订单号", "id", "机构代码", "城市", "12", "|", "|", "|---|", "---"),
    *("66304624", "linxia_ldx", "336469205", "Tiger_9308x", "1990年3月5日", "JLCDUYXY-3", "13812345678", "x" * 90, "y, z. " * 400),
    *(",", ",", ";", "\t", "  ", " ", "\n", "\n", "\r\n", '"', "[", "]", '["', '"],', "[[", "-----BEGIN", "密码：Abc!23xyz"),
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Lines of cells, mostly alike; sometimes anything."""
    if draw(st.integers(0, 3)) == 0:
        return "".join(draw(st.lists(st.sampled_from(PIECES), max_size=30)))
    mark = draw(st.sampled_from([",", "|", "\t", ";", "   ", '", "']))
    cells = st.lists(st.sampled_from(PIECES[:25]), min_size=2, max_size=4)
    lines = [mark.join(row) for row in draw(st.lists(cells, max_size=7))]
    if mark == '", "':
        return "[" + ", ".join(f'["{line}"]' for line in lines) + "]"
    return draw(st.sampled_from(["\n", "\r\n", " |\n| "])).join(lines) + "\n"


@settings(max_examples=500, deadline=None)
@given(cut(tables()))
def test_tables_are_read_the_same_however_they_are_cut(pieces: list[str]) -> None:
    assert streamed(Watch(PATTERNS), pieces) == whole("".join(pieces))
