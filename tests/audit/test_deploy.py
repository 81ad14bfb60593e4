"""`hangu deploy elastic` and `hangu audit ship` against a real cluster, as an operator types them."""

from __future__ import annotations

import json
import os
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest

from gateway.audit import mapping
from gateway.audit.elastic import Access
from gateway.cli.main import main

real = [pytest.mark.real_server, pytest.mark.xdist_group("elasticsearch")]


class TestAgainstARealCluster:
    pytestmark = real

    def test_deploy_installs_the_templates_and_names_the_least_privileges(
        self, elasticsearch: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        index = f"t{os.urandom(4).hex()}"
        (tmp_path / "password").write_text(elasticsearch.password)
        user = ["--user", elasticsearch.username, "--password", str(tmp_path / "password")]
        command = ["deploy", "elastic", "--url", elasticsearch.url, "--index", index, *user]
        assert main(command) == 0
        told = capsys.readouterr().out
        assert f"installed template {index}-audit" in told
        assert "create_doc" in told
        request = urllib.request.Request(f"{elasticsearch.url}/_index_template/{index}-audit")
        right = b64encode(f"{elasticsearch.username}:{elasticsearch.password}".encode()).decode()
        request.add_header("authorization", f"Basic {right}")
        with urllib.request.urlopen(request) as found:
            template = json.load(found)["index_templates"][0]["index_template"]
        assert template["data_stream"] == {"hidden": False, "allow_custom_routing": False}
        assert main(command) == 0  # again does no harm


def test_deploy_to_nobody_is_2_and_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "elastic", "--url", "http://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_ship_without_a_cluster_in_the_settings_says_what_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "site")]) == 0
    capsys.readouterr()
    assert main(["audit", "ship", str(tmp_path / "site"), "--once"]) == 2
    assert "[elasticsearch]" in capsys.readouterr().err


def test_the_shipper_may_create_and_read_and_nothing_else() -> None:
    privileges = mapping.shipper_privileges("hangu")["indices"][0]["privileges"]
    assert not {"write", "index", "delete", "all", "manage", "delete_index"} & set(privileges)


def test_a_tenants_auditor_sees_that_tenant_alone() -> None:
    assert mapping.auditor_privileges("hangu", "acme")["indices"][0]["names"] == ["logs-hangu.audit-acme"]
