"""A record as an Elasticsearch document: ECS field names, `gen_ai.*` where the conventions have a word, `hangu.*` for ours. Pure.

Integrity is never checked here: a document names its leaf, and the segments prove it. Texts are left out unless asked for.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from gateway.audit import canonical
from gateway.audit.export import iso
from gateway.audit.frames import Frame
from gateway.audit.query import folded
from gateway.audit.record import Closed, Event, Opened, Outcome, Part, Record
from gateway.core.verdict import Finding

ECS_VERSION = "8.17.0"
MAX_REMEMBERED = 50_000  # exchanges under way whose request a later record is enriched with
MAX_TEXT_CHARS = 32_000  # of one document's searchable text

_OUTCOMES = {Outcome.ANSWERED: "success", Outcome.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent to a cluster: the data stream, the id that makes sending twice harmless, and the source."""

    stream: str
    id: str
    source: dict[str, Any]


class Documents:
    """Makes documents of one origin's frames in order, remembering each exchange's request for its end."""

    def __init__(self, site: str = "hangu", index: str = "hangu", *, with_text: bool = False) -> None:
        self._site, self._index, self._with_text = site, index, with_text
        self._asked: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def of(self, origin: str, frame: Frame) -> Document:
        record = canonical.decode(frame.kind, frame.head, frame.body)
        source = self._source(record)
        source["@timestamp"] = iso(record.at)
        source["ecs"] = {"version": ECS_VERSION}
        source["observer"] = {"type": "gateway", "product": "hangu", "name": self._site}
        source["organization"] = {"id": record.tenant}
        source["hangu"]["origin"] = origin
        source["hangu"]["seq"] = frame.seq
        source["hangu"]["leaf"] = canonical.leaf(frame.head).hex()
        source["hangu"]["record"] = canonical.NAMES[frame.kind]
        id_ = f"{self._site}-{origin}-{frame.seq}"
        source["event"] |= {"id": id_, "sequence": frame.seq, "module": "hangu"}
        return Document(self._stream(record), id_, _said(source))

    def _stream(self, record: Record) -> str:
        if isinstance(record, Event):
            return stream(self._index, "admin", "default")
        return stream(self._index, "audit", record.tenant)

    def _source(self, record: Record) -> dict[str, Any]:
        match record:
            case Opened():
                source = _opened(record)
                self._remember(record.id, source)
                texts = [passage.text for passage in record.passages]
            case Closed():
                source = _closed(record, self._asked.pop(record.id, {}))
                texts = [answer.text for answer in record.answers]
            case Part():
                source = _part(record)
                texts = []
            case Event():
                return _event(record)
        if self._with_text and any(texts):
            source["hangu"]["text"] = folded("\n".join(texts))[:MAX_TEXT_CHARS]
        return source

    def _remember(self, id_: str, source: dict[str, Any]) -> None:
        shared = {name: source[name] for name in ("client", "url", "gen_ai", "tls") if name in source}
        self._asked[id_] = shared | {"hangu": {name: source["hangu"][name] for name in _SHARED}}
        while len(self._asked) > MAX_REMEMBERED:
            self._asked.popitem(last=False)


_SHARED = ("roles", "backend", "policy", "streaming", "certificate")


def stream(index: str, dataset: str, tenant: str) -> str:
    """A data stream's name. Tenants are made to fit: lower case, and nothing that Elasticsearch gives a meaning to."""
    plain = re.sub(r"[^a-z0-9._]+", "_", tenant.casefold()).strip("_.")[:100]
    return f"logs-{index}.{dataset}-{plain or 'default'}"


