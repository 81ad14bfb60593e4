"""The page about routes tells of every route, field and limit that the code knows."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from tgi.wire import Limits, OpenAIWire, Shown, TgiWire, Thinking, chatting, generating, messages

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "routes.md").read_text("utf-8")
TABLES = {
    "body": generating.BODY,
    "parameters": generating.PARAMETERS,
    "message": messages.FIELDS,
    "tgi chat": chatting.TGI_CHAT,
    "openai chat": chatting.OPENAI_CHAT,
    "tgi completion": chatting.TGI_COMPLETION,
    "openai completion": chatting.OPENAI_COMPLETION,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_field_is_told_of(table: str) -> None:
    assert [field for field in TABLES[table] if f"`{field}`" not in PAGE] == []


def test_every_route_is_told_of() -> None:
    for wire in (TgiWire(), OpenAIWire("m")):
        assert [r.path for r in wire.routes if f"| `{r.method} {r.path}` |" not in PAGE] == []


def test_every_limit_is_told_of_with_its_default() -> None:
    limits = Limits()
    rows = [f"| `{field.name}` | {getattr(limits, field.name)} |" for field in fields(limits)]
    assert [row for row in rows if row not in PAGE] == []


@pytest.mark.parametrize("word", [*Thinking, *Shown])
def test_every_way_of_reasoning_is_told_of(word: str) -> None:
    assert f"| `{word}` |" in PAGE
