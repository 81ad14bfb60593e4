"""Prometheus rules and Grafana dashboards name only what the gateway publishes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from gateway.core.pipeline import ORDER
from gateway.core.verdict import Code
from gateway.http.outcome import Outcome
from gateway.instruments import Instruments
from tests.deploy.files import DEPLOY, one

RULES = one(DEPLOY / "prometheus" / "rules.yml")
SCRAPING = one(DEPLOY / "prometheus" / "prometheus.yml")
BOARD = json.loads((DEPLOY / "grafana" / "hangu-overview.json").read_text("utf-8"))

# What every dashboard may count on.
KEPT = {
    "deepseek_latency_seconds",
    "gpu_utilization_percent",
    "hangu_stage_seconds",
    "hangu_refusals_total",
    "hangu_exchanges_total",
    "hangu_record_completeness",
    "hangu_record_caught_up_timestamp_seconds",
    "hangu_record_quarantined",
}
FUNCTIONS = {"sum", "rate", "by", "le", "max", "avg", "and", "histogram_quantile", "up", "min", "time"}
RECORDED = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
EXPRESSIONS = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
DRAWN = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def names(expression: str) -> set[str]:
    """The metrics an expression reads: no strings, no labels, no durations."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    bare = re.sub(r"\{[^}]*\}|by \([^)]*\)", "", bare)
    found = set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - FUNCTIONS
    return {name.removesuffix("_bucket") for name in found}


def test_the_gateway_publishes_what_dashboards_count_on() -> None:
    published = {
        sample + suffix
        for metric in Instruments().registry.collect()
        for sample in [metric.name]
        for suffix in ("", "_total")
    }
    assert published >= KEPT


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *DRAWN])
def test_an_expression_reads_published_metrics_and_is_balanced(expression: str) -> None:
    assert names(expression) <= KEPT | RECORDED
    assert expression.count("(") == expression.count(")")
    assert expression.count("{") == expression.count("}")


def labelled(label: str) -> Iterator[str]:
    for expression in [*EXPRESSIONS, *DRAWN]:
        for value in re.findall(rf'{label}=~?"([^"]*)"', expression):
            yield from value.split("|")


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("code", {code.value for code in Code}),
        ("outcome", {outcome.value for outcome in Outcome}),
        ("stage", {step.name for step in ORDER}),
    ],
)
def test_labels_have_values_that_exist(label: str, known: set[str]) -> None:
    assert set(labelled(label)) <= known


def test_every_alert_says_what_is_wrong_how_bad_and_what_to_do() -> None:
    alerts = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 5
    for rule in alerts:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "next"}
        assert re.fullmatch(r"\d+[smh]", rule["for"])


def test_rules_that_are_loaded_exist_and_scraping_proves_who_asks() -> None:
    assert all((DEPLOY / "prometheus" / name).exists() for name in SCRAPING["rule_files"])
    (job,) = SCRAPING["scrape_configs"]
    assert job["scheme"] == "https"
    assert {"ca_file", "cert_file", "key_file"} <= set(job["tls_config"])
    assert set(job["authorization"]) == {"type", "credentials_file"}


def test_the_board_has_a_place_for_every_panel() -> None:
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
