"""The fingerprint fields of an Elasticsearch index, and the query that finds texts sharing passages.

Documents and bodies only: whoever owns the client sends them. `min_hash` is not used: it compares whole documents and
misses excerpts. The vote is counted again with rarities on this side, from the hashes that come back.
Not here: any connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any

from watermark.index import Found

FIELD = "fp"
MOST_CLAUSES = 1024  # Elasticsearch's default limit for a bool query: some 3,500 characters of leak
_FETCHED = 100

MAPPING: dict[str, Any] = {"properties": {FIELD: {"type": "long", "doc_values": True}, "exchange": {"type": "keyword"}}}


def document(exchange: str, hashes: Sequence[int]) -> dict[str, Any]:
    return {"exchange": exchange, FIELD: list(hashes)}


def query(hashes: Iterable[int], size: int = _FETCHED) -> dict[str, Any]:
    """Texts by the number of hashes they share: one constant-score clause each, summed."""
    wanted = list(dict.fromkeys(hashes))[:MOST_CLAUSES]
    clauses = [{"constant_score": {"filter": {"term": {FIELD: value}}}} for value in wanted]
    return {"size": size, "_source": ["exchange", FIELD], "query": {"bool": {"should": clauses}}}


def ranked(hashes: Iterable[int], answer: Mapping[str, Any], texts: int, limit: int = 12) -> list[Found]:
    """The answer's hits as `Index.query` would rank them; `texts` is the number of texts in the index."""
    wanted = set(hashes)
    hits = [(hit["_source"]["exchange"], wanted.intersection(hit["_source"][FIELD])) for hit in answer["hits"]["hits"]]
    frequency: dict[int, int] = {}
    for _, shared in hits:
        for value in shared:
            frequency[value] = frequency.get(value, 0) + 1
    found = [
        Found(
            exchange,
            len(shared),
            len(shared) / max(1, len(wanted)),
            sum(log(2 * (texts + 1) / frequency[v]) for v in shared),
        )
        for exchange, shared in hits
        if shared
    ]
    return sorted(found, key=lambda item: (-item.weight, item.exchange))[:limit]
