"""The personal-data stage: what policy says happens, to whom, and nothing gets past a broken detector."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gateway.core.exchange import Action, Exchange, Kind, Passage, Peer, Principal
from gateway.core.pipeline import judge
from gateway.core.reply import Channel
from gateway.core.reply import Kind as Text
from gateway.core.stream import Chain
from gateway.core.verdict import Allow, Amend, Code, Refuse
from gateway.detect.columns import TOP, Above
from gateway.detect.detectors import Detectors, detectors
from gateway.detect.patterns import Settled
from gateway.stages.pii import Redaction
from policies.pii import PiiPolicy, parse
from tests.detect.strategies import cut, texts

KEY = b"k" * 32
ID = "11010519491231002X"


def policy(text: str = "") -> PiiPolicy:
    return parse({"pii/policy.yaml": f"default: {{request: redact, response: redact}}\n{text}".encode()})


DETECTORS = detectors(policy())


def stage(text: str = "") -> Redaction:
    return Redaction(policy(text), KEY, DETECTORS)


def exchange(*said: str, role: str = "analyst", tenant: str = "acme", kind: Kind = Kind.PROSE) -> Exchange:
    passages = tuple(Passage(f"messages[{at}].content", "user", text, kind) for at, text in enumerate(said))
    return Exchange(
        "x",
        1000.0,
        Peer(""),
        "/v1/chat/completions",
        Action.CHAT,
        "m",
        passages,
        principal=Principal("ann", tenant, (role,)),
    )


def test_no_people_are_looked_for_in_names_that_programs_read() -> None:
    one = Redaction(policy("names: {request: rules}"), KEY)
    said = "my name is Paris Stone, 13812345678"
    assert texts_of(one.judge(exchange(said))) == ["my name is <PERSON>, <CN_MOBILE>"]
    assert texts_of(one.judge(exchange(said, kind=Kind.IDENTIFIER))) == ["my name is Paris Stone, <CN_MOBILE>"]


def texts_of(verdict: object) -> list[str]:
    assert isinstance(verdict, Amend), verdict
    return [passage.text for passage in verdict.exchange.passages]


def replied(one: Redaction, asked: Exchange, pieces: list[str], channel: Channel | None = None) -> str:
    chain = Chain([one.transform(asked, channel or Channel())])
    out = [chain.feed(piece) for piece in pieces] + [chain.finish()]
    return "".join(piece.text for piece in out)


def test_what_holds_nothing_is_allowed_unchanged() -> None:
    assert stage().judge(exchange("你好", "2 + 2 = 4")) == Allow()


@pytest.mark.parametrize(
    ("action", "becomes"),
    [
        ("redact", "证<CN_ID_CARD>，好"),
        ("mask", "证**************002X，好"),
        ("allow", None),
        ("record", None),
    ],
)
def test_an_entity_is_treated_as_policy_says(action: str, becomes: str | None) -> None:
    verdict = stage(f"entities: {{CN_ID_CARD: {{request: {action}}}}}").judge(exchange(f"证{ID}，好"))
    if becomes is None:
        assert isinstance(verdict, Allow)
        assert len(verdict.findings) == (action == "record")
    else:
        assert texts_of(verdict) == [becomes]


def test_a_blocked_entity_refuses_and_says_where_but_not_what() -> None:
    verdict = stage("entities: {CN_ID_CARD: {request: block}}").judge(exchange("好", f"证{ID}"))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.PERSONAL_DATA_BLOCKED
    assert verdict.detail == "CN_ID_CARD in messages[1].content"
    assert ID not in repr(verdict)


def test_findings_count_code_points_of_the_text_that_came() -> None:
    text = f"😀证{ID}，电话13812345678"
    verdict = stage().judge(exchange(text))
    assert [text[one.start : one.end] for one in verdict.findings] == [ID, "13812345678"]
    assert {one.where for one in verdict.findings} == {"messages[0].content"}


def test_rules_decide_for_roles_and_tenants_before_entities() -> None:
    said = """
entities: {EMAIL_ADDRESS: {request: block}}
rules:
  - {name: staff, roles: [staff], entities: ["EMAIL*"], action: allow}
  - {name: acme, tenants: [acme], direction: request, action: mask}
