"""The cluster, Elasticsearch or OpenSearch, as shipping sees it. The only module that knows the official client.

Answers are sorted into fates, item by item; a cluster that cannot be reached or has no room raises `Busy`, and whoever
ships comes back later. What to ship, and when, is `shipping`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from elastic_transport import AiohttpHttpNode, HttpHeaders, TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from gateway.audit.documents import Document
from gateway.core.errors import AuditError

Fate = Literal["kept", "again", "present", "refused", "forbidden"]
PAGE = 10_000  # the most hits a search gives

FORBIDDEN = frozenset({401, 403})  # our rights, or a block on the index: not the document's fault
BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Busy(AuditError):
    """The cluster is away or has no room. Nothing is wrong with what was sent."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one document. `present` means that its id was taken; `why` is the cluster's own reason."""

    fate: Fate
    why: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster is reached. Paths are PEM files."""

    url: str
    api_key: str = ""
    username: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    timeout: float = 30.0
    opensearch: bool = False


class OpenSearchNode(AiohttpHttpNode):
    """OpenSearch speaks the same API and neither the vendor's media types nor its product header."""

    async def perform_request(  # type: ignore[override]  # the client declares its async node by the sync one
        self, method: str, target: str, body: Any = None, headers: Any = None, request_timeout: Any = None
    ) -> Any:
        plain = HttpHeaders({name: _plain_media_type(value) for name, value in (headers or {}).items()})
        told = await super().perform_request(method, target, body, plain, request_timeout)
        meta = replace(
            told.meta, headers=type(told.meta.headers)({**told.meta.headers, "x-elastic-product": "Elasticsearch"})
        )
        return type(told)(meta, told.body)


def _plain_media_type(value: str) -> str:
    kind, _, _ = value.partition(";")
    return kind.replace("vnd.elasticsearch+", "") if "vnd.elasticsearch+" in kind else value


def connect(access: Access) -> AsyncElasticsearch:
    """A client that retries nothing by itself: shipping knows better what may be sent again."""
    options: dict[str, Any] = {"request_timeout": access.timeout, "max_retries": 0, "retry_on_timeout": False}
    if access.api_key:
        options["api_key"] = access.api_key
    elif access.username:
        options["basic_auth"] = (access.username, access.password)
    if access.url.startswith("https"):
        files = {"ca_certs": access.ca, "client_cert": access.certificate, "client_key": access.key}
        options |= {name: path for name, path in files.items() if path}
    if access.opensearch:
        options["node_class"] = OpenSearchNode
    return AsyncElasticsearch(access.url, **options)


