"""Puts into a cluster what the record needs there: life cycle, templates, and a key that may do the least. Each step may be repeated.

What is put there is said by `mapping` and `privileges`; how a cluster is spoken to is `elastic`'s.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from gateway.audit import mapping, privileges
from gateway.audit.elastic import Cluster
from gateway.audit.mapping import Abilities
from gateway.core.errors import AuditError

PASSWORD_BYTES = 24  # random; nobody types it


async def abilities(cluster: Cluster) -> Abilities:
    """What this cluster has: asked, not guessed from a version."""
    cjk = await cluster.found("POST", "/_analyze", {"analyzer": "cjk", "text": "合同"})
    lifecycle = await cluster.found("GET", "/_plugins/_ism/policies" if cluster.opensearch else "/_ilm/status")
    health = await cluster.call("GET", "/_cluster/health")
    return Abilities(
        cjk=cjk is not None,
        lifecycle=("ism" if cluster.opensearch else "ilm") if lifecycle is not None else "",
        opensearch=cluster.opensearch,
        replicas=1 if health["number_of_data_nodes"] > 1 else 0,
    )


async def install(cluster: Cluster, able: Abilities) -> list[str]:
    """Put life cycle and templates in place; gives their names."""
    name = f"{cluster.index}-audit"
    done = [await _lifecycle(cluster, name, able)] if able.lifecycle else []
    for part, body in mapping.component_templates(cluster.index, able).items():
        await cluster.call("PUT", f"/_component_template/{part}", body)
        done.append(f"component {part}")
    await cluster.call("PUT", f"/_index_template/{name}", mapping.index_template(cluster.index))
    return [*done, f"template {name}"]


async def _lifecycle(cluster: Cluster, name: str, able: Abilities) -> str:
    if able.lifecycle == "ilm":
        await cluster.call("PUT", f"/_ilm/policy/{name}", {"policy": mapping.lifecycle()})
        return f"ilm {name}"
    path = f"/_plugins/_ism/policies/{name}"
    there = await cluster.found("GET", path)
    if there is not None:  # state management overwrites only what one has seen
        path += f"?if_seq_no={there['_seq_no']}&if_primary_term={there['_primary_term']}"
    await cluster.call("PUT", path, {"policy": mapping.state_management(cluster.index)})
    return f"ism {name}"


async def make_key(cluster: Cluster, path: Path) -> str:
    """Make the shipper's credential and keep it in a new file of mode 0600; gives what was made. An existing file is left alone.

    For Elasticsearch an API key; for OpenSearch, which has none, a role, a user of that role, and its password.
    """
    if path.exists():
        return f"nothing: {path} is there already"
    name = f"{cluster.index}-shipper"
    with open(path, "x", opener=_for_us_alone) as file:
        try:
            file.write(await (_user if cluster.opensearch else _api_key)(cluster, name))
        except AuditError:
            path.unlink()  # nothing was made: the next attempt is not to find a file
            raise
    return f"user {name}, its password in {path}" if cluster.opensearch else f"api key {name} in {path}"


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _api_key(cluster: Cluster, name: str) -> str:
    body = {"name": name, "role_descriptors": {name: privileges.shipper(cluster.index)}}
    told = await cluster.call("POST", "/_security/api_key", body)
    if not told.get("encoded"):
        raise AuditError("the cluster made a key and does not tell it", "/_security/api_key")
    return str(told["encoded"])


async def _user(cluster: Cluster, name: str) -> str:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    security: dict[str, dict[str, Any]] = {
        f"roles/{name}": privileges.opensearch_shipper(cluster.index),
        f"roles/{cluster.index}-auditor": privileges.opensearch_auditor(cluster.index),
        f"internalusers/{name}": {"password": password, "description": "ships the record of Hangu"},
        f"rolesmapping/{name}": {"users": [name]},
    }
    for what, body in security.items():
        await cluster.call("PUT", f"/_plugins/_security/api/{what}", body)
    return password
