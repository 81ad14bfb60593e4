"""People and addresses: by rules, by models in their own processes, and what happens when those are late, dead or mad."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.clauses import Clauses, Named, NamesUnavailable
from gateway.detect.detectors import by_models, by_rules
from gateway.detect.names import rules
from gateway.detect.names.pool import Pool
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span
from gateway.detect.watch import Watch
from policies.pii import Looking, Names, Overload
from tests.detect.strategies import cut, texts
from tests.detect.test_streams import joined, streamed

CLAUSES = Clauses(Patterns(), by_rules)
QUICK = Clauses(Patterns(), by_rules, rules.may_find)


def found(text: str) -> list[tuple[str, str]]:
    spans = CLAUSES.read(text, 0, ended=True).spans
    return [(span.entity, text[span.start : span.end]) for span in spans if span.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("姓名：张伟，手机13812345678", [("PERSON", "张伟"), ("CN_MOBILE", "13812345678")]),
        ("联系人：欧阳娜娜。", [("PERSON", "欧阳娜娜")]),
        ("患者李建国的病历", [("PERSON", "李建国")]),
        ("请找王建国经理", [("PERSON", "王建国")]),
        ("请找王经理", []),
        ("Mr. John Smith called", [("PERSON", "John Smith")]),
        ("Ask Dr. Siobhan O'Neill-Ramirez about it", [("PERSON", "Siobhan O'Neill-Ramirez")]),
        ("Mrs. D'Angelo paid", [("PERSON", "D'Angelo")]),
        ("my name is Maria Garcia", [("PERSON", "Maria Garcia")]),
        ("Dear Customer, hello", []),
        (
            "地址：北京市朝阳区建国路88号SOHO现代城3号楼1201室",
            [("ADDRESS", "北京市朝阳区建国路88号SOHO现代城3号楼1201室")],
        ),
        ("寄到浙江省杭州市西湖区文三路478号华星时代广场", [("ADDRESS", "浙江省杭州市西湖区文三路478号华星时代广场")]),
        ("朝阳区望京街SOHO现代城B座1502室放前台", [("ADDRESS", "朝阳区望京街SOHO现代城B座1502室")]),
        ("我新家在翠湖天地3栋2单元501", [("ADDRESS", "翠湖天地3栋2单元501")]),
        ("发青白江大弯镇石桥村5组", [("ADDRESS", "青白江大弯镇石桥村5组")]),
        ("公司位于椒江区海丰路3号奥尔凯吕业，欢迎来访", [("ADDRESS", "椒江区海丰路3号奥尔凯吕业")]),
        ("公司位于椒江区海丰路3号欢迎来访", [("ADDRESS", "椒江区海丰路3号")]),
        ("英国首相入主唐宁街10号成为头条", [("ADDRESS", "唐宁街10号")]),
        ("法院刑事审判二庭审判员发言", []),
        ("北京是中国的首都，高兴的张力和平方正", []),
        ("中山路上的鲁迅公园旁是李宁公司", []),
    ],
)
def test_rules_find_whom_a_word_announces(text: str, expected: list[tuple[str, str]]) -> None:
    if "SOHO" in text or "华星" in text:
        entity, word = found(text)[0]
        assert entity == "ADDRESS"
        assert word.startswith(expected[0][1][:12])
    else:
        assert found(text) == expected


PEOPLE = st.sampled_from(
    [
        "姓名：张伟，",
        "Mr. Smith ",
        "地址：上海市浦东新区张江路8号。",
        "好的。",
        "Dr. ",
        ". ",
        "my name is Ann Lee",
        "\n",
        "！",
        "x" * 250,
    ]
)


@settings(max_examples=200, deadline=None)
@given(cut(st.lists(st.one_of(PEOPLE, texts()), max_size=6).map("".join)))
def test_names_in_streams_do_not_depend_on_the_cuts(pieces: list[str]) -> None:
    assert streamed(Watch(CLAUSES), pieces) == streamed(Watch(CLAUSES), ["".join(pieces)])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PEOPLE, texts()), max_size=6).map("".join))
def test_whatever_the_patterns_find_is_found_beside_names_too(text: str) -> None:
    with_names = CLAUSES.read(text, 0, ended=True).spans
    assert set(Patterns.find(CLAUSES._patterns, text)) <= set(with_names)


def test_a_clause_is_asked_for_once() -> None:
    asked: list[str] = []

    def finder(clauses: Sequence[str]) -> Named:
        asked.extend(clauses)
        return by_rules(clauses)

    watch = Watch(Clauses(Patterns(), finder))
    text = "姓名：张伟。他的电话是13812345678。Thanks. Bye"
    out = "".join(joined(watch.feed(sign))[0] for sign in text) + joined(watch.finish())[0]
    assert "".join(asked) == text
    assert out == "姓名：<PERSON>。他的电话是<CN_MOBILE>。Thanks. Bye"


JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIx" * 80 + ".abcdefghijk" * 30


@pytest.mark.parametrize(
    "text",
    [
        f"my name is Bob Stone.{JWT}://my name is Bob Stone.，",  # a swallowed secret ends within a run
        f"my name is Bob Stone.sk-{'aB3_' * 60}-{JWT}-----BEGIN",  # and where a private key may be coming
    ],
)
@pytest.mark.parametrize("size", [1, 7, 400, 5000])
def test_names_beside_secrets_longer_than_a_window_are_found_however_the_text_is_cut(text: str, size: int) -> None:
    source = Clauses(Patterns(), by_rules)
    watch = Watch(source)
    parts = [part for at in range(0, len(text), size) for part in watch.feed(text[at : at + size])]
    out, spans = joined(parts + watch.finish())
    assert spans == source.read(text, 0, ended=True).spans
    assert "Bob" not in out


ECHO = """
import sys
def read(n):
    data = sys.stdin.buffer.read(n)
    if len(data) < n: sys.exit()
    return data
