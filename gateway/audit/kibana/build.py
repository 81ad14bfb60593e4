"""The files under deploy/kibana, made from `boards`. `python -m gateway.audit.kibana.build` writes them; a test keeps them equal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from gateway.audit.kibana import objects
from gateway.audit.kibana.boards import BOARDS, LISTINGS
from gateway.audit.kibana.watching import RULES

LANGUAGES = ("en", "zh")


def saved_objects(index: str, language: str) -> list[dict[str, Any]]:
    """Everything for Kibana's `_import`, what is referred to first."""
    view = objects.data_view(index, "函谷" if language == "zh" else "Hangu")
    searches = [objects.saved_search(listing, index, language) for listing in LISTINGS]
    return [view, *searches, *(objects.dashboard(board, index, language) for board in BOARDS)]


def rules(index: str, language: str) -> list[dict[str, Any]]:
    """Everything for the detection engine's `_import`."""
    return [objects.rule(rule, index, language) for rule in RULES]


def files(index: str = "hangu") -> dict[str, bytes]:
    """By name: one JSON object a line."""
    told: dict[str, bytes] = {}
    for language in LANGUAGES:
        told[f"{index}-{language}.ndjson"] = lines(saved_objects(index, language))
        told[f"{index}-rules-{language}.ndjson"] = lines(rules(index, language))
    return told


def lines(values: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n" for value in values)


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (directory / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "deploy/kibana"))
