"""Bytes → a JSON object, strictly: bounded, no duplicate keys, no oddities. Knows nothing of routes or fields.

orjson refuses NaN, lone surrogates, byte order marks and numbers over a double; it keeps the last of two equal keys,
as most parsers do, which lets two readers see two requests. That is caught here by counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from gateway.core.verdict import Code, Refuse

_ESCAPED_BACKSLASH, _ESCAPED_QUOTE = b"\\\\", b'\\"'


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask the gateway to read. The names of TGI's own router flags are kept where it has one."""

    max_body_bytes: int = 2_000_000  # TGI's --payload-limit: more would be refused behind us anyway
    max_depth: int = 64  # twice the deepest tool schema seen in public catalogues; serde stops at 128
    max_nodes: int = 50_000  # values in one body: a thousand messages of ten parts have fewer
    max_brackets: int = (
        100_000  # `[` and `{`, in text too: each may cost the parser time before anything can be counted
    )
    max_messages: int = 2_048  # beyond any context window's worth of turns
    max_tools: int = 128  # OpenAI's own limit
    max_best_of: int = 2  # --max-best-of
    max_stop_sequences: int = 4  # --max-stop-sequences, and OpenAI's limit
    max_stop_chars: int = 256  # TGI compiles each into a regular expression and sets no bound
    max_top_n_tokens: int = 5  # --max-top-n-tokens
    max_client_batch_size: int = 4  # --max-client-batch-size: prompts in one request
    max_samples: int = 8  # `n` on backends that honour it: each one is a whole generation
    max_name_chars: int = 256  # model, adapter, user, tool names and ids


def parse(body: bytes, limits: Limits) -> dict[str, object] | Refuse:
    """The body's one JSON object, or why it is none. Exact: what passes reads the same in every conforming parser."""
    if len(body) > limits.max_body_bytes:
        return Refuse(Code.TOO_LARGE, detail=f"the body may have at most {limits.max_body_bytes} bytes")
    if body.count(b"[") + body.count(b"{") > limits.max_brackets:
        return Refuse(Code.TOO_LARGE, detail=f"the body may hold at most {limits.max_brackets} brackets")
    try:
        tree: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Refuse(Code.JSON_MALFORMED)
    if not isinstance(tree, dict):
        return Refuse(Code.JSON_MALFORMED, detail="the body must be a JSON object")
    strings = _survey(tree, limits)
    if isinstance(strings, Refuse):
        return strings
    if strings != _strings_in(body):
        return Refuse(Code.JSON_DUPLICATE_KEY)
    return tree


def _strings_in(text: bytes) -> int:
    """How many strings valid JSON text spells. Quotes come in pairs, but for escaped ones; escapes are read leftmost first."""
    if b"\\" in text:
        text = text.replace(_ESCAPED_BACKSLASH, b"").replace(_ESCAPED_QUOTE, b"")
    return text.count(b'"') // 2


def _survey(tree: dict[str, object], limits: Limits) -> int | Refuse:
    """How many strings the parsed tree holds; fewer than the text spells means that a key came twice."""
    strings, nodes, depth = 0, 1, 0
    level: list[dict[str, object] | list[object]] = [tree]
    while level:
        depth += 1
        below: list[dict[str, object] | list[object]] = []
        for node in level:
            nodes += len(node)
            if nodes > limits.max_nodes:  # before looking into it: a hostile body must not be walked
                return Refuse(Code.TOO_LARGE, detail=f"the body may hold at most {limits.max_nodes} values")
            values: Iterable[object] = node
            if type(node) is dict:
                strings += len(node)
                values = node.values()
            for value in values:
                kind = type(value)
                if kind is str:
                    strings += 1
                elif kind is dict or kind is list:
                    below.append(value)  # type: ignore[arg-type]
        if depth > limits.max_depth:
            return Refuse(Code.TOO_LARGE, detail=f"the body may nest at most {limits.max_depth} levels deep")
        level = below
    return strings
