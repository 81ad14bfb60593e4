"""Bytes of a policy file: a policy or `PolicyInvalid` with its problems. Never another error, never a hang."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import policies
from policies import access, cases, limits, marks, output, pii, routing, waf
from policies.bundle import SECTIONS, gather
from policies.problem import PolicyInvalid

PARSE = {
    "access": access.parse,
    "cases": cases.parse,
    "limits": limits.parse,
    "marks": marks.parse,
    "output": output.parse,
    "pii": pii.parse,
    "routing": routing.parse,
    "waf": waf.parse,
}
TOO_LONG = ("waf/injection.yaml",)  # as a neighbour of what is changed: its shape is that of the other rule files


@cache
def _shipped() -> dict[str, dict[str, bytes]]:
    """Section → the files of the default policies that it reads."""
    found = gather(Path(policies.__file__).parent / "default")
    sections = {name: {path: data for path, data in found.items() if _reads(name, path)} for name in PARSE}
    return {
        name: {path: data for path, data in files.items() if path not in TOO_LONG} for name, files in sections.items()
    }


def _reads(section: str, path: str) -> bool:
    return any(Path(path).match(pattern) for pattern in SECTIONS[section])


@cache
def _files() -> list[tuple[str, str]]:
    return [(section, path) for section, files in sorted(_shipped().items()) for path in sorted(files)]


def file(data: bytes) -> None:
    """The first byte chooses the file that the rest stands in for."""
    section, path = _files()[(data or b"\0")[0] % len(_files())]
    files = {**_shipped()[section], path: data[1:]}
    try:
        PARSE[section](files)
    except PolicyInvalid as invalid:
        assert invalid.problems and str(invalid)


def seeds() -> list[bytes]:
    return [bytes([number]) + _shipped()[section][path][:3000] for number, (section, path) in enumerate(_files())]