"""
    one = stage(said)
    assert isinstance(one.judge(exchange("a.b@ex.com", role="staff")), Allow)
    assert texts_of(one.judge(exchange("a.b@ex.com"))) == ["*.*@**.***"]
    assert isinstance(one.judge(exchange("a.b@ex.com", tenant="other")), Refuse)


def test_a_threshold_and_an_allowed_value_let_pass() -> None:
    said = 'entities: {CN_ID_CARD: {threshold: 0.95}}\nallow: [{entity: EMAIL_ADDRESS, value: "*@acme.cn"}]'
    assert isinstance(stage(said).judge(exchange("110105194912310021 press@acme.cn")), Allow)
    assert texts_of(stage(said).judge(exchange(f"{ID} ann@acme.com"))) == ["<CN_ID_CARD> <EMAIL_ADDRESS>"]


def test_arguments_stay_json_when_parts_are_replaced() -> None:
    said = '{"to": "\\u0031\\u0033\\u0038' + '12345678", "n": 13812345679, "deep": [{"id": "' + ID + '\\n"}]}'
    (text,) = texts_of(stage().judge(exchange(said, kind=Kind.ARGUMENTS)))
    assert json.loads(text) == {"to": "<CN_MOBILE>", "n": "<CN_MOBILE>", "deep": [{"id": "<CN_ID_CARD>\n"}]}


@settings(max_examples=150, deadline=None)
@given(cut(texts().map(lambda text: json.dumps({"a": text, "n": 13812345678, "m": [-13812345678]}))))
def test_arguments_that_arrive_stay_json(pieces: list[str]) -> None:
    out = replied(stage(), exchange("q"), pieces, Channel(kind=Text.ARGUMENTS))
    if "-----BEGIN" not in "".join(pieces):  # a key without an end takes all there is, and JSON with it
        said = json.loads(out)
        assert (said["n"], said["m"]) == ("<CN_MOBILE>", ["<CN_MOBILE>"])


@settings(max_examples=150, deadline=None)
@given(cut(texts()))
def test_a_reply_is_the_same_however_it_arrives(pieces: list[str]) -> None:
    one, asked = stage(), exchange("q")
    assert replied(one, asked, pieces) == replied(one, asked, ["".join(pieces)])


@settings(max_examples=100, deadline=None)
@given(texts())
def test_a_reply_and_a_prompt_are_redacted_alike(text: str) -> None:
    verdict = stage().judge(exchange(text))
    asked = verdict.exchange.passages[0].text if isinstance(verdict, Amend) else text
    assert replied(stage(), exchange("q"), [text]) == asked


def test_a_blocked_entity_stops_a_reply_before_it_leaves() -> None:
    one = stage("entities: {CN_ID_CARD: {response: block}}")
    chain = Chain([one.transform(exchange("q"), Channel())])
    pieces = [chain.feed(sign) for sign in f"证号{ID}，完"] + [chain.finish()]
    assert "".join(piece.text for piece in pieces) == "证号"
    assert [piece.refusal for piece in pieces if piece.refusal] == [Code.PERSONAL_DATA_BLOCKED]


class Broken:
    """A detector that fails as detectors do."""

    context = 64

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), MemoryError(), TimeoutError(), ImportError("gone")])
def test_nothing_passes_a_detector_that_fails(error: Exception) -> None:
    one = Redaction(policy(), KEY, Detectors(Broken(error), Broken(error)))
    judged = judge([one], exchange(ID), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED
    chain = Chain([one.transform(exchange("q"), Channel())])
    piece = chain.feed(f"your number is {ID}")
    assert (piece.text, piece.refusal) == ("", Code.STAGE_FAILED)
    assert chain.feed("more").text == "" and chain.finish().text == ""


class Half:
    """A detector that fails after it has worked."""

    context = 64

    def __init__(self) -> None:
        self.calls = 0

    def read(self, text: str, start: int, *, ended: bool, above: Above = TOP) -> Settled:
        self.calls += 1
        if self.calls > 3:
            raise RuntimeError
        return DETECTORS.response.read(text, start, ended=ended)


def test_a_detector_that_fails_in_mid_reply_stops_it_there() -> None:
    chain = Chain([Redaction(policy(), KEY, Detectors(Half(), Half())).transform(exchange("q"), Channel())])
    pieces = [chain.feed(part) for part in ("hello ", "there, ", "it is ", "110105", "19491231", "002X")]
    text = "".join(piece.text for piece in [*pieces, chain.finish()])
    assert "hello there, it is ".startswith(text)
    assert [piece.refusal for piece in pieces if piece.refusal] == [Code.STAGE_FAILED]


def test_identifiers_and_unnamed_callers_are_redacted_too() -> None:
    asked = replace(exchange("a.b@ex.com", kind=Kind.IDENTIFIER), principal=None)
    assert texts_of(stage().judge(asked)) == ["<EMAIL_ADDRESS>"]
