"""Tags that stand for values: the same in a conversation, nobody else's, and put back for those who may have them."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.exchange import Exchange
from gateway.core.reply import Channel
from gateway.core.reply import Kind as Text
from gateway.core.verdict import Allow
from gateway.stages.pii import MemoryVault, Redaction
from gateway.stages.pii.pseudonyms import Restoring, Tags, finder, scope_of
from tests.stages.test_pii import DETECTORS, KEY, exchange, policy, replied
from tgi.wire import TgiWire

SAID = """
rules: [{name: readers, roles: [reader, blind], direction: request, action: pseudonymise}]
restore: {roles: [reader]}
"""
PHONE = "13812345678"


def stage() -> Redaction:
    return Redaction(policy(SAID), KEY, DETECTORS)


def asked(*said: str, role: str = "reader", tenant: str = "acme", one: Redaction | None = None) -> Exchange:
    verdict = (one or stage()).judge(exchange(*said, role=role, tenant=tenant))
    return verdict.exchange  # type: ignore[union-attr]  # something was found in every text here


def tag_in(made: Exchange, at: int = 0) -> str:
    text = made.passages[at].text
    return text[text.index("<") : text.index(">") + 1]


MANGLED = [
    lambda tag: tag,
    str.lower,
    str.upper,
    lambda tag: tag.strip("<>"),
    lambda tag: f"< {tag.strip('<>')} >",
    lambda tag: tag.replace("_", r"\_"),
    lambda tag: tag.replace("_", " "),
    lambda tag: tag.replace("_", " _ "),
    lambda tag: tag.replace("_", "-"),
    lambda tag: f"[{tag.strip('<>')}]",
    lambda tag: f"＜{tag.strip('<>')}＞",
    lambda tag: f"&lt;{tag.strip('<>')}&gt;",
    lambda tag: f"\\<{tag.strip('<>')}\\>",
    lambda tag: f"<{tag}>",
    lambda tag: "".join(chr(ord(sign) + 0xFEE0) for sign in tag),
    lambda tag: tag.replace("_", "_\n"),
]


@pytest.mark.parametrize("mangle", MANGLED)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_tag_is_undone_however_a_model_wrote_it_and_however_it_arrives(mangle: object, size: int) -> None:
    made = asked(f"call {PHONE} please")
    reply = f"I called {mangle(tag_in(made))}, no answer."  # type: ignore[operator]
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]
    assert replied(stage(), made, pieces) == f"I called {PHONE}, no answer."


def test_the_model_never_sees_a_value_and_others_never_get_it_back() -> None:
    made = asked(f"call {PHONE}", role="blind")
    assert PHONE not in made.passages[0].text
    assert made.pseudonyms == ()
    assert replied(stage(), made, [f"call {tag_in(made)}"]) == f"call {tag_in(made)}"


def test_a_value_has_one_tag_across_turns_and_messages() -> None:
    first = asked(f"call {PHONE}")
    later = asked(f"call {PHONE}", "done", f"again {PHONE}")
    assert tag_in(first) == tag_in(later) == tag_in(later, 2)


@pytest.mark.parametrize(
    "other",
    [
        asked(f"call {PHONE}", tenant="other"),
        asked(f"ring {PHONE}"),
    ],
)
def test_another_tenant_or_conversation_has_other_tags_and_cannot_undo_these(other: Exchange) -> None:
    mine = asked(f"call {PHONE}")
    assert tag_in(mine) != tag_in(other)
    assert replied(stage(), other, [tag_in(mine)]) == tag_in(mine)


def test_a_tag_made_up_is_left_as_it_is() -> None:
    made = asked(f"call {PHONE}")
    assert (
        replied(stage(), made, ["<CN_MOBILE_aaaaaa> <PERSON_1a2b> CN_MOBILE"])
        == "<CN_MOBILE_aaaaaa> <PERSON_1a2b> CN_MOBILE"
    )


def test_another_key_makes_other_tags() -> None:
    other = Redaction(policy(SAID), b"z" * 32, DETECTORS)
    assert tag_in(asked(f"call {PHONE}")) != tag_in(asked(f"call {PHONE}", one=other))


def test_a_restored_value_is_not_read_again_and_new_values_are_redacted() -> None:
    made = asked(f"call {PHONE}")
    assert replied(stage(), made, [f"{tag_in(made)} or 13912345678"]) == f"{PHONE} or <CN_MOBILE>"


def test_a_value_goes_back_into_arguments_as_json() -> None:
    tag, value = "<PERSON_abcdef>", 'A "quoted" \\ name'
    restoring = Restoring(finder(((tag, value),)), in_json=True)  # type: ignore[arg-type]
    assert restoring.feed('{"a": "' + tag + '"}') + restoring.finish() == '{"a": "A \\"quoted\\" \\\\ name"}'
    made = asked(f"call {PHONE}")
    out = replied(stage(), made, ['{"to": "' + tag_in(made) + '"}'], Channel(kind=Text.ARGUMENTS))
    assert out == '{"to": "' + PHONE + '"}'


def test_the_vault_gives_back_what_an_earlier_turn_said() -> None:
    one = stage()
    first = asked(f"call {PHONE}", one=one)
    later = one.judge(exchange(f"call {PHONE}", "and?", role="reader")).exchange  # type: ignore[union-attr]
    assert dict(later.pseudonyms) == dict(first.pseudonyms)


def test_a_conversation_is_known_by_what_the_user_says_first() -> None:
    """Beside it a body holds its model, and system prompts that are everywhere the same or tell the time."""
    wire = TgiWire("m")
    route = next(route for route in wire.routes if route.path == "/v1/chat/completions")

    def scope(*messages: tuple[str, str]) -> str:
        told = [{"role": role, "content": content} for role, content in messages]
        ask = wire.read(route, json.dumps({"model": "m", "messages": told}).encode())
        return scope_of(replace(exchange(role="reader"), passages=ask.passages), KEY)  # type: ignore[union-attr]

    first = scope(("system", "it is noon"), ("user", "about Ann"))
    assert scope(("system", "it is one"), ("user", "about Ann"), ("assistant", "yes"), ("user", "more")) == first
    assert scope(("system", "it is noon"), ("user", "about Bob")) != first
    assert scope(("system", "it is noon")) != scope(("system", "it is one"))


def test_a_vault_forgets_after_its_lifetime_and_keeps_scopes_apart() -> None:
    vault = MemoryVault()
    vault.remember("a", {"<T_1>": "x"}, 0.0, 60)
    assert vault.recall("a", 59.0, 60) == {"<T_1>": "x"}
    assert vault.recall("b", 0.0, 60) == {}
    assert vault.recall("a", 60.0, 60) == {}
    assert vault.recall("a", 30.0, 20) == {}  # a policy that remembers less holds for what is there already
    assert "x" not in repr(vault)


def test_a_vault_has_room_for_so_many_and_the_one_unused_longest_goes() -> None:
    vault = MemoryVault(most=2)
    for scope in ("a", "b", "a", "c"):
        vault.remember(scope, {"<T_1>": scope}, 0.0, 60)
    assert [vault.recall(scope, 0.0, 60) for scope in ("a", "b", "c")] == [{"<T_1>": "a"}, {}, {"<T_1>": "c"}]


def test_a_new_policy_forgets_nobodys_values() -> None:
    vault = MemoryVault()
    before = Redaction(policy(SAID), KEY, DETECTORS, vault)
    tag = tag_in(before.judge(exchange(f"call {PHONE}", role="reader")).exchange)  # type: ignore[union-attr]
    after = Redaction(policy(SAID + "threshold: 0.4"), KEY, DETECTORS, vault)
    later = after.judge(exchange(f"call {tag}", role="reader"))
    assert isinstance(later, Allow)  # another conversation: what it begins with is the tag
    later = after.judge(exchange(f"call {PHONE}", f"and {tag}?", role="reader"))
    assert dict(later.exchange.pseudonyms) == {tag: PHONE}  # type: ignore[union-attr]


def test_two_values_never_share_a_tag() -> None:
    tags = Tags(KEY, lambda: "scope", {})
    made = {tags.tag("PERSON", f"name {number}") for number in range(20_000)}
    assert len(made) == 20_000
    assert len(tags.values) == 20_000


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<PERSON_",
                "abcdef",
                ">",
                "person abcdef",
                "<",
                "&lt;",
                "PERSON",
                " ",
                "x",
                "_",
                "\\",
                "abcde",
                "f",
                "[",
                "&",
                "李",
            ]
        ),
        max_size=14,
    ),
    st.randoms(),
)
def test_restoring_does_not_depend_on_the_cuts(pieces: list[str], chance: random.Random) -> None:
    text = "".join(pieces)

    def run(cut: list[str]) -> str:
        restoring = Restoring(finder((("<PERSON_abcdef>", "张三"), ("<PERSON_fedcba>", "李四"))), in_json=False)  # type: ignore[arg-type]
        return "".join([*map(restoring.feed, cut), restoring.finish()])

    at, cut = 0, []
    while at < len(text):
        size = chance.randint(1, 5)
        cut.append(text[at : at + size])
        at += size
    assert run(cut) == run([text])
