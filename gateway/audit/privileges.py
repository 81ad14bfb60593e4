"""The least that a shipper and an auditor may do in a cluster, as each kind of cluster writes it down. Pure.

Shipping creates, and reads back what it created; it never changes or deletes. Reading back is how holes are found.
"""

from __future__ import annotations

from typing import Any


def shipper(index: str) -> dict[str, Any]:
    """For Elasticsearch, in a role or an API key.

    `maintenance` is for asking that what was sent be findable now: comparing before that would see holes.
    """
    allowed = ["create_doc", "auto_configure", "read", "view_index_metadata", "maintenance"]
    return {"cluster": ["monitor"], "indices": [{"names": _names(index), "privileges": allowed}]}


def auditor(index: str, tenant: str | None = None) -> dict[str, Any]:
    """Reading: everything, or one tenant's data streams, which needs no document-level security."""
    return {"indices": [{"names": _names(index, tenant), "privileges": ["read", "view_index_metadata"]}]}


def opensearch_shipper(index: str) -> dict[str, Any]:
    """For OpenSearch's security plugin, which knows one right to write a document, new or not.

    Data streams themselves take nothing but new documents; deleting, updating and changing an index are not allowed here.
    """
    allowed = [
        *("indices:data/write/bulk", "indices:data/write/bulk[s]", "indices:data/write/index"),
        *(
            "indices:admin/create",
            "indices:admin/auto_create",
            "indices:admin/mapping/auto_put",
            "indices:admin/refresh",
            "indices:admin/refresh[s]",
        ),
        *("indices:data/read/search", "indices:data/read/get"),
    ]
    cluster = ["cluster:monitor/health", "indices:data/write/bulk"]
    return {"cluster_permissions": cluster, "index_permissions": [_allowed(_names(index), allowed)]}


def opensearch_auditor(index: str, tenant: str | None = None) -> dict[str, Any]:
    """Reading, for OpenSearch's security plugin."""
    return {
        "index_permissions": [
            _allowed(_names(index, tenant), ["read", "indices:admin/get", "indices:admin/mappings/get"])
        ]
    }


def _names(index: str, tenant: str | None = None) -> list[str]:
    return [f"logs-{index}.*"] if tenant is None else [f"logs-{index}.audit-{tenant}"]


def _allowed(names: list[str], actions: list[str]) -> dict[str, Any]:
    return {"index_patterns": names, "allowed_actions": actions}
