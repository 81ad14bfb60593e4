"""docker-compose.yml and the Dockerfile, read as data: what can be reached, what can be written, what is pinned."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import load
from tests.deploy.files import COMPOSE, DEPLOY, OVERRIDES, ROOT, arguments, one
from tgi.launch import profile, render
from tgi.launch.render import Bind, Launch

HOUSE: dict[str, Any] = one(COMPOSE)
SERVICES: dict[str, Any] = HOUSE["services"]
NAMES = sorted(SERVICES)
IMAGE = re.compile(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*")


def test_only_the_gateway_publishes_ports_and_operations_stay_on_the_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"gateway": ["8443:8443", "127.0.0.1:9443:9443"]}


def test_only_the_gateway_is_on_a_network_with_a_way_out() -> None:
    open_networks = {name for name, network in HOUSE["networks"].items() if not network.get("internal")}
    assert open_networks == {"edge"}
    assert [name for name in NAMES if open_networks & set(SERVICES[name]["networks"])] == ["gateway"]


def test_the_model_and_the_record_do_not_share_a_network() -> None:
    assert set(SERVICES["tgi"]["networks"]).isdisjoint(SERVICES["elasticsearch"]["networks"])
    assert [name for name in NAMES if "model" in SERVICES[name]["networks"]] == ["gateway", "gpu-exporter", "tgi"]


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_closed_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    forbidden = {"privileged", "network_mode", "pid", "ipc", "cap_add", "env_file", "extra_hosts"}
    assert forbidden.isdisjoint(service)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_says_when_it_is_healthy(name: str) -> None:
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(SERVICES[name]["healthcheck"])


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_one_exact_version(name: str) -> None:
    assert IMAGE.fullmatch(SERVICES[name]["image"]), SERVICES[name]["image"]


def test_elastic_is_the_series_that_the_client_speaks() -> None:
    assert {SERVICES[name]["image"].split(":")[1] for name in ("elasticsearch", "kibana")} == {"8.19.20"}


def test_secrets_are_files_and_none_is_written_here() -> None:
    assert all(set(secret) == {"file"} for secret in HOUSE["secrets"].values())
    for path in (COMPOSE, *OVERRIDES, DEPLOY / "compose" / "gateway.toml"):
        assert not re.search(
            r"(?i)(password|token|api_?key|secret)\s*[:=]\s*[\"']?[A-Za-z0-9+/]{12,}", path.read_text()
        )


@pytest.mark.parametrize("name", NAMES)
def test_environments_hold_no_secret(name: str) -> None:
    named = [key for key in SERVICES[name].get("environment", {}) if re.search("(?i)password|token|key$", key)]
    assert all(key.endswith("_FILE") or key.endswith("ssl.key") for key in named)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_service_is_given_is_declared(name: str) -> None:
    service = SERVICES[name]
    for kind in ("secrets", "configs"):
        given = {item if isinstance(item, str) else item["source"] for item in service.get(kind, [])}
        assert given <= set(HOUSE[kind])
    assert set(service["networks"]) <= set(HOUSE["networks"])
    named = {v.split(":")[0] for v in service.get("volumes", []) if not v.startswith((".", "/", "$"))}
    assert named <= set(HOUSE["volumes"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_every_secret_has_a_user() -> None:
    used = {
        item if isinstance(item, str) else item["source"]
        for service in SERVICES.values()
        for item in service.get("secrets", [])
    }
    assert used == set(HOUSE["secrets"])


def test_the_authoritys_key_is_not_given_to_anyone() -> None:
    assert "ca.key" not in re.sub("#.*", "", COMPOSE.read_text())


def test_tgi_starts_as_its_profile_says() -> None:
    launch = Launch(Bind.PRIVATE_NETWORK, "/models")
    assert arguments(SERVICES["tgi"]["command"]) == render.arguments(profile.load("r1-qwen-7b"), launch)
    assert SERVICES["tgi"]["image"] == render.IMAGE
    assert SERVICES["tgi"]["environment"] == render.environment()


@pytest.mark.parametrize("name", ["r1-qwen-32b", "r1-llama-70b"])
def test_larger_models_start_as_their_profiles_say(name: str) -> None:
    path = DEPLOY / "compose" / f"{name}.yml"
    service = one(path)["services"]["tgi"]
    launch = Launch(Bind.PRIVATE_NETWORK, "/models")
    assert arguments(service["command"]) == render.arguments(profile.load(name), launch)
    assert f"HANGU_GPUS={profile.load(name).gpus}," in path.read_text()


@pytest.mark.parametrize("path", OVERRIDES, ids=lambda p: p.name)
def test_an_override_opens_nothing_beyond_loopback(path: Path) -> None:
    for service in one(path)["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_gateways_settings_load(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "compose" / "gateway.toml", tmp_path / "gateway.toml")
    settings = load(tmp_path, complete=False)
    assert settings.elasticsearch is not None
    assert {str(settings.backend.url), str(settings.elasticsearch.url)} == {
        "http://tgi:8080",
        "https://elasticsearch:9200",
    }
    assert str(settings.observe.gpu_metrics_url) == "http://gpu-exporter:9400/metrics"
    assert settings.identity.require_bound_tokens


def test_the_gateways_secrets_are_the_ones_it_is_given() -> None:
    named = set(re.findall(r"/run/secrets/(\w+)", (DEPLOY / "compose" / "gateway.toml").read_text()))
    assert named == set(SERVICES["gateway"]["secrets"])


def test_files_that_are_mounted_from_the_repository_exist() -> None:
    mounted = [v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])]
    assert all((ROOT / path).exists() for path in mounted if path.startswith("./deploy"))


DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_is_built_in_stages_from_exact_versions() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base) for base in bases)


def test_the_image_installs_only_what_the_lock_names() -> None:
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert installs and all("--require-hashes" in line or "--no-index" in line for line in installs)
    locked = (ROOT / "requirements" / "runtime.txt").read_text()
    assert re.search(r"^setuptools==", locked, re.M) and "--hash=sha256:" in locked


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.findall(r"^USER (.*)", last, re.M) == ["10001:10001"]
    assert SERVICES["gateway"]["user"] == "10001:10001"
    assert "ADD " not in DOCKERFILE and "curl" not in DOCKERFILE


def test_what_the_image_copies_is_let_into_the_build_and_is_there() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M):
        for source in line.split():
            assert source.rstrip("*") in allowed
            # README and licence are written with the first release.
            assert (ROOT / source).exists() or source in ("README.md", "LICENSE*")
