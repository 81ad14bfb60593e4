"""What a cluster is told of our documents: fields, templates and life cycles. Pure. Who may do what with them is `privileges`.

`dynamic: false`: a field that is not here is kept in the source and not searched, so that no document can break the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

KEYWORD = {"type": "keyword", "ignore_above": 1024}
LONG = {"type": "long"}
BOOLEAN = {"type": "boolean"}
FREE_KEYS: dict[bool, dict[str, Any]] = {  # what an event's facts are kept as; a long value must not break the document
    False: {"type": "flattened", "ignore_above": 1024},
    True: {"type": "flat_object"},
}
PRIORITY = 500  # above the built-in logs-*-* template's 100


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a cluster has beyond the core. A full Elasticsearch has all; a test server or OpenSearch fewer."""

    cjk: bool = True  # the cjk analyzer
    lifecycle: Literal["ilm", "ism", ""] = "ilm"  # index lifecycle management, or OpenSearch's state management
    opensearch: bool = False
    replicas: int = 1


FIELDS: dict[str, dict[str, Any]] = {
    "@timestamp": {"type": "date"},
    "ecs.version": KEYWORD,
    **dict.fromkeys(
        (
            *(
                "event.id",
                "event.kind",
                "event.category",
                "event.type",
                "event.action",
                "event.outcome",
                "event.reason",
            ),
            *("event.module", "observer.type", "observer.product", "observer.name", "organization.id", "user.name"),
            *("user.roles", "client.address", "url.path", "tls.version", "tls.client.x509.subject.common_name"),
            *("http.request.id", "gen_ai.operation.name", "gen_ai.request.model", "rule.name", "hangu.record"),
            *("hangu.exchange", "hangu.outcome", "hangu.code", "hangu.roles", "hangu.backend", "hangu.policy"),
            *("hangu.certificate", "hangu.method", "hangu.refused_by", "hangu.faults", "hangu.notes", "hangu.origin"),
            *("hangu.checkpoint.origin", "hangu.completeness.origin"),
            *("hangu.leaf", "hangu.finding.kind", "hangu.finding.entity", "hangu.subject", "hangu.quarantined"),
        ),
        KEYWORD,
    ),
    **dict.fromkeys(
        (
            *("event.sequence", "event.duration", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
            *("hangu.seq", "hangu.answer_chars", "hangu.finding.count", "hangu.personal", "hangu.micros.total"),
            *("hangu.micros.first_byte", "hangu.checkpoint.size"),
            *(f"hangu.completeness.{count}" for count in ("produced", "indexed", "missing", "reshipped", "doubled")),
            *(f"hangu.micros.{stage}" for stage in ("identity", "access", "limits", "waf", "pii", "routing")),
        ),
        LONG,
    ),
    **dict.fromkeys(("hangu.withheld", "hangu.streaming", "hangu.marked"), BOOLEAN),
    "client.ip": {"type": "ip", "ignore_malformed": True},
    "hangu.checkpoint.note": {"type": "keyword", "index": False, "doc_values": False},
}


def mappings(abilities: Abilities) -> dict[str, Any]:
    """The fields as Elasticsearch nests them."""
    fields = dict(FIELDS)
    fields["hangu.facts"] = FREE_KEYS[abilities.opensearch]
    fields["hangu.text"] = {"type": "text", "analyzer": "cjk"} if abilities.cjk else {"type": "text"}
    root: dict[str, Any] = {}
    for name, kind in fields.items():
        *path, last = name.split(".")
        level = root
        for part in path:
            level = level.setdefault(part, {"properties": {}})["properties"]
        level[last] = dict(kind)
    return {"dynamic": False, "date_detection": False, "properties": root}


def settings(index: str, abilities: Abilities) -> dict[str, Any]:
    """`index.mode: standard` keeps documents as they were sent; translog `request` keeps them when a node dies."""
    told: dict[str, Any] = {
        "index.number_of_replicas": abilities.replicas,
        "index.translog.durability": "request",
        "index.refresh_interval": "1s",
        "index.mapping.total_fields.limit": 500,
    }
    if abilities.lifecycle == "ilm":
        told["index.lifecycle.name"] = f"{index}-audit"
    return told


def component_templates(index: str, abilities: Abilities) -> dict[str, dict[str, Any]]:
    """By name: fields, and settings."""
    return {
        f"{index}-audit-mappings": {"template": {"mappings": mappings(abilities)}},
        f"{index}-audit-settings": {"template": {"settings": settings(index, abilities)}},
    }


def index_template(index: str) -> dict[str, Any]:
    """One for all our data streams."""
    return {
        "index_patterns": patterns(index),
        "priority": PRIORITY,
        "data_stream": {},
        "composed_of": [f"{index}-audit-mappings", f"{index}-audit-settings"],
        "_meta": {"product": "hangu", "schema": 1},
    }


def patterns(index: str) -> list[str]:
    """The names of our data streams."""
    return [f"logs-{index}.{dataset}-*" for dataset in ("audit", "admin", "checkpoint")]


def lifecycle(days: int = 400) -> dict[str, Any]:
    """ILM: a year and a bit, above every floor we know (six months in the Cybersecurity Law, twelve in PCI DSS)."""
    roll = {"max_age": "1d", "max_primary_shard_size": "20gb"}
    return {
        "phases": {
            "hot": {"actions": {"rollover": roll}},
            "warm": {"min_age": "30d", "actions": {"readonly": {}}},
            "delete": {"min_age": f"{days}d", "actions": {"delete": {}}},
        }
    }


def state_management(index: str, days: int = 400) -> dict[str, Any]:
    """The same for OpenSearch, where a policy names the indices it is for. Ages count from the rollover, as above."""

    def then(state: str, age: str) -> list[dict[str, Any]]:
        return [{"state_name": state, "conditions": {"min_rollover_age": age}}]

    roll = {"rollover": {"min_index_age": "1d", "min_primary_shard_size": "20gb"}}
    states = [
        {"name": "hot", "actions": [roll], "transitions": then("warm", "30d")},
        {"name": "warm", "actions": [{"read_only": {}}], "transitions": then("delete", f"{days}d")},
        {"name": "delete", "actions": [{"delete": {}}], "transitions": []},
    ]
    return {
        "description": "the record of Hangu: a new index a day, kept a year and a bit",
        "default_state": "hot",
        "states": states,
        "ism_template": [{"index_patterns": patterns(index), "priority": PRIORITY}],
    }
