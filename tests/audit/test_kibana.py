"""The Kibana objects hold together: references, fields, queries; and a real server computes from each panel what is true.

No Kibana runs here: nothing below says that a dashboard was rendered. With KIBANA_URL set, one is asked to import them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from gateway.audit import install, mapping
from gateway.audit.documents import Document
from gateway.audit.elastic import Access, Cluster, Verdict, connect
from gateway.audit.journal import Journal
from gateway.audit.kibana.build import LANGUAGES, files, rules, saved_objects
from gateway.audit.projection import FILE, Projection
from gateway.audit.record import Outcome, closed, event, opened
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from gateway.audit.shipping import Completeness, Shipper
from gateway.core.reply import Usage
from gateway.core.verdict import Code, Finding
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


class Kept(Cluster):
    """A cluster that remembers what it was given and took."""

    def __init__(self, access: Access, index: str) -> None:
        super().__init__(connect(access), index)
        self.sources: list[Json] = []

    async def create(self, documents: Sequence[Document]) -> list[Verdict]:
        verdicts = await super().create(documents)
        self.sources += [d.source for d, told in zip(documents, verdicts, strict=True) if told.fate == "kept"]
        return verdicts


@pytest.fixture
async def seeded(elasticsearch: Access, directory: Path, signer: FileSigner) -> AsyncIterator[tuple[Kept, Path]]:
    await _seed(directory, signer)
    cluster = Kept(elasticsearch, f"t{os.urandom(4).hex()}")
    await install.install(cluster, await install.abilities(cluster))
    shipper = Shipper(directory, cluster, index=cluster.index)
    await shipper.catch_up()
    await shipper.ship_heads()
    await shipper.tell([Completeness("w0", 90, 87, 3, 1)], AT + 200)
    await cluster.refresh()
    yield cluster, directory
    await cluster.close()


async def _seed(directory: Path, signer: FileSigner) -> None:
    async with Journal.open(directory, sizes=Sizes(ballast=0, reserve=0), signer=signer) as journal:
        for n in range(40):
            await _exchange(journal, n)
        leaked = Finding("output", "OUT-903", "choices[0].content", entity="canary")
        await journal.append(replace(a_closed("leak", at=AT + 90), findings=(leaked,)))
        await journal.append(replace(a_closed("cut", at=AT + 91), outcome=Outcome.UNKNOWN))
        await journal.append(replace(a_closed("poison", at=AT + 92), usage=Usage(1 << 63, 1)))  # more than a long holds
        slow = replace(an_opened("slow", at=AT + 93), code="stage_timeout")
        late = replace(slow.rulings[1], decision="refuse", fault="took 10.2 s")
        await journal.append(replace(slow, rulings=(slow.rulings[0], late)))
        await journal.append(event("record.revealed", AT + 99, actor="eve", tenant="acme", subject="ana"))
        await journal.append(event("console.read", AT + 99, actor="eve", tenant="acme", subject="ana"))
        await journal.append(event("anomaly.refusals", AT + 99, tenant="acme", subject="user3"))


async def _exchange(journal: Journal, n: int) -> None:
    who = {"tenant": ("acme", "other")[n % 2], "user": f"user{n % 5}"}
    if n % 4 == 3:
        exchange = an_exchange(f"x{n}", **who)
        code = (Code.NOT_PERMITTED, Code.PROMPT_INJECTION)[n % 3 == 0]
        await journal.append(opened(exchange, turned_away(exchange, code), DIGEST, AT + n))
        return
    await journal.append(an_opened(f"x{n}", at=AT + n, **who))
    if n % 4 == 2:
        await journal.append(closed(an_exchange(f"x{n}", **who), AT + n + 1, "failed", "backend_timeout"))
    else:
        found = (Finding("pii", "cn_mobile", "choices[0].content", 0, 11, 1.0, "PHONE"),) * (n % 3)
        await journal.append(replace(a_closed(f"x{n}", at=AT + n + 1, **who), findings=found))


@pytest.mark.real_server
@pytest.mark.xdist_group("elasticsearch")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_real_server_computes_from_every_panel_what_is_true(seeded: tuple[Kept, Path], language: str) -> None:
    cluster, _ = seeded
    for name, panel in panels(language, cluster.index):
        layer = next(iter(panel["state"]["datasourceStates"]["formBased"]["layers"].values()))
        asked = kql.parse(panel["state"]["query"]["query"])
        wanted = [source for source in cluster.sources if kql.matches(asked, source)]
        told = await cluster.search(size=0, query=kql.query(asked), aggs=_aggregations(layer))
        _compare(name, layer["columns"], told["aggregations"], wanted)
        assert _has_something(told["aggregations"]), f"{name} shows nothing"


def _has_something(told: Json) -> bool:
    """Whether a panel draws anything: a bucket, or a number that is not nought."""
    if "buckets" in told:
        return any(bucket["doc_count"] for bucket in told["buckets"])
    value = told.get("value")
    if isinstance(value, dict):
        numbers = value.get("values", {"": value.get("value", value.get("doc_count"))}).values()
        return any(number for number in numbers)
    return any(_has_something(inner) for inner in told.values() if isinstance(inner, dict))


CALLERS = "SELECT user, {} FROM records WHERE {} AND user != '' GROUP BY user"
ASKED_OF_SQL = {  # panels by board and English title, and the same question to the local rows; columns as the buckets nest
    "hangu-overview/Exchanges": "SELECT COUNT(DISTINCT exchange) FROM records WHERE exchange != ''",
    "hangu-overview/Refusals": "SELECT COUNT(*) FROM records WHERE kind = 1 AND word = 'refused'",
    "hangu-overview/Users": "SELECT COUNT(DISTINCT user) FROM records WHERE user != ''",
    "hangu-overview/Tenants": "SELECT tenant, COUNT(DISTINCT NULLIF(exchange, '')) FROM records WHERE tenant != '' GROUP BY tenant",
    "hangu-overview/Why refused": "SELECT code, COUNT(*) FROM records WHERE kind = 1 AND code != '' GROUP BY code",
    "hangu-overview/Most active users": CALLERS.format("COUNT(DISTINCT exchange), SUM(word = 'refused')", "kind = 1"),
    "hangu-security/Who was refused": "SELECT tenant, user, COUNT(*) FROM records WHERE kind = 1 AND code != '' GROUP BY 1, 2",
    "hangu-user/Outcomes": "SELECT word, COUNT(*) FROM records WHERE kind = 2 GROUP BY word",
    "hangu-integrity/Records by origin": "SELECT origin, COUNT(DISTINCT seq), MAX(seq) FROM records GROUP BY origin",
    "hangu-integrity/Who read recorded texts": "SELECT user, word, COUNT(*) FROM records WHERE word IN ('console.read', 'record.revealed') GROUP BY 1, 2",
    "hangu-cost/By tenant and user": "SELECT tenant, user, COUNT(DISTINCT exchange) FROM records WHERE kind = 2 GROUP BY 1, 2",
}


@pytest.mark.real_server
@pytest.mark.xdist_group("elasticsearch")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_panels_and_the_local_rows_tell_the_same(seeded: tuple[Kept, Path], language: str) -> None:
    cluster, directory = seeded
    Projection.open(directory).close()
    english = [name for name, _ in panels("en")]
    shown = dict(zip(english, (panel for _, panel in panels(language, cluster.index)), strict=True))
    poison = "seq != (SELECT seq FROM records WHERE exchange = 'poison')"  # its envelope says next to nothing
    with closing(sqlite3.connect(directory / FILE)) as rows:
        for name, sql in ASKED_OF_SQL.items():
            if "origin" not in sql:
                sql = sql.replace("WHERE ", f"WHERE {poison} AND ", 1)
            layer = next(iter(shown[name]["state"]["datasourceStates"]["formBased"]["layers"].values()))
            query = kql.query(kql.parse(shown[name]["state"]["query"]["query"]))
            told = await cluster.search(size=0, query=query, aggs=_aggregations(layer))
            expected = sorted(rows.execute(sql).fetchall())
            numbers = len(expected[0]) - sum(column["isBucketed"] for column in layer["columns"].values())
            found = [(*keys, *values[-numbers:]) for keys, values in _rows(layer["columns"], told["aggregations"])]
            assert sorted(found) == expected, name


def _rows(columns: Json, told: Json) -> Iterator[tuple[tuple[Any, ...], list[float]]]:
    """A nested answer as rows: the buckets' keys, and the numbers in the innermost."""
    bucket = next((key for key in told if key in columns and columns[key]["isBucketed"]), None)
    if bucket is None:
        yield (), [_number(columns[key], told[key]) for key in columns if key in told]
        return
    for found in told[bucket]["buckets"]:
        for keys, numbers in _rows(columns, found):
            yield (found["key"], *keys), numbers


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