class Cluster:
    """What shipping asks of a cluster."""

    def __init__(self, client: AsyncElasticsearch, index: str = "hangu", *, opensearch: bool = False) -> None:
        self._client, self.index, self.opensearch = client, index, opensearch

    @classmethod
    def at(cls, access: Access, index: str = "hangu") -> Self:
        """The cluster that is reached like this."""
        return cls(connect(access), index, opensearch=access.opensearch)

    async def close(self) -> None:
        await self._client.close()

    async def create(self, documents: Sequence[Document]) -> list[Verdict]:
        """Send these, each under its id, none over an existing one. Too large a request is halved until it fits."""
        operations: list[dict[str, Any]] = []
        for document in documents:
            operations += [{"create": {"_index": document.stream, "_id": document.id}}, document.source]
        try:
            told = await self._client.bulk(operations=operations)
        except ApiError as error:
            if error.status_code == 413:
                return await self._halved(documents)
            raise _translated(error) from error
        except TransportError as error:
            raise Busy(f"the cluster does not answer: {error.message}") from error
        return [_verdict(next(iter(item.values()))) for item in told["items"]]

    async def _halved(self, documents: Sequence[Document]) -> list[Verdict]:
        if len(documents) == 1:
            return [Verdict("refused", "413: this one document is too large")]
        middle = len(documents) // 2
        return await self.create(documents[:middle]) + await self.create(documents[middle:])

    async def leaves(self, ids: Sequence[str]) -> dict[str, str]:
        """The leaf hash that each of these ids is stored with."""
        hits = await self._search({"terms": {"event.id": list(ids)}}, ["event.id", "hangu.leaf"])
        return {hit["event"]["id"]: hit["hangu"]["leaf"] for hit in hits}

    async def numbers(self, site: str, origin: str, begin: int, end: int) -> list[int]:
        """The numbers of an origin's records that are there, of a span of at most `PAGE`; twice when they are there twice."""
        spans = {"range": {"hangu.seq": {"gte": begin, "lt": end}}}
        one = [{"term": {"hangu.origin": origin}}, {"term": {"observer.name": site}}, spans]
        hits = await self._search({"bool": {"filter": one}}, ["hangu.seq"])
        return [hit["hangu"]["seq"] for hit in hits]

    async def refresh(self) -> None:
        """Make everything sent so far findable."""
        await self._ask(self._client.indices.refresh(index=f"logs-{self.index}.*", ignore_unavailable=True))

    async def forget(self, tenant: str, user: str, until: str) -> None:
        """Take a subject's searchable texts out, where they were indexed. Needs more than the shipper's own privileges."""
        one = [{"term": {"organization.id": tenant}}, {"term": {"user.name": user}}]
        query = {
            "bool": {"filter": [*one, {"exists": {"field": "hangu.text"}}, {"range": {"@timestamp": {"lte": until}}}]}
        }
        script = {"source": "ctx._source.hangu.remove('text')", "lang": "painless"}
        request = self._client.update_by_query(
            index=f"logs-{self.index}.audit-*", query=query, script=script, conflicts="proceed"
        )
        await self._ask(request)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any other request, in plain JSON. Raises AuditError with what the cluster says against it."""
        return await self._ask(self._plainly(method, path, body))

    async def found(self, method: str, path: str, body: Any = None) -> Any:
        """The same, and None where the cluster knows no such thing."""
        try:
            return await self._plainly(method, path, body)
        except ApiError as error:
            if error.status_code in BUSY:
                raise _translated(error) from error
            return None
        except TransportError as error:
            raise Busy(f"the cluster does not answer: {error.message}") from error

    async def search(self, **body: Any) -> dict[str, Any]:
        """A search over all our streams, for dashboards and reports."""
        told = await self._ask(self._client.search(index=f"logs-{self.index}.*", ignore_unavailable=True, **body))
        return dict(told)

    async def _search(self, query: dict[str, Any], fields: Sequence[str]) -> Iterable[dict[str, Any]]:
        told = await self.search(query=query, source_includes=list(fields), size=PAGE, sort=["_doc"])
        return [hit["_source"] for hit in told["hits"]["hits"]]

    async def _plainly(self, method: str, path: str, body: Any) -> Any:
        headers = {"accept": "application/json", **({} if body is None else {"content-type": "application/json"})}
        told = await self._client.perform_request(method, path, headers=headers, body=body)
        return told.body

    async def _ask(self, request: Any) -> Any:
        try:
            return await request
        except ApiError as error:
            raise _translated(error) from error
        except TransportError as error:
            raise Busy(f"the cluster does not answer: {error.message}") from error


def _translated(error: ApiError) -> AuditError:
    if error.status_code in BUSY:
        return Busy(f"the cluster has no room now: {error.status_code} {error.message}")
    return AuditError(f"the cluster refuses: {error.status_code} {error.message}")


def _verdict(item: dict[str, Any]) -> Verdict:
    """Each trap has its line: a failure store says 201 and keeps the document where nobody searches."""
    status = int(item["status"])
    told = item.get("error") or {}
    why = f"{status}: {told.get('type', '')} {told.get('reason', '')}".strip() if isinstance(told, dict) else str(told)
    if item.get("failure_store") in ("used", "failed"):
        return Verdict("refused", f"failure store {item['failure_store']}: {why}")
    if status in (200, 201):
        return Verdict("kept")
    if status == 409:
        return Verdict("present", why)
    if status in FORBIDDEN:
        return Verdict("forbidden", why)
    return Verdict("again" if status in BUSY else "refused", why)
