"""Changes JSON inside an input as JSON, so that a mutation is of what it says and not only of how it is spelled.

Works on the last JSON value of each line that has one: whole bodies, and events of a stream alike.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from tgi.wire import chatting, generating, messages

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**63, 2**64, 1.5, -0.0, 1e308, "", "a", "函谷关", "\u0000", "\ud800", "auto", "none", "text", "json",
    "13800138000", "<think>", "data: x", [], [[]], [""], [None], {}, {"": ""}, {"type": []}, {"type": "function", "function": {}},
    {"type": "json_schema", "json_schema": {"schema": {"properties": {}}}}, {"properties": {"a": {"$ref": "#"}}}, [{"type": "text", "text": 1}],
)  # fmt: skip
NAMES = sorted(
    {
        *chatting.TGI_CHAT, *chatting.OPENAI_CHAT, *chatting.TGI_COMPLETION, *generating.PARAMETERS, *generating.BODY, *messages.FIELDS,
        *("type", "function", "arguments", "parameters", "id", "index", "delta", "choices", "finish_reason", "token", "generated_text"),
        *("details", "usage", "error", "error_type", "logprobs", "text", "url", "value", "schema", "tool_calls", "special", "logprob"),
    }
)  # fmt: skip
_JSON = re.compile(rb"[{\[].*", re.S)


def changed(chance: random.Random, data: bytes) -> bytes | None:
    """The input with one to three changes inside one of its JSON values; None where it has none."""
    lines = data.split(b"\n\n")
    order = list(range(len(lines)))
    chance.shuffle(order)
    for number in order:
        found = _JSON.search(lines[number])
        tree = _read(found[0]) if found else None
        if found and tree is not None:
            for _ in range(chance.choice((1, 1, 2, 3))):
                tree = _grown(chance, tree)
            lines[number] = lines[number][: found.start()] + _spelled(tree)
            return b"\n\n".join(lines)
    return None


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _spelled(tree: Any) -> bytes:
    try:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(tree).encode()


def _grown(chance: random.Random, tree: Any) -> Any:
    """Another value, name or number of members somewhere in the tree."""
    inner = isinstance(tree, dict | list) and tree
    if not inner or chance.random() < 0.1:
        return chance.choice(VALUES)
    if isinstance(tree, list):
        at = chance.randrange(len(tree))
        match chance.randrange(5):
            case 0:
                return [*tree, *tree[at : at + 1]]
            case 1:
                return tree[:at] + tree[at + 1 :]
            case _:
                return [*tree[:at], _grown(chance, tree[at]), *tree[at + 1 :]]
    key = chance.choice(list(tree))
    match chance.randrange(6):
        case 0:
            return {name: value for name, value in tree.items() if name != key}
        case 1:
            return {**tree, chance.choice(NAMES): chance.choice(VALUES)}
        case 2:
            return {(chance.choice(NAMES) if name == key else name): value for name, value in tree.items()}
        case _:
            return {**tree, key: _grown(chance, tree[key])}
