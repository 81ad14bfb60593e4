"""What is put into a cluster, where the real servers of the tests lack a part: OpenSearch's state management is a double here.

The double answers as its documentation says: a policy that is there is replaced only by who names the version it has seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.audit import install, mapping
from gateway.audit.elastic import Access, Cluster
from gateway.core.errors import AuditError


class StateManagement:
    """The double. It keeps what was put, under the path it was put to."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self.refusing = False

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.as_opensearch])
        app.router.add_get("/_plugins/_ism/policies", self.policies)
        app.router.add_route("*", "/_plugins/_ism/policies/{name}", self.policy)
        app.router.add_get("/_cluster/health", self.health)
        app.router.add_put("/{what:.*}", self.put)
        return app

    @web.middleware
    async def as_opensearch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        assert "vnd.elasticsearch" not in request.headers.get("accept", "")
        told: web.StreamResponse = await handler(request)
        return told

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"number_of_data_nodes": 3})

    async def policies(self, request: web.Request) -> web.Response:
        return web.json_response({"policies": [], "total_policies": 0})

    async def policy(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        version = self.versions.get(name)
        if request.method == "GET":
            there = {"_seq_no": version, "_primary_term": 1, "policy": self.kept.get(name)}
            return web.json_response(
                there if version is not None else {"error": "none"}, status=200 if version is not None else 404
            )
        if version is not None and request.query.get("if_seq_no") != str(version):
            return web.json_response({"error": {"type": "version_conflict_engine_exception"}}, status=409)
        self.kept[name], self.versions[name] = (await request.json())["policy"], (version or 0) + 1
        return web.json_response({"_id": name})

    async def put(self, request: web.Request) -> web.Response:
        if self.refusing:
            return web.json_response({"error": {"type": "security_exception", "reason": "no"}}, status=403)
        self.kept[request.path] = await request.json()
        return web.json_response({"acknowledged": True})


@pytest.fixture
async def double() -> AsyncIterator[tuple[StateManagement, Cluster]]:
    managed = StateManagement()
    async with TestServer(managed.app()) as server:
        cluster = Cluster.at(Access(str(server.make_url("/")).rstrip("/"), opensearch=True))
        yield managed, cluster
        await cluster.close()


async def test_state_management_gets_a_policy_that_is_replaced_and_not_doubled(
    double: tuple[StateManagement, Cluster],
) -> None:
    managed, cluster = double
    able = await install.abilities(cluster)
    assert (able.lifecycle, able.cjk, able.replicas) == ("ism", False, 1)
    for _ in range(3):
        assert "ism hangu-audit" in await install.install(cluster, able)
    assert managed.versions == {"hangu-audit": 3}
    assert managed.kept["hangu-audit"] == mapping.state_management("hangu")


def test_every_state_leads_to_one_that_is_there_and_the_last_deletes() -> None:
    policy = mapping.state_management("hangu", days=400)
    states = {state["name"]: state for state in policy["states"]}
    assert policy["default_state"] in states
    name, path = policy["default_state"], []
    while states[name]["transitions"]:
        (then,) = states[name]["transitions"]
        path.append(then["conditions"]["min_rollover_age"])
        name = then["state_name"]
    assert (path, states[name]["actions"]) == (["30d", "400d"], [{"delete": {}}])
    (template,) = policy["ism_template"]
    assert template["index_patterns"] == mapping.index_template("hangu")["index_patterns"]


def test_an_index_names_the_lifecycle_only_where_that_is_how_it_is_told() -> None:
    names = {way: mapping.settings("hangu", mapping.Abilities(lifecycle=way)) for way in ("ilm", "ism", "")}  # type: ignore[arg-type]
    assert [way for way, told in names.items() if "index.lifecycle.name" in told] == ["ilm"]


async def test_a_refused_key_leaves_no_file_behind(double: tuple[StateManagement, Cluster], tmp_path: Path) -> None:
    managed, cluster = double
    managed.refusing = True
    with pytest.raises(AuditError, match="403"):
        await install.make_key(cluster, tmp_path / "key")
    assert not (tmp_path / "key").exists()
    managed.refusing = False
    assert "user hangu-shipper" in await install.make_key(cluster, tmp_path / "key")
    user = managed.kept["/_plugins/_security/api/internalusers/hangu-shipper"]
    assert user["password"] == (tmp_path / "key").read_text()
