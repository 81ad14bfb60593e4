"""The operations port answers operators and auditors, and nobody else; the numbers are those that dashboards ask for."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.end_to_end.site import Site


def ask(site: Site, path: str, caller: str, url: str | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request((url or site.admin_url) + path)
    request.add_header("Authorization", f"Bearer {site.token(caller)}")
    try:
        with urllib.request.urlopen(request, context=site.context(caller), timeout=20) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("caller", ["operator", "auditor"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_and_auditors_are_answered(site: Site, caller: str, path: str) -> None:
    assert ask(site, path, caller)[0] == 200


@pytest.mark.parametrize("caller", ["analyst", "guest", "reader"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing"])
def test_callers_are_not(site: Site, caller: str, path: str) -> None:
    status, body = ask(site, path, caller)
    assert (status, json.loads(body)["code"]) == (403, "not_permitted")


def test_nothing_there_changes_anything(site: Site) -> None:
    request = urllib.request.Request(site.admin_url + "/healthz", data=b"{}", method="POST")
    request.add_header("Authorization", f"Bearer {site.token('operator')}")
    request.add_header("Content-Type", "application/json")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=site.context("operator"), timeout=20)
    assert refused.value.code == 405
    refused.value.close()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operations_are_not_on_the_data_port(site: Site, path: str) -> None:
    assert ask(site, path, "operator", site.url)[0] == 404


def test_a_ready_gateway_says_so(site: Site) -> None:
    assert json.loads(ask(site, "/readyz", "operator")[1]) == {"ready": True, "missing": {}, "worries": {}}


def test_the_numbers_are_there_by_name(site: Site) -> None:
    ask(site, "/nothing", "operator", site.url)
    text = ask(site, "/metrics", "operator")[1].decode()
    for name in ("deepseek_latency_seconds", "gpu_utilization_percent", "hangu_stage_seconds", "hangu_refusals_total"):
        assert f"# HELP {name.removesuffix('_total')}" in text or f"# HELP {name}" in text
    assert 'hangu_refusals_total{code="route_unknown"}' in text