def _opened(r: Opened) -> dict[str, Any]:
    event: dict[str, Any] = {"kind": "event", "category": ["web"], "type": ["start"], "action": "opened"}
    if r.code:
        event |= {"type": ["denied"], "outcome": "failure", "reason": r.code}
    return {
        "event": event,
        "user": {"name": r.user, "roles": list(r.roles)},
        "client": {"ip": r.address} if _is_ip(r.address) else {"address": r.address},
        "url": {"path": r.route},
        "tls": {
            "version": dict(r.tls).get("version", ""),
            "client": {"x509": {"subject": {"common_name": r.certificate}}},
        },
        "http": {"request": {"id": r.id}},
        "gen_ai": {"operation": {"name": r.action}, "request": {"model": r.model}},
        "rule": {"name": _rules(r.findings)},
        "hangu": {
            "exchange": r.id,
            "outcome": "refused" if r.code else "",
            "code": r.code,
            "roles": list(r.roles),
            "backend": r.backend,
            "policy": r.policy,
            "streaming": r.streaming,
            "certificate": r.certificate,
            "method": r.method,
            "withheld": r.withheld,
            "refused_by": next((d.stage for d in r.rulings if d.decision == "refuse"), ""),
            "faults": [d.fault for d in r.rulings if d.fault],
            "notes": list(r.notes),
            "micros": {d.stage: d.micros for d in r.rulings},
            **_findings(r.findings),
        },
    }


def _closed(r: Closed, asked: dict[str, Any]) -> dict[str, Any]:
    timings = dict(r.timings)
    told: dict[str, Any] = {
        **{name: value for name, value in asked.items() if name != "hangu"},
        "event": {
            "kind": "event",
            "category": ["web"],
            "type": ["end"],
            "action": "closed",
            "outcome": _OUTCOMES.get(r.outcome, "failure"),
        },
        "user": {"name": r.user, "roles": asked.get("hangu", {}).get("roles", [])},
        "http": {"request": {"id": r.id}},
        "rule": {"name": _rules(r.findings)},
        "hangu": {
            **asked.get("hangu", {}),
            "exchange": r.id,
            "outcome": str(r.outcome),
            "code": r.code,
            "marked": r.mark != 0,
            "answer_chars": sum(answer.length for answer in r.answers),
            "micros": timings,
            **_findings(r.findings),
        },
    }
    if "total" in timings:
        told["event"]["duration"] = timings["total"] * 1000
    if r.code:
        told["event"]["reason"] = r.code
    if r.usage is not None:
        usage = {"input_tokens": r.usage.prompt_tokens, "output_tokens": r.usage.completion_tokens}
        told["gen_ai"] = {**told.get("gen_ai", {}), "usage": usage}
    return told


def _part(r: Part) -> dict[str, Any]:
    return {
        "event": {"kind": "event", "category": ["web"], "type": ["info"], "action": "part"},
        "user": {"name": r.user},
        "http": {"request": {"id": r.id}},
        "hangu": {"exchange": r.id, "answer_chars": sum(answer.length for answer in r.answers)},
    }


def _event(r: Event) -> dict[str, Any]:
    kind = "alert" if r.kind.startswith("anomaly.") else "event"
    return {
        "event": {"kind": kind, "category": ["configuration"], "type": ["info"], "action": r.kind},
        "user": {"name": r.actor},
        "hangu": {"subject": r.subject, "facts": dict(r.facts), "exchange": dict(r.facts).get("exchange", "")},
    }


def _said(source: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: an empty user would be counted as one more user."""
    told = {name: _said(value) if isinstance(value, dict) else value for name, value in source.items()}
    return {name: value for name, value in told.items() if value not in ("", [], {})}


def _findings(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Parallel keyword lists: what dashboards can aggregate; places and scores stay in the record."""
    return {
        "finding": {
            "kind": sorted({f.kind for f in findings}),
            "entity": sorted({f.entity for f in findings if f.entity}),
            "count": len(findings),
        },
        "personal": sum(1 for f in findings if f.kind == "pii"),
    }


def _rules(findings: tuple[Finding, ...]) -> list[str]:
    return sorted({f"{f.kind}:{f.rule}" for f in findings})


def _is_ip(address: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", address))
