"""Records ↔ bytes. One record has one spelling: JSON in UTF-8, keys sorted, no spaces, no floats, ASCII keys.

A record is two byte strings. The *head* says who, what and why, and is never taken away: the tree commits to it. The
*body* holds the texts. The head carries the body's SHA-256, and both hold a random salt, so that a body can be erased
and what is left tells nothing about it. Frames and files are `frames`' matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from hashlib import sha256
from operator import attrgetter
from typing import Any

import orjson

from gateway.audit.record import SCHEMA, Answer, Closed, Decision, Event, Opened, Outcome, Part, Record, Text
from gateway.core.errors import AuditError
from gateway.core.exchange import Parameters
from gateway.core.reply import Usage
from gateway.core.verdict import Finding

SALT_BYTES = 16  # 128 bits: nobody guesses a short text from its commitment

TYPES: dict[type[Record], int] = {Opened: 1, Closed: 2, Event: 3, Part: 4}
NAMES: dict[int, str] = {1: "opened", 2: "closed", 3: "event", 4: "part"}

_PARAMETERS = tuple(field.name for field in fields(Parameters))
_parameters_of = attrgetter(*_PARAMETERS)
_UNSET: tuple[object, ...] = _parameters_of(Parameters())


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value. Lone surrogates, which UTF-8 cannot carry, become U+FFFD."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return _canonical_mended(value)


def encode(record: Record, salt: str) -> tuple[int, bytes, bytes]:
    """The record's type number, head and body. `salt` is 64 fresh hexadecimal digits: half for each."""
    head, texts = _SHAPES[type(record)](record)
    half = len(salt) // 2
    head["v"], head["salt"] = SCHEMA, salt[:half]
    body = b""
    if texts:
        texts["salt"] = salt[half:]
        body = canonical(texts)
        head["body"] = sha256(body).hexdigest()
    return TYPES[type(record)], canonical(head), body


def decode(kind: int, head: bytes, body: bytes) -> Record:
    """The record again. With an empty body (erased) the texts are empty and everything else is there."""
    try:
        told = orjson.loads(head)
        if told["v"] != SCHEMA:
            raise AuditError(f"record schema {told['v']} is not known", hint="read it with the version that wrote it")
        record: Record = _READERS[kind](told, orjson.loads(body) if body else {})
    except KeyError as error:
        raise AuditError(f"not a record: {error} is missing", hint="run `hangu audit verify`") from error
    except (ValueError, TypeError) as error:
        raise AuditError(f"not a record: {type(error).__name__}", hint="run `hangu audit verify`") from error
    return record


def plain(record: Record) -> dict[str, Any]:
    """A record as JSON values with names for everything, head and texts together: for handing out, never for hashing."""
    head, _ = _SHAPES[type(record)](record)
    told = {"record": NAMES[TYPES[type(record)]], **head}
    match record:
        case Opened(passages=passages, tls=tls, sealed=sealed):
            told |= {"passages": [_named(p) for p in passages], "tls": dict(tls), "sealed": bool(sealed)}
        case Closed(answers=answers, usage=usage, timings=timings, sealed=sealed):
            told |= {"answers": [_named(a) for a in answers], "timings": dict(timings), "sealed": bool(sealed)}
            told["usage"] = usage and {
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
            }
        case Part(answers=answers):
            told["answers"] = [_named(a) for a in answers]
        case Event(facts=facts):
            told["facts"] = dict(facts)
    return told


def _named(text: Text | Answer) -> dict[str, Any]:
    return {name: getattr(text, name) for name in type(text).__slots__}


def leaf(head: bytes) -> bytes:
    """What the tree holds of a record: the SHA-256 of its (salted) head."""
    return sha256(head).digest()


# ---- writing


def _opened(r: Opened) -> tuple[dict[str, Any], dict[str, Any]]:
    head = {
        "id": r.id,
        "at": r.at,
        "tenant": r.tenant,
        "user": r.user,
        "roles": r.roles,
        "method": r.method,
        "certificate": r.certificate,
        "thumbprint": r.thumbprint,
        "address": r.address,
        "tls": r.tls,
        "route": r.route,
        "action": r.action,
        "model": r.model,
        "backend": r.backend,
        "streaming": r.streaming,
        "passages": [(p.where, p.role, p.kind, p.length) for p in r.passages],
        "withheld": r.withheld,
        "parameters": _parameters(r.parameters),
        "rulings": _rulings(r.rulings),
        "code": r.code,
        "detail": r.detail,
        "policy": r.policy,
        "mark": r.mark,
        "notes": r.notes,
    }
    body: dict[str, Any] = {}
    if r.passages and not r.withheld:
        body["texts"] = [p.text for p in r.passages]
    if r.sealed:
        body["sealed"] = r.sealed
    return head, body


def _closed(r: Closed) -> tuple[dict[str, Any], dict[str, Any]]:
    head = {
        "id": r.id,
        "at": r.at,
        "tenant": r.tenant,
        "user": r.user,
        "outcome": str(r.outcome),
        "code": r.code,
        "answers": [(a.channel, a.length) for a in r.answers],
        "findings": [_finding(f) for f in r.findings],
        "usage": None if r.usage is None else (r.usage.prompt_tokens, r.usage.completion_tokens),
        "timings": r.timings,
        "mark": r.mark,
        "fault": r.fault,
    }
    return head, _said(r)


