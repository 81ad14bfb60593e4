"""The Kibana objects hold together: references, fields, queries; and a real server computes from each panel what is true.

No Kibana runs here: nothing below says that a dashboard was rendered. With KIBANA_URL set, one is asked to import them.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from gateway.audit import install, mapping
from gateway.audit.documents import Documents
from gateway.audit.elastic import Access, Cluster
from gateway.audit.frames import read, segments
from gateway.audit.journal import Journal
from gateway.audit.kibana.build import LANGUAGES, files, rules, saved_objects
from gateway.audit.record import closed, event, opened
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Shipper
from gateway.core.verdict import Code
from tests.audit import kql
from tests.audit.examples import AT, DIGEST, a_closed, an_exchange, an_opened, turned_away

Json = dict[str, Any]
DEPLOYED = Path(__file__).parents[2] / "deploy" / "kibana"
NUMBERS = {"sum", "average", "max", "percentile"}


def panels(language: str = "en", index: str = "hangu") -> list[tuple[str, Json]]:
    """Every Lens panel as Kibana will read it: out of the text in the file."""
    told = []
    for saved in saved_objects(index, language):
        if saved["type"] == "dashboard":
            for panel in json.loads(saved["attributes"]["panelsJSON"]):
                if panel["type"] == "lens":
                    told.append((f"{saved['id']}/{panel['title']}", panel["embeddableConfig"]["attributes"]))
    return told


def test_the_files_are_what_the_descriptions_say() -> None:
    assert {path.name: path.read_bytes() for path in DEPLOYED.glob("*.ndjson")} == files()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reference_is_to_something_in_the_bundle(language: str) -> None:
    saved = saved_objects("hangu", language)
    known = {(one["type"], one["id"]) for one in saved}
    assert len(known) == len(saved)
    for one in saved:
        assert {(r["type"], r["id"]) for r in one["references"]} <= known
        assert one["coreMigrationVersion"] == "8.8.0"
        assert one["typeMigrationVersion"]


def test_every_panel_refers_to_its_data_once_outside_and_once_inside() -> None:
    for saved in saved_objects("hangu", "en"):
        if saved["type"] != "dashboard":
            continue
        outside = {reference["name"] for reference in saved["references"]}
        for panel in json.loads(saved["attributes"]["panelsJSON"]):
            if panel["type"] == "search":
                assert f"{panel['panelIndex']}:{panel['panelRefName']}" in outside
                continue
            attributes = panel["embeddableConfig"]["attributes"]
            layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
            names = {f"indexpattern-datasource-layer-{layer}" for layer in layers}
            assert {reference["name"] for reference in attributes["references"]} == names
            assert {f"{panel['panelIndex']}:{name}" for name in names} <= outside


def test_no_two_panels_lie_on_one_another() -> None:
    for saved in saved_objects("hangu", "en"):
        if saved["type"] == "dashboard":
            places = [panel["gridData"] for panel in json.loads(saved["attributes"]["panelsJSON"])]
            cells = [
                (x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])
            ]
            assert len(cells) == len(set(cells))
            assert max(x for x, _ in cells) < 48


@pytest.mark.parametrize(("name", "panel"), panels(), ids=[name for name, _ in panels()])
def test_every_field_exists_and_can_be_counted_by(name: str, panel: Json) -> None:
    state = panel["state"]
    asked = kql.fields(kql.parse(state["query"]["query"]))
    for layer in state["datasourceStates"]["formBased"]["layers"].values():
        assert list(layer["columns"]) == layer["columnOrder"]
        for column in layer["columns"].values():
            asked |= kql.fields(kql.parse(column.get("filter", {}).get("query", "")))
            field = column["sourceField"]
            if field != "___records___":
                kind = mapping.FIELDS[field]["type"]
                assert (
                    (kind == "long")
                    if column["operationType"] in NUMBERS
                    else kind in ("keyword", "long", "ip", "date")
                )
    assert asked <= set(mapping.FIELDS)


def test_every_drawn_column_is_one_that_is_computed() -> None:
    for name, panel in panels():
        layer = next(iter(panel["state"]["datasourceStates"]["formBased"]["layers"].values()))
        drawn = json.dumps(panel["state"]["visualization"])
        for column in layer["columnOrder"]:
            assert f'"{column}"' in drawn, name


def test_both_languages_show_the_same_things_in_other_words() -> None:
    english, chinese = panels("en"), panels("zh")
    assert len(english) == len(chinese)
    for (_, one), (_, other) in zip(english, chinese, strict=True):
        assert one["title"] != other["title"]
        assert not other["title"].isascii()
        assert _shape(one) == _shape(other)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _shape(item) for key, item in value.items() if key not in ("title", "label", "name", "description")
        }
    return [_shape(item) for item in value] if isinstance(value, list) else value


def test_rules_ask_for_fields_that_exist_and_come_switched_off() -> None:
    for rule in rules("hangu", "en"):
        asked = kql.fields(kql.parse(rule["query"])) | set(rule["threshold"]["field"])
        assert asked <= set(mapping.FIELDS)
        assert rule["enabled"] is False  # whoever installs decides what may wake people


# ---- executed


@pytest.fixture
async def seeded(elasticsearch: Access, tmp_path: Path) -> AsyncIterator[tuple[Cluster, str, list[Json]]]:
    index = f"t{os.urandom(4).hex()}"
    directory = tmp_path / "audit"
    await _seed(directory)
    cluster = Cluster.at(elasticsearch, index)
    await install.install(cluster, await install.abilities(cluster))
    shipper = Shipper(directory, cluster, index=index)
    await shipper.catch_up()
    await cluster.refresh()
    documents = Documents(index=index)
    sources = [documents.of("w0", frame).source for _, path in segments(directory, "w0") for frame in read(path)]
    yield cluster, index, sources
    await cluster.close()


async def _seed(directory: Path) -> None:
    async with Journal.open(directory, sizes=Sizes(ballast=0, reserve=0)) as journal:
        for n in range(40):
            who = {"tenant": ("acme", "other")[n % 2], "user": f"user{n % 5}"}
            if n % 4 == 3:
                exchange = an_exchange(f"x{n}", **who)
                code = (Code.NOT_PERMITTED, Code.PROMPT_INJECTION)[n % 3 == 0]
                await journal.append(opened(exchange, turned_away(exchange, code), DIGEST, AT + n))
                continue
            await journal.append(an_opened(f"x{n}", at=AT + n, **who))
            if n % 4 == 2:
                await journal.append(closed(an_exchange(f"x{n}", **who), AT + n + 1, "failed", "backend_timeout"))
            else:
                await journal.append(a_closed(f"x{n}", at=AT + n + 1, **who))
        await journal.append(event("record.revealed", AT + 99, actor="eve", tenant="acme", subject="ana"))
        await journal.append(event("anomaly.refusals", AT + 99, tenant="acme", subject="user3"))


@pytest.mark.real_server
@pytest.mark.xdist_group("elasticsearch")
async def test_a_real_server_computes_from_every_panel_what_is_true(
    seeded: tuple[Cluster, str, list[Json]],
) -> None:
    cluster, index, sources = seeded
    for name, panel in panels("en", index):
        layer = next(iter(panel["state"]["datasourceStates"]["formBased"]["layers"].values()))
        asked = kql.parse(panel["state"]["query"]["query"])
        wanted = [source for source in sources if kql.matches(asked, source)]
        told = await cluster.search(size=0, query=kql.query(asked), aggs=_aggregations(layer))
        _compare(name, layer["columns"], told["aggregations"], wanted)


def _aggregations(layer: Json) -> Json:
    """Lens columns as the aggregations that Lens asks for: measures inside the buckets, each bucket inside the one before."""
    columns: Json = layer["columns"]
    told = {name: _measure(column) for name, column in columns.items() if not column["isBucketed"]}
    for name in reversed([name for name in layer["columnOrder"] if columns[name]["isBucketed"]]):
        told = {name: {**_bucket(columns[name]), "aggs": told}}
    return told


def _bucket(column: Json) -> Json:
    if column["operationType"] == "date_histogram":
        return {"date_histogram": {"field": column["sourceField"], "fixed_interval": "1h"}}
    return {"terms": {"field": column["sourceField"], "size": column["params"]["size"]}}


def _measure(column: Json) -> Json:
    field = column["sourceField"]
    inner: Json
    match column["operationType"]:
        case "count":
            inner = {"filter": {"match_all": {}}}
        case "unique_count":
            inner = {"cardinality": {"field": field}}
        case "percentile":
            inner = {"percentiles": {"field": field, "percents": [column["params"]["percentile"]]}}
        case other:
            inner = {{"average": "avg"}.get(other, other): {"field": field}}
    asked = kql.parse(column.get("filter", {}).get("query", ""))
    return {"filter": kql.query(asked), "aggs": {"value": inner}}


def _compare(name: str, columns: Json, told: Json, wanted: list[Json]) -> None:
    bucket = next((key for key in told if columns[key]["isBucketed"]), None)
    if bucket is None:
        for key in told:
            assert _number(columns[key], told[key]) == pytest.approx(_truth(columns[key], wanted)), f"{name} {key}"
        return
    column = columns[bucket]
    if column["operationType"] == "date_histogram":
        assert sum(b["doc_count"] for b in told[bucket]["buckets"]) == len(wanted), name
        return
    groups: dict[str, list[Json]] = {}
    for source in wanted:
        for value in set(map(str, kql.values(source, column["sourceField"]))):
            groups.setdefault(value, []).append(source)
    assert {str(b["key"]): b["doc_count"] for b in told[bucket]["buckets"]} == {k: len(v) for k, v in groups.items()}, (
        name
    )
    for found in told[bucket]["buckets"]:
        inner = {key: value for key, value in found.items() if key in columns}
        _compare(name, columns, inner, groups[str(found["key"])])


def _number(column: Json, told: Json) -> float:
    value = told["value"]
    if column["operationType"] == "count":
        return float(value["doc_count"])
    if column["operationType"] == "percentile":
        return float(next(iter(value["values"].values())) or 0)
    return float(value["value"] or 0)


def _truth(column: Json, wanted: list[Json]) -> float:
    """The number, computed from the documents by plain Python."""
    asked = kql.parse(column.get("filter", {}).get("query", ""))
    held = [source for source in wanted if kql.matches(asked, source)]
    if column["operationType"] == "count":
        return len(held)
    values = [value for source in held for value in kql.values(source, column["sourceField"])]
    if column["operationType"] == "unique_count":
        return len(set(values))
    if not values:
        return 0
    count: dict[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "average": mean}
    if column["operationType"] == "percentile":
        assert len(set(values)) <= 2  # all ends that were timed took as long: any interpolation gives a value between
        return max(values)
    return float(count[column["operationType"]](values))


@pytest.mark.skipif("KIBANA_URL" not in os.environ, reason="no Kibana to ask: set KIBANA_URL")
@pytest.mark.parametrize("language", LANGUAGES)
def test_kibana_imports_them(language: str) -> None:
    boundary = "hangu"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="hangu.ndjson"\r\n\r\n'.encode()
        + files()[f"hangu-{language}.ndjson"]
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"kbn-xsrf": "true", "content-type": f"multipart/form-data; boundary={boundary}"}
    url = f"{os.environ['KIBANA_URL']}/api/saved_objects/_import?overwrite=true"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as told:
        assert json.load(told)["success"] is True
