"""What `hangu policy explain` is given: a file, made into a case or recognised as a refusal. Judges nothing."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from pathlib import Path

from gateway.core.errors import GatewayError
from gateway.core.verdict import Code
from policies.cases import Caller, Case, Outcome, Side

MAX_BYTES = 16 << 20  # of FILE: twice the largest body the data port takes
CHAT = "/v1/chat/completions"
ROUTES = (("messages", CHAT), ("inputs", "/generate"), ("prompt", "/v1/completions"))  # what a body's keys tell


def read(name: str) -> str:
    """The file's text; `-` is standard input, and a refusal's code by itself is a refusal."""
    if name in _CODES:
        return json.dumps({"error": {"code": name}})
    try:
        data = _bounded(name)
        if len(data) > MAX_BYTES:
            raise GatewayError(f"is over {MAX_BYTES} bytes", name, "give one request")
        return data.decode("utf-8")
    except OSError as error:
        raise GatewayError(f"cannot be read ({error.strerror})", name, "name a file, - or a refusal's code") from error
    except UnicodeDecodeError as error:
        raise GatewayError("is not UTF-8", name, "save it as UTF-8") from error


def _bounded(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_BYTES + 1)


_CODES = frozenset(code.value for code in Code)


def _object(content: str) -> dict[str, object]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def refusal_in(content: str) -> Code | None:
    """The code of a refusal's body, in either of the shapes that callers get."""
    body = _object(content)
    error = body.get("error")
    said = error.get("code") if isinstance(error, dict) else body.get("code", body.get("error_type"))
    return Code(said) if isinstance(said, str) and said in _CODES else None


def reference_in(content: str) -> str:
    """The exchange that a refusal's body names; empty where it names none."""
    body = _object(content)
    error = body.get("error")
    said = (error if isinstance(error, dict) else body).get("request_id")
    return said if isinstance(said, str) else ""


def case_of(args: argparse.Namespace, content: str) -> Case:
    """A request body; or `{"route", "body" | "text"}`; or anything else as the text of a chat."""
    given = _object(content)
    wrapped = "body" in given or "text" in given
    body = given.get("body") if wrapped else (content if given else None)
    text = given.get("text") if wrapped else (None if given else content)
    inner = given.get("body") if wrapped else given
    known = next((path for key, path in ROUTES if isinstance(inner, dict) and key in inner), CHAT)
    return Case(
        name="explained",
        caller=_caller(args),
        route=args.route or (str(given["route"]) if wrapped and "route" in given else known),
        text=None if body is not None else str(text),
        body=body if isinstance(body, str) or body is None else json.dumps(body, ensure_ascii=False),
        stage=Side(args.stage),
        expect=Outcome.ALLOW,
    )


def _caller(args: argparse.Namespace) -> Caller:
    """As told; else as the caller's own token in the site says; else a role of the caller's name."""
    claims = _claims(args.directory / "clients" / args.caller / "token.jwt")
    said = claims.get("roles")
    roles = args.role or (said if isinstance(said, list) else [args.caller])
    tenant = args.tenant or claims.get("tenant") or "default"
    return Caller(name=args.caller, tenant=str(tenant), roles=tuple(str(role) for role in roles))


def _claims(file: Path) -> dict[str, object]:
    """What a token of the site's own says, unverified: it only names who is meant."""
    try:
        part = file.read_text("ascii").split(".")[1]
        return _object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8"))
    except (OSError, IndexError, ValueError, binascii.Error):
        return {}
