"""How Kibana writes things down: saved objects with Lens panels, for import into 8.8 and everything later. Pure.

Saved objects are imported into the same or a newer Kibana, so these carry the migration versions of the oldest we support.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.audit.kibana.panels import Board, Listing, Measure, Panel, Rule, Split

CORE, DASHBOARD, SEARCH, VIEW = "8.8.0", "8.7.0", "8.0.0", "8.0.0"
COLUMNS = 48
Json = dict[str, Any]


def data_view(index: str, title: str) -> Json:
    """All our data streams as one view."""
    attributes = {"title": f"logs-{index}.*", "name": title, "timeFieldName": "@timestamp", "allowNoIndex": True}
    return _saved("index-pattern", view_id(index), VIEW, attributes, [])


def view_id(index: str) -> str:
    return f"{index}-view"


def saved_search(listing: Listing, index: str, language: str) -> Json:
    source = {"query": kuery(listing.where), "filter": [], "highlightAll": True, "version": True}
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    attributes = {
        "title": listing.title.in_(language),
        "description": "",
        "columns": list(listing.columns),
        "sort": [["@timestamp", "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text({**source, "indexRefName": name})},
    }
    return _saved("search", listing.id, SEARCH, attributes, [_reference("index-pattern", view_id(index), name)])


def dashboard(board: Board, index: str, language: str) -> Json:
    """A dashboard with its panels by value."""
    panels, references = [], []
    for number, (panel, place) in enumerate(zip(board.panels, _places(board.panels), strict=True)):
        key, layer = f"p{number}", f"l{number}"
        panels.append(_panel(panel, key, layer, place, index, language))
        references.append(_reference("index-pattern", view_id(index), f"{key}:indexpattern-datasource-layer-{layer}"))
    if board.listing:
        below = max(place["y"] + place["h"] for place in _places(board.panels))
        panels.append(_listing(board.listing, below))
        references.append(_reference("search", board.listing, "list:panel_list"))
    attributes = {
        "title": board.title.in_(language),
        "description": board.about.in_(language),
        "version": 1,
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": 30_000},
        "optionsJSON": _text({"useMargins": True, "syncColors": True, "syncCursor": True, "hidePanelTitles": False}),
        "panelsJSON": _text(panels),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text({"query": kuery(""), "filter": []})},
    }
    return _saved("dashboard", board.id, DASHBOARD, attributes, references)


def rule(told: Rule, index: str, language: str) -> Json:
    """A threshold rule for Kibana's detection engine, asked every minute."""
    risk = {"low": 21, "medium": 47, "high": 73, "critical": 99}[told.severity]
    return {
        "rule_id": told.id,
        "name": told.name.in_(language),
        "description": told.about.in_(language),
        "type": "threshold",
        "index": [f"logs-{index}.*"],
        "language": "kuery",
        "query": told.where,
        "threshold": {"field": list(told.by), "value": told.threshold, "cardinality": []},
        "interval": "1m",
        "from": f"now-{told.minutes}m",
        "to": "now",
        "severity": told.severity,
        "risk_score": risk,
        "enabled": False,
        "tags": ["Hangu", "Domain: LLM"],
        "author": ["Hangu"],
        "license": "Apache-2.0",
        "version": 1,
        "actions": [],
        "throttle": "no_actions",
        "max_signals": 100,
        "false_positives": [],
        "references": [],
        "threat": [],
    }


def kuery(text: str) -> Json:
    return {"query": text, "language": "kuery"}


def _panel(panel: Panel, key: str, layer: str, place: Json, index: str, language: str) -> Json:
    name = f"indexpattern-datasource-layer-{layer}"
    columns, order = _columns(panel, language)
    state = {
        "visualization": _visualization(panel, layer, order),
        "query": kuery(panel.where),
        "filters": [],
        "datasourceStates": {
            "formBased": {
                "layers": {layer: {"columns": columns, "columnOrder": order, "incompleteColumns": {}, "sampling": 1}}
            }
        },
        "internalReferences": [],
        "adHocDataViews": {},
    }
    attributes = {
        "title": panel.title.in_(language),
        "description": "",
        "type": "lens",
        "visualizationType": _VISUALIZATIONS[panel.form],
        "references": [_reference("index-pattern", view_id(index), name)],
        "state": state,
    }
    config = {"attributes": attributes, "enhancements": {}, "hidePanelTitles": False}
    told = {"version": CORE, "type": "lens", "gridData": {**place, "i": key}, "panelIndex": key}
    return {**told, "embeddableConfig": config, "title": panel.title.in_(language)}


