"""Finds remembered: a history is read once, and what is remembered is of no use to anybody else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.pipeline import judge
from gateway.core.reply import Channel
from gateway.core.verdict import Code
from gateway.detect.clauses import Clauses, Named, NamesUnavailable
from gateway.detect.columns import TOP, Above
from gateway.detect.detectors import Detectors
from gateway.detect.patterns import Patterns, Settled
from gateway.stages.pii import Redaction
from gateway.stages.pii.memory import Memory
from tests.stages.test_pii import DETECTORS, KEY, exchange, policy, replied, texts_of

LONG = "请把合同寄给我，我的手机号是13812345678，邮箱是zhang.wei@example.com，谢谢。" + "以下是正文，没有别的内容。" * 4


class Counting:
    """Counts what is read."""

    context = Patterns.context

    def __init__(self) -> None:
        self.seen: list[str] = []

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled:
        self.seen.append(text)
        return DETECTORS.request.read(text, start, ended=ended)


def test_a_message_seen_before_is_not_read_again_and_is_redacted_alike() -> None:
    counting = Counting()
    one = Redaction(policy(), KEY, Detectors(counting, counting))
    first = one.judge(exchange(LONG))
    again = one.judge(exchange(LONG, "新的问题"))
    assert texts_of(again)[0] == texts_of(first)[0]
    assert counting.seen == [LONG, "新的问题"]
    assert again.findings == first.findings


def test_another_tenant_shares_nothing() -> None:
    counting = Counting()
    one = Redaction(policy(), KEY, Detectors(counting, counting))
    one.judge(exchange(LONG, tenant="a"))
    one.judge(exchange(LONG, tenant="b"))
    assert counting.seen == [LONG, LONG]


def test_what_is_remembered_holds_no_text_and_is_bounded() -> None:
    memory = Memory(KEY, most=2)
    for number in range(5):
        memory.keep(memory.names.of("t", "text", f"{number}"), [])
    assert len(memory) == 2
    assert memory.names.of("t", "text", "x") != Memory(b"z" * 32).names.of("t", "text", "x")
    one = Redaction(policy(), KEY, DETECTORS)
    one.judge(exchange(LONG))
    assert "13812345678" not in repr(vars(one._memory))


def test_late_names_refuse_or_are_noted_as_policy_says() -> None:
    def late(clauses: object) -> Named:
        raise NamesUnavailable("late")

    def degraded(clauses: list[str]) -> Named:
        return Named([[] for _ in clauses], degraded=True)

    shut = Redaction(policy(), KEY, Detectors(Clauses(Patterns(), late), Clauses(Patterns(), late)))
    refusal = judge([shut], exchange("你好，张三。"), lambda: 0.0).refusal
    assert refusal is not None
    assert refusal.code is Code.STAGE_TIMEOUT
    assert replied(shut, exchange("q"), ["张三的电话是13812345678。"]) == ""
    ajar = Redaction(policy(), KEY, Detectors(Clauses(Patterns(), degraded), Clauses(Patterns(), degraded)))
    verdict = ajar.judge(exchange(LONG))
    assert verdict.exchange.notes == ("pii:degraded",)  # type: ignore[union-attr]
    ajar.judge(exchange(LONG))
    assert len(ajar._memory) == 0  # what was read in part is not remembered
    transform = ajar.transform(exchange("q"), Channel())
    findings = [*transform.feed("张三。").findings, *transform.finish().findings]
    assert [one.rule for one in findings] == ["names-degraded"]


def test_a_value_that_has_a_tag_is_hidden_wherever_it_stands() -> None:
    said = "rules: [{name: r, roles: [reader], direction: request, action: pseudonymise}]\nnames: {request: rules}"
    one = Redaction(policy(said), KEY)
    first, second = texts_of(one.judge(exchange("姓名：欧阳娜娜。", "今天欧阳娜娜来过", role="reader")))
    tag = first[first.index("<") : first.index(">") + 1]
    assert second == f"今天{tag}来过"


@given(st.lists(st.sampled_from(["ask", "rephrase"]), max_size=8), st.data())
@settings(max_examples=40, deadline=None)
def test_a_conversation_is_redacted_turn_by_turn_as_if_nothing_were_remembered(
    steps: list[str], data: st.DataObject
) -> None:
    remembering = Redaction(policy(), KEY, DETECTORS)
    said = [f"{at}: 以下是正文，没有别的内容。" for at in range(7)]
    for step in steps:
        text = data.draw(st.sampled_from([LONG, "你好", "mail zhang.wei@example.com", "第二个问题是什么呢？"]))
        said = [*said[: -1 if step == "rephrase" else None], *(["好的。"] if step == "ask" else []), text]
        tenant = data.draw(st.sampled_from(["acme", "other"]))
        assert remembering.judge(exchange(*said, tenant=tenant)) == Redaction(policy(), KEY, DETECTORS).judge(
            exchange(*said, tenant=tenant)
        )


def test_a_history_with_nothing_in_it_is_not_read_again() -> None:
    counting = Counting()
    one = Redaction(policy(), KEY, Detectors(counting, counting))
    said = [f"第{at}句。" for at in "甲乙丙丁戊己"]
    one.judge(exchange(*said))
    counting.seen.clear()
    one.judge(exchange(*said, "好的。", "新的问题"))
    assert counting.seen == ["好的。", "新的问题"]
