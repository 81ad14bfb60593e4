"""`hangu deploy elastic` and `hangu audit ship` against a real cluster, as an operator types them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.audit import privileges
from gateway.audit.elastic import Access
from gateway.cli.main import main
from tests.audit.server import ask

real = [pytest.mark.real_server, pytest.mark.xdist_group("elasticsearch")]


class TestAgainstARealCluster:
    pytestmark = real

    def test_deploy_installs_the_templates_and_names_the_least_privileges(
        self, elasticsearch: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        index = f"t{os.urandom(4).hex()}"
        told = self.deploy(elasticsearch, index, tmp_path, capsys)
        assert f"installed template {index}-audit" in told
        assert "create_doc" in told
        found = ask(elasticsearch, "GET", f"/_index_template/{index}-audit")
        template = found["index_templates"][0]["index_template"]
        assert template["data_stream"] == {"hidden": False, "allow_custom_routing": False}
        key = (tmp_path / "es.key").read_text()
        again = self.deploy(elasticsearch, index, tmp_path, capsys)  # again does no harm
        assert "is there already" in again
        assert ask(elasticsearch, "GET", f"/_index_template/{index}-audit") == found
        assert (tmp_path / "es.key").read_text() == key

    def deploy(self, elasticsearch: Access, index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
        (tmp_path / "password").write_text(elasticsearch.password)
        command = ["deploy", "elastic", "--url", elasticsearch.url, "--index", index]
        command += ["--user", elasticsearch.username, "--password", str(tmp_path / "password")]
        command += ["--ca", elasticsearch.ca] if elasticsearch.ca else []
        if elasticsearch.certificate:
            command += ["--certificate", elasticsearch.certificate, "--certificate-key", elasticsearch.key]
        assert main([*command, "--make-key", str(tmp_path / "es.key")]) == 0
        return capsys.readouterr().out


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
    allowed = privileges.shipper("hangu")["indices"][0]["privileges"]
    assert not {"write", "index", "delete", "all", "manage", "delete_index"} & set(allowed)


def test_a_tenants_auditor_sees_that_tenant_alone() -> None:
    assert privileges.auditor("hangu", "acme")["indices"][0]["names"] == ["logs-hangu.audit-acme"]