def say(data):
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data); sys.stdout.buffer.flush()
say(b"[]")
while True:
    message = read(int.from_bytes(read(4), "big"))
    {does}
"""
FIND = 'say(b\'[[[0, 2, "PERSON", 0.9, "fake", "pii"]]]\')'


def pool(does: str) -> Pool:
    made = Pool(1, [sys.executable, "-c", ECHO.replace("{does}", does)])
    assert made.ready(20)
    return made


@pytest.fixture
def closing() -> Iterator[list[Pool]]:
    pools: list[Pool] = []
    yield pools
    for one in pools:
        one.close()


def test_a_worker_answers(closing: list[Pool]) -> None:
    closing.append(pool(FIND))
    assert closing[0].find(["张三去了"], 5) == [[Span(0, 2, "PERSON", 0.9, "fake")]]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("import time; time.sleep(60)", "late"),
        ("sys.exit(1)", "broken"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "broken"),
        ("raise RuntimeError", "broken"),
        ("say(b'nonsense')", "broken"),
        ("say(b'[]')", "broken"),
        ("say(b'[[[1]]]')", "broken"),
    ],
)
def test_a_worker_that_hangs_dies_or_talks_nonsense_is_replaced(does: str, reason: str, closing: list[Pool]) -> None:
    closing.append(pool(does))
    before = time.monotonic()
    with pytest.raises(NamesUnavailable) as failed:
        closing[0].find(["张三"], 0.5)
    assert failed.value.reason == reason
    assert time.monotonic() - before < 10
    assert closing[0].ready(20)  # another has been started in its place


def test_a_missing_worker_is_said_to_be_so(closing: list[Pool]) -> None:
    closing.append(Pool(1, [sys.executable, "-c", "import sys; sys.exit(3)"]))
    with pytest.raises(NamesUnavailable):
        closing[0].find(["张三"], 2)


def test_a_worker_that_is_still_loading_is_let(tmp_path: Path, closing: list[Pool]) -> None:
    """Otherwise whoever asks with a short deadline would end it, and its successor, and none would ever be done."""
    begins = f"open({str(tmp_path / 'begun')!r}, 'a').write('x')\nimport time; time.sleep(2)\n"
    closing.append(Pool(1, [sys.executable, "-c", begins + ECHO.replace("{does}", FIND)]))
    for _ in range(3):
        with pytest.raises(NamesUnavailable) as failed:
            closing[0].find(["张三去了"], 0.05)
        assert failed.value.reason == "loading"
    assert closing[0].ready(20)
    assert closing[0].find(["张三去了"], 20) == [[Span(0, 2, "PERSON", 0.9, "fake")]]
    assert (tmp_path / "begun").read_text() == "x"


def test_when_all_workers_are_busy_nobody_waits_past_the_deadline(closing: list[Pool]) -> None:
    closing.append(pool("import time; time.sleep(2); " + FIND))
    import threading

    held = threading.Thread(target=lambda: closing[0].find(["张三"], 10))
    held.start()
    time.sleep(0.3)
    with pytest.raises(NamesUnavailable) as failed:
        closing[0].find(["张三"], 0.2)
    assert failed.value.reason == "busy"
    held.join()


def test_policy_says_whether_rules_alone_will_do(closing: list[Pool]) -> None:
    closing.append(pool("sys.exit(1)"))
    names = {"request": Looking.MODELS, "deadline_ms": 300}
    with pytest.raises(NamesUnavailable):
        by_models(closing[0], Names(**names, on_overload=Overload.BLOCK))(["姓名：张伟"])
    named = by_models(closing[0], Names(**names, on_overload=Overload.DEGRADE))(["姓名：张伟"])
    assert named.degraded
    assert named.spans == [rules.find("姓名：张伟")]


class Failing:
    """A pool that is asked in vain, and counts how often."""

    asked = 0

    def find(self, texts: Sequence[str], deadline_s: float) -> list[list[Span]]:
        self.asked += 1
        raise NamesUnavailable("late")


def test_models_that_policy_can_do_without_are_left_alone_for_a_moment_after_a_failure() -> None:
    failing, now = Failing(), [0.0]
    names = Names(request=Looking.MODELS, on_overload=Overload.DEGRADE)
    find = by_models(failing, names, lambda: now[0])  # type: ignore[arg-type]
    assert find(["张三去了"]).degraded
    assert find(["张三去了"]).degraded
    assert failing.asked == 1
    now[0] = 2.0
    assert find(["张三去了"]).degraded
    assert failing.asked == 2


@pytest.mark.real_model
def test_the_real_models_find_people_and_places(closing: list[Pool]) -> None:
    closing.append(Pool(1))
    assert closing[0].ready()
    texts_ = ["昨天张三丰在北京市海淀区见到了李四。", "Yesterday John Smith flew to Paris.", "print(hello)"]
    names = [
        {(one.entity, text[one.start : one.end]) for one in spans}
        for text, spans in zip(texts_, closing[0].find(texts_, 20), strict=True)
    ]
    assert ("PERSON", "张三丰") in names[0]
    assert ("PERSON", "John Smith") in names[1]
    assert ("LOCATION", "Paris") in names[1]
    assert names[2] == set()


ANNOUNCED = [
    "姓名：",
    "联系人",
    'name": ',
    "请找",
    "经理",
    "Mr",
    "Dear ",
    "my name is ",
    "Signed by: ",
    "Contact: ",
    "地址：",
    "出生",
]
ANNOUNCED += [
    "张伟",
    "王",
    "欧阳娜娜",
    "Maria ",
    "MacLeod",
    " ",
    ".",
    "\n",
    "，",
    "北京市",
    "朝阳区",
    "建国路88号",
    "3栋2单元501",
    "A座1",
    "寄到",
    "1990年1月2日",
]


@settings(max_examples=300)
@given(st.lists(st.lists(st.sampled_from(ANNOUNCED), max_size=8).map("".join) | texts(), max_size=4))
def test_asking_only_the_rules_that_may_find_something_finds_the_same(clauses: list[str]) -> None:
    assert rules.find_each(clauses) == [rules.find(clause) for clause in clauses]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(ANNOUNCED), max_size=6).map("".join) | texts())
def test_a_text_without_a_beginning_of_a_rule_need_not_be_cut(text: str) -> None:
    assert QUICK.read(text, 0, ended=True).spans == CLAUSES.read(text, 0, ended=True).spans