_VISUALIZATIONS = {
    "number": "lnsMetric",
    "over_time": "lnsXY",
    "bars": "lnsXY",
    "share": "lnsPie",
    "table": "lnsDatatable",
}


def _columns(panel: Panel, language: str) -> tuple[Json, list[str]]:
    """Buckets first, then measures, as Lens orders them."""
    measures = {f"m{n}": _measure(measure, language) for n, measure in enumerate(panel.measures)}
    splits = {f"b{n}": _split(split, language) for n, split in enumerate(panel.splits)}
    time = {"time": _TIME} if panel.form == "over_time" else {}
    columns = {**splits, **time, **measures}
    return columns, list(columns)


_TIME: Json = {
    "label": "@timestamp",
    "dataType": "date",
    "operationType": "date_histogram",
    "sourceField": "@timestamp",
    "isBucketed": True,
    "scale": "interval",
    "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
}


def _measure(measure: Measure, language: str) -> Json:
    told: Json = {
        "label": measure.name.in_(language),
        "customLabel": True,
        "dataType": "number",
        "operationType": measure.operation,
        "sourceField": measure.field or "___records___",
        "isBucketed": False,
        "scale": "ratio",
        "params": {"emptyAsNull": False},
    }
    if measure.operation == "percentile":
        told["params"] = {"percentile": measure.percentile}
    if measure.where:
        told["filter"] = kuery(measure.where)
    return told


def _split(split: Split, language: str) -> Json:
    return {
        "label": split.name.in_(language),
        "customLabel": True,
        "dataType": "ip" if split.field == "client.ip" else "string",
        "operationType": "terms",
        "sourceField": split.field,
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": split.size,
            "orderBy": {"type": "column", "columnId": "m0"},
            "orderDirection": "desc",
            "otherBucket": False,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
        },
    }


def _visualization(panel: Panel, layer: str, order: Sequence[str]) -> Json:
    measures = [name for name in order if name.startswith("m")]
    splits = [name for name in order if name.startswith("b")]
    base: Json = {"layerId": layer, "layerType": "data"}
    match panel.form:
        case "number":
            return {**base, "metricAccessor": measures[0]}
        case "table":
            return {**base, "columns": [{"columnId": name} for name in order]}
        case "share":
            shown = {"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "default"}
            return {"shape": "donut", "layers": [{**base, "primaryGroups": splits, "metrics": measures, **shown}]}
        case "over_time":
            series: Json = {"seriesType": "bar_stacked", "xAccessor": "time"}
            if splits:
                series["splitAccessor"] = splits[0]
        case "bars":
            series = {"seriesType": "bar_horizontal", "xAccessor": splits[0]}
    drawn: Json = {"legend": {"isVisible": True, "position": "right"}, "valueLabels": "hide", "fittingFunction": "None"}
    lines: Json = {**base, "accessors": measures, "position": "top", "showGridlines": False, **series}
    return {**drawn, "preferredSeriesType": series["seriesType"], "layers": [lines]}


def _listing(id_: str, below: int) -> Json:
    place = {"x": 0, "y": below, "w": COLUMNS, "h": 18, "i": "list"}
    told = {"version": CORE, "type": "search", "gridData": place, "panelIndex": "list"}
    return {**told, "embeddableConfig": {"enhancements": {}}, "panelRefName": "panel_list"}


def _places(panels: Sequence[Panel]) -> list[Json]:
    """Left to right, then a new row under the tallest."""
    places: list[Json] = []
    x = y = tallest = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        places.append({"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, tallest = x + panel.width, max(tallest, panel.height)
    return places


def _saved(kind: str, id_: str, version: str, attributes: Json, references: list[Json]) -> Json:
    told = {"id": id_, "type": kind, "coreMigrationVersion": CORE, "typeMigrationVersion": version}
    return {**told, "attributes": attributes, "references": references}


def _reference(kind: str, id_: str, name: str) -> Json:
    return {"type": kind, "id": id_, "name": name}


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
