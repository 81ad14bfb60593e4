"""A site that names a cluster has its record there within seconds, with nothing else to start."""

from __future__ import annotations

import os
import time
import urllib.error
from pathlib import Path

import pytest

from gateway.audit import progress
from gateway.audit.elastic import Access
from tests.audit.server import ask
from tests.end_to_end.site import HANGU, configure, hangu, running

SECONDS = 40  # of a server and two processes on a busy two-core machine


@pytest.mark.real_server
def test_what_the_gateway_records_is_in_the_cluster_within_seconds(
    elasticsearch: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    assert hangu("init", str(site)).returncode == 0
    configure(site, listen__port="0", admin__port="0", backend__url='"http://127.0.0.1:9"')
    index = f"carried{os.getpid()}"
    monkeypatch.setenv("HANGU_TEST_ES", elasticsearch.password)
    with (site / "gateway.toml").open("a") as file:
        file.write(
            f'\n[elasticsearch]\nurl = "{elasticsearch.url}"\nusername = "{elasticsearch.username}"\n'
            f'password = {{env = "HANGU_TEST_ES"}}\nindex = "{index}"\nca = "{elasticsearch.ca}"\n'
            f'certificate = "{elasticsearch.certificate}"\nkey = {{file = "{elasticsearch.key}"}}\n'
            "reconcile_seconds = 1.0\n"
        )
    with running(*HANGU, "serve", str(site)):
        assert arrived(elasticsearch, index)
        assert compared(site / "audit")


def compared(directory: Path) -> bool:
    """Whether the record was compared with the cluster, and nothing was missing."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        told = progress.load(directory)
        if told.reconciled and (found := told.complete.get("w0")) and found.produced:
            return found.ratio == 1.0
        time.sleep(0.2)
    return False


def arrived(cluster: Access, index: str) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            ask(cluster, "POST", f"/logs-{index}.*/_refresh")
            if ask(cluster, "GET", f"/logs-{index}.*/_count")["count"] > 0:
                return True
        except urllib.error.HTTPError as error:
            assert error.code in (404, 503)  # not there yet; there, but its shards are not
        time.sleep(0.5)
    return False
