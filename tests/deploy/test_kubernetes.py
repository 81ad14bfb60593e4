"""The Kubernetes manifests, read as data."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.files import MANIFESTS, arguments, resources
from tgi.launch import profile, render
from tgi.launch.render import Bind, Launch

ALL = resources()
PODS = {
    (r["metadata"]["namespace"], r["metadata"]["name"]): r["spec"]["template"]["spec"]
    for r in ALL
    if r["kind"] in ("Deployment", "StatefulSet")
}


def kinds(kind: str) -> list[Any]:
    return [r for r in ALL if r["kind"] == kind]


def test_every_object_has_a_kind_a_name_and_a_namespace_of_ours() -> None:
    namespaces = {r["metadata"]["name"] for r in kinds("Namespace")}
    assert namespaces == {"hangu", "hangu-model"}
    for r in ALL:
        assert {"apiVersion", "kind", "metadata"} <= set(r)
        assert r["kind"] == "Namespace" or r["metadata"]["namespace"] in namespaces


def test_only_the_data_port_of_the_gateway_is_reachable_from_outside() -> None:
    outside = [s for s in kinds("Service") if s["spec"].get("type", "ClusterIP") != "ClusterIP"]
    assert [(s["metadata"]["name"], [p["targetPort"] for p in s["spec"]["ports"]]) for s in outside] == [
        ("hangu", ["data"])
    ]
    assert not kinds("Ingress")
    assert not [c for pod in PODS.values() for c in pod["containers"] for p in c["ports"] if "hostPort" in p]
    assert not [pod for pod in PODS.values() if pod.get("hostNetwork")]


def test_each_namespace_denies_what_is_not_said() -> None:
    denying = {
        p["metadata"]["namespace"]
        for p in kinds("NetworkPolicy")
        if p["spec"]["podSelector"] == {} and "ingress" not in p["spec"] and "egress" not in p["spec"]
        if set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    }
    assert denying == {"hangu", "hangu-model"}


def test_the_model_hears_the_gateway_alone_and_calls_nobody() -> None:
    policy = next(p for p in kinds("NetworkPolicy") if p["metadata"]["name"] == "tgi")["spec"]
    assert policy["egress"] == []
    (rule,) = policy["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"] == {"matchLabels": {"app": "hangu"}}
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "hangu"}


def test_operations_are_for_the_monitoring_namespace() -> None:
    policy = next(p for p in kinds("NetworkPolicy") if p["metadata"]["name"] == "gateway")["spec"]
    (rule,) = [r for r in policy["ingress"] if r["ports"][0]["port"] == "admin"]
    assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


@pytest.mark.parametrize("pod", PODS.values(), ids=[name for _, name in PODS])
def test_a_pod_is_closed_in_and_says_when_it_is_healthy(pod: Any) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", container["image"])
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert "memory" in container["resources"]["limits"]


def test_the_gateway_is_not_root_and_its_journal_outlives_it() -> None:
    gateway = next(r for r in ALL if r["kind"] == "StatefulSet")
    assert gateway["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    assert gateway["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert gateway["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "journal"


@pytest.mark.parametrize("pod", PODS.values(), ids=[name for _, name in PODS])
def test_every_mount_has_its_volume(pod: Any) -> None:
    volumes = {v["name"] for v in pod["volumes"]}
    claims = {t["metadata"]["name"] for r in kinds("StatefulSet") for t in r["spec"]["volumeClaimTemplates"]}
    for container in pod["containers"]:
        assert {m["name"] for m in container["volumeMounts"]} <= volumes | claims


def test_services_find_their_pods() -> None:
    labels = [r["spec"]["template"]["metadata"]["labels"] for r in ALL if r["kind"] in ("Deployment", "StatefulSet")]
    assert all(service["spec"]["selector"] in labels for service in kinds("Service"))


def test_no_secret_is_written_here() -> None:
    assert not kinds("Secret")
    for path in MANIFESTS:
        assert not re.search(r"(?i)(password|token|secret)\s*:\s*[\"']?[A-Za-z0-9+/]{16,}", path.read_text())


def test_tgi_starts_as_its_profile_says() -> None:
    (container,) = PODS[("hangu-model", "tgi")]["containers"]
    launch = Launch(Bind.PRIVATE_NETWORK, "/models")
    assert arguments(container["args"]) == render.arguments(profile.load("r1-qwen-7b"), launch)
    assert {e["name"]: e["value"] for e in container["env"]} == render.environment()
    assert container["image"] == render.IMAGE