def _part(r: Part) -> tuple[dict[str, Any], dict[str, Any]]:
    answers = [(a.channel, a.length) for a in r.answers]
    head = {"id": r.id, "at": r.at, "tenant": r.tenant, "user": r.user, "answers": answers}
    return head, _said(r)


def _said(r: Closed | Part) -> dict[str, Any]:
    body: dict[str, Any] = {"texts": [a.text for a in r.answers]} if r.answers else {}
    if r.sealed:
        body["sealed"] = r.sealed
    return body


def _event(r: Event) -> tuple[dict[str, Any], dict[str, Any]]:
    head = {"kind": r.kind, "at": r.at, "actor": r.actor, "tenant": r.tenant, "subject": r.subject, "facts": r.facts}
    return head, {}


def _parameters(parameters: Parameters) -> dict[str, Any]:
    """Only what the caller set."""
    said = zip(_PARAMETERS, _parameters_of(parameters), _UNSET, strict=True)
    return {name: value for name, value, unset in said if value != unset}


def _rulings(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    rulings: list[dict[str, Any]] = []
    for d in decisions:
        told: dict[str, Any] = {"stage": d.stage, "decision": d.decision, "micros": d.micros}
        if d.code:
            told["code"] = d.code
        if d.fault:
            told["fault"] = d.fault
        if d.findings:
            told["findings"] = [_finding(f) for f in d.findings]
        rulings.append(told)
    return rulings


def _finding(f: Finding) -> dict[str, Any]:
    told = {
        "kind": f.kind,
        "rule": f.rule,
        "where": f.where,
        "start": f.start,
        "end": f.end,
        "score": 1000 if f.score == 1.0 else round(f.score * 1000),
        "entity": f.entity,
    }
    if f.how:
        told["how"] = f.how
    if f.excerpt_hash:
        told["excerpt_hash"] = f.excerpt_hash
    return told


def _canonical_mended(value: object) -> bytes:
    try:
        return orjson.dumps(_mended(value), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise AuditError(f"cannot be recorded: {error}") from error


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list | tuple) else value


_SHAPES: dict[type, Any] = {Opened: _opened, Closed: _closed, Part: _part, Event: _event}


# ---- reading


def _read_opened(head: dict[str, Any], body: dict[str, Any]) -> Opened:
    plain = {name: head[name] for name in _OPENED_PLAIN}
    texts = body.get("texts") or [""] * len(head["passages"])
    return Opened(
        **plain,
        roles=tuple(head["roles"]),
        tls=_pairs(head["tls"]),
        passages=tuple(
            Text(where, role, kind, length, text)
            for (where, role, kind, length), text in zip(head["passages"], texts, strict=True)
        ),
        parameters=_read_parameters(head["parameters"]),
        rulings=tuple(_read_ruling(d) for d in head["rulings"]),
        notes=tuple(head["notes"]),
        sealed=body.get("sealed", ""),
    )


_OPENED_PLAIN = (
    *("id", "at", "tenant", "user", "method", "certificate", "thumbprint", "address", "route", "action", "model"),
    *("backend", "streaming", "withheld", "code", "detail", "policy", "mark"),
)
_CLOSED_PLAIN = ("id", "at", "tenant", "user", "code", "mark", "fault")


def _read_closed(head: dict[str, Any], body: dict[str, Any]) -> Closed:
    return Closed(
        **{name: head[name] for name in _CLOSED_PLAIN},
        outcome=Outcome(head["outcome"]),
        answers=_read_answers(head, body),
        findings=tuple(_read_finding(f) for f in head["findings"]),
        usage=Usage(*head["usage"]) if head["usage"] else None,
        timings=_pairs(head["timings"]),
        sealed=body.get("sealed", ""),
    )


def _read_part(head: dict[str, Any], body: dict[str, Any]) -> Part:
    answers = _read_answers(head, body)
    return Part(head["id"], head["at"], head["tenant"], head["user"], answers, body.get("sealed", ""))


def _read_event(head: dict[str, Any], body: dict[str, Any]) -> Event:
    return Event(head["kind"], head["at"], head["actor"], head["tenant"], head["subject"], _pairs(head["facts"]))


def _read_answers(head: dict[str, Any], body: dict[str, Any]) -> tuple[Answer, ...]:
    texts = body.get("texts") or [""] * len(head["answers"])
    return tuple(Answer(channel, length, text) for (channel, length), text in zip(head["answers"], texts, strict=True))


def _read_parameters(told: dict[str, Any]) -> Parameters:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return Parameters(**values)


def _read_ruling(told: dict[str, Any]) -> Decision:
    findings = tuple(_read_finding(f) for f in told.get("findings", ()))
    return Decision(
        told["stage"], told["decision"], told.get("code", ""), findings, told.get("fault", ""), told["micros"]
    )


def _read_finding(told: dict[str, Any]) -> Finding:
    return Finding(**{**told, "score": told["score"] / 1000})


def _pairs(told: list[list[Any]]) -> tuple[Any, ...]:
    return tuple((name, value) for name, value in told)


_READERS: dict[int, Any] = {1: _read_opened, 2: _read_closed, 3: _read_event, 4: _read_part}
