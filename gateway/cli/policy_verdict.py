"""What the attack stage said of a recorded exchange, as one object: scores, thresholds, and every finding with what made it weigh.

The record keeps findings; what a rule is called, how severe it is and from where on a layer refuses is policy. This puts
the two together, for the policies named: where they are not those that decided, it says so. It shows no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.audit.query import open_query
from gateway.audit.record import Decision, Opened
from gateway.core.errors import AuditError
from gateway.core.verdict import Finding
from policies.bundle import Bundle
from policies.waf import BUILT_IN, CORE, Rule, WafPolicy
from policies.waf_settings import Layer

_CHECKS = {"GW-2": Layer.STRUCTURE, "GW-3": Layer.AGENTIC, "GW-4": Layer.LANGUAGE}  # by the beginning of their names
SHADOW = "waf.shadow"


def recorded(audit: Path, exchange: str) -> Opened | None:
    """The record of an exchange's request; None where there is none. Raises AuditError."""
    if not audit.is_dir():
        return None
    with open_query(audit) as record:
        return next((entry.record for entry in record.of(exchange) if isinstance(entry.record, Opened)), None)


def verdict(opened: Opened, bundle: Bundle) -> dict[str, Any]:
    """The verdict as an object of plain values; its schema is in docs/reference/waf-rules.md."""
    ruling = next((one for one in opened.rulings if one.stage == "waf"), Decision("waf", "not asked"))
    policy, roles = bundle.waf, {passage.where: passage.role for passage in opened.passages}
    thresholds = {layer: policy.settings.band(layer, opened.route, opened.roles) for layer in Layer}
    found = [_finding(one, policy, thresholds, roles) for one in ruling.findings]
    return {
        "exchange": opened.id,
        "decision": ruling.decision,
        "code": ruling.code,
        "mode": "shadow" if "waf:shadow" in opened.notes else "enforce",
        "scores": {layer.value: _score(found, layer) for layer in Layer},
        "thresholds": {layer.value: points for layer, points in thresholds.items()},
        "would_block": _would_block(found, thresholds),
        "findings": found,
        "policy": opened.policy,
        "policy_is_in_force": opened.policy == bundle.digest,
        "micros": ruling.micros,
    }


def reference(bundle: Bundle, audit: Path, exchange: str) -> dict[str, Any] | None:
    """The verdict that a caller's reference stands for; None where the record has no such exchange."""
    try:
        opened = recorded(audit, exchange)
    except AuditError:
        return None
    return verdict(opened, bundle) if opened is not None else None


def _finding(one: Finding, policy: WafPolicy, thresholds: dict[Layer, float], roles: dict[str, str]) -> dict[str, Any]:
    rule = next((placed.rule for placed in policy.rules if placed.rule.id == one.rule), None)
    layer = _layer(one.rule, rule)
    hows = one.how.split("+") if one.how else []
    return {
        "rule": one.rule,
        "family": one.entity,
        "severity": rule.severity.value if rule else None,
        "layer": layer.value,
        "points": round(one.score * thresholds[layer], 2),
        "decides": one.kind != SHADOW,
        "field": one.where,
        "role": roles.get(one.where, ""),
        "span": [one.start, one.end],
        "view": "decoded:" + "+".join(hows) if hows and hows != ["quoted"] else "canonical",
        "excerpt_hash": one.excerpt_hash,
        "modifiers": _modifiers(hows, rule, policy, roles.get(one.where, ""), layer),
    }


def _modifiers(hows: list[str], rule: Rule | None, policy: WafPolicy, role: str, layer: Layer) -> list[str]:
    """What a rule's own points were multiplied by."""
    found = [f"quoted:×{rule.discussed}"] if rule is not None and hows == ["quoted"] else []
    found += ["decoded:×1.25"] if hows and hows != ["quoted"] else []
    weight = policy.settings.weight(role) if layer is not Layer.STRUCTURE and role else 1.0
    return found + ([f"role {role}:×{weight}"] if weight != 1.0 else [])


def _layer(name: str, rule: Rule | None) -> Layer:
    if rule is not None:
        return rule.scope.layer
    if name.startswith(CORE):
        return Layer.STRUCTURE
    return _CHECKS.get(name[:4], Layer.LANGUAGE) if name in BUILT_IN else Layer.LANGUAGE


def _score(found: Iterable[dict[str, Any]], layer: Layer) -> float:
    """The most of each family, added up: what is compared with the threshold. The highest of any one field."""
    by_field: dict[str, dict[str, float]] = {}
    for one in found:
        if one["layer"] == layer.value and one["decides"]:
            families = by_field.setdefault(one["field"], {})
            families[one["family"]] = max(families.get(one["family"], 0.0), one["points"])
    return round(max((sum(families.values()) for families in by_field.values()), default=0.0), 2)


def _would_block(found: list[dict[str, Any]], thresholds: dict[Layer, float]) -> bool:
    """Whether it would be refused if everything in shadow were enforced: what tells when a rule may be."""
    all_in = [{**one, "decides": True} for one in found]
    return any(_score(all_in, layer) >= points for layer, points in thresholds.items())
