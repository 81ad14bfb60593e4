"""What a tool is asked to do: each argument judged as what it is, by the type policy gives it. Runs no tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.detect.waf.urls import is_internal, may_fetch

_IDENTIFIER = re.compile(r"[\w][\w.@:+-]{0,199}")
_COMMAND = re.compile(
    r"[\w ./=:,@%+-]{1,500}", re.ASCII
)  # one command and its words: nothing a shell would expand or join
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SECRET_PLACES = re.compile(
    r"(?i)(?:^|/)(?:etc/(?:passwd|shadow|sudoers)|proc/self|root/|\.ssh|\.aws|\.kube|\.env|id_rsa|\.git/config|web-inf)(?:/|$)"
)
_WRITES = re.compile(
    r"(?i)\b(?:insert\s+into|update\s+\S+\s+set|delete\s+from|drop|alter|create|truncate|grant|revoke|merge\s+into|replace\s+into"
    r"|call|exec(?:ute)?|xp_cmdshell|copy\s+\S+\s+(?:from|to)|load_file|into\s+(?:out|dump)file|pg_sleep|sleep|benchmark|waitfor)\b"
)
MAX_ARGUMENTS = 1 << 20  # characters: longer arguments are a document, and belong in a passage of their own


@dataclass(frozen=True, slots=True)
class Typed:
    """What the parameters named so hold. `tool` and `parameter` may end in `*`; `denied` refuses any value at all."""

    tool: str
    parameter: str
    type: str
    denied: bool = False


def wrongs(text: str, tools: Sequence[str], types: Sequence[Typed], hosts: Sequence[str] = ()) -> list[str]:
    """The rules these arguments break, named `path`, `url`, `sql`, `shell`, `identifier`, `denied` or `form`.

    `tools` are the tools that may have been meant: one when the name is known, else every declared one.
    """
    fitting = of_tools(types, tools)
    if not fitting:
        return []
    try:
        value = json.loads(text) if len(text) <= MAX_ARGUMENTS else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return ["form"]  # arguments nobody can read cannot be judged, and so are not passed on
    return sorted({wrong for name, leaf in _leaves(value) for wrong in _leaf_wrongs(name, leaf, fitting, hosts)})


def of_tools(types: Sequence[Typed], tools: Sequence[str]) -> list[Typed]:
    """The types that policy has for parameters of any of these tools."""
    return [one for one in types if any(_fits(one.tool, tool) for tool in tools)]


def _leaves(value: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Every value with the name of the parameter it stands under, however deep."""
    waiting: list[tuple[str, object]] = list(value.items())
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(str(key), inner) for key, inner in one.items()]
            waiting.append((name, None))
        elif isinstance(one, list):
            waiting += [(name, inner) for inner in one]
        else:
            yield name, one


def _leaf_wrongs(name: str, value: object, types: Sequence[Typed], hosts: Sequence[str]) -> Iterator[str]:
    typed = next((one for one in types if _fits(one.parameter, name)), None)
    if typed is None:
        return
    if typed.denied:
        yield "denied"
    elif isinstance(value, str) and not _may(value, typed.type, hosts):
        yield typed.type


def _may(value: str, kind: str, hosts: Sequence[str]) -> bool:
    if kind == "text":
        return True
    if _CONTROL.search(value):
        return False
    if kind == "identifier":
        return _IDENTIFIER.fullmatch(value) is not None
    if kind == "url":
        return may_fetch(value, hosts) if hosts else _is_public(value)
    if kind == "sql":
        return _may_sql(value)
    return _may_path(value) if kind == "path" else _COMMAND.fullmatch(value) is not None


def _is_public(url: str) -> bool:
    return re.match(r"https?://[^\\\s]+$", url) is not None and not is_internal(url)


def _may_path(path: str) -> bool:
    """No way up, no way to secrets, in any encoding a file system might undo."""
    plain = unquote(unquote(path)).replace("\\", "/")
    return ".." not in plain.split("/") and _SECRET_PLACES.search(plain) is None and not plain.startswith(("//", "~"))


def _may_sql(query: str) -> bool:
    """One reading statement. Whether this caller may read that table is the database's own matter."""
    plain = re.sub(r"'(?:[^']|'')*'", "''", query)
    bare = plain.strip().rstrip(";")
    return ";" not in bare and "--" not in bare and "/*" not in bare and _WRITES.search(bare) is None


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
