"""The settings of the side that callers see: where it listens, TLS, limits and who they are. The model's side is in `inside`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.secret import SecretFile
from gateway.settings.section import Bytes, Count, Port, Seconds, Section, SitePath, Url, Word, wrong

_AUTHORITY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def _authority(value: str) -> str:
    value = value.lower()
    if not _AUTHORITY.fullmatch(value):
        raise wrong(
            "this is not a host name", 'write "llm.example.org", "10.0.0.5", "[::1]" or one of them with ":port"'
        )
    return value


Authority = Annotated[str, AfterValidator(_authority)]


class Listen(Section):
    """The data port, where callers ask the model."""

    host: Word = Field(default="127.0.0.1", description='Address to listen on; "0.0.0.0" or "::" for every one')
    port: Port = Field(default=8443, description="TCP port; 0 takes a free one")
    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1, description="Processes that share the port (SO_REUSEPORT); one per core under load"
    )
    server_names: Annotated[tuple[Authority, ...], Field(min_length=1)] = Field(
        default=("localhost", "127.0.0.1", "[::1]"),
        description="Names a request's Host may carry, alone or with the listening port; name:port allows exactly that",
    )
    backlog: Count = Field(default=1024, description="Connections that may wait to be accepted")
    drain_seconds: Seconds = Field(
        default=30.0, description="Time that exchanges under way get to finish when the gateway stops"
    )

    @property
    def bare_names(self) -> tuple[str, ...]:
        """The server names without ports and brackets: those its certificate must carry."""
        bare = (name[1 : name.index("]")] if name[0] == "[" else name.partition(":")[0] for name in self.server_names)
        return tuple(dict.fromkeys(bare))


class Tls(Section):
    """TLS 1.3 with client certificates, on both ports. Changed files are taken up by SIGHUP, without closing connections."""

    certificate: SitePath = Field(description="The server's certificate chain, PEM")
    key: SecretFile = Field(description="The key of that certificate, PEM, readable by the gateway alone")
    client_ca: SitePath = Field(description="The authorities whose client certificates are accepted, PEM")
    crl: SitePath | None = Field(
        default=None, description="Revoked client certificates, PEM; when set, an expired list refuses every client"
    )
    identity_from: Annotated[tuple[Literal["spiffe", "dns", "cn"], ...], Field(min_length=1, max_length=3)] = Field(
        default=("spiffe", "dns", "cn"),
        description="Where in the client certificate its name is looked for, first found wins: "
        "the SPIFFE URI, the DNS name, the common name",
    )


class Admin(Section):
    """The operations port: health, metrics and the console, for roles `operator` and `auditor`."""

    host: Word = Field(default="127.0.0.1", description="Address to listen on; keep it inside the operations network")
    port: Port = Field(default=9443, description="TCP port; 0 takes a free one")
    server_names: tuple[Authority, ...] = Field(
        default=(), description="Names a request's Host may carry; empty: the same names as the data port"
    )


class Limits(Section):
    """What one connection and one request may cost before anything is known about the caller. Quotas per caller are policy."""

    request_line_bytes: Annotated[int, Field(ge=256, le=65_536)] = Field(
        default=8190, description="Longest request line; every route is far shorter"
    )
    header_bytes: Annotated[int, Field(ge=256, le=65_536)] = Field(
        default=16_384, description="Longest single header line; a JWT with many roles reaches 4 KB"
    )
    headers: Annotated[int, Field(ge=8, le=128)] = Field(default=64, description="Most header lines of one request")
    body_bytes: Bytes = Field(
        default=8 * 1024 * 1024, description="Largest request body; a prompt of 128k tokens is about 1 MB"
    )
    json_depth: Annotated[int, Field(ge=4, le=128)] = Field(
        default=32, description="Deepest nesting of a body; real chats with tools stay under 12"
    )
    json_nodes: Count = Field(default=20_000, description="Most values in a body: bounds the work of checking it")
    handshake_seconds: Seconds = Field(default=5.0, description="Time for the TLS handshake")
    header_seconds: Seconds = Field(
        default=10.0, description="Time from a request's first byte to the end of its headers"
    )
    body_seconds: Seconds = Field(default=25.0, description="Time for the whole body, however large")
    body_bytes_per_second: Annotated[int, Field(ge=0, le=1 << 30)] = Field(
        default=1024, description="Slowest a body may arrive on average, after the first five seconds; 0: any"
    )
    idle_seconds: Seconds = Field(default=25.0, description="Time a connection may stay open without a request")
    write_seconds: Seconds = Field(
        default=25.0, description="Time a caller may take no byte of a reply that waits for it"
    )
    connections: Count = Field(default=4096, description="Open connections of one process")
    connections_per_client: Count = Field(
        default=64, description="Open connections of one client certificate in one process"
    )
    connections_per_address: Count = Field(
        default=256, description="Open connections of one network address in one process, counted before the handshake"
    )
    streams_per_client: Count = Field(
        default=32, description="Exchanges under way of one client certificate in one process"
    )


class Claims(Section):
    """Where in a token's claims the facts are. A dot goes one level deeper: `realm_access.roles`."""

    subject: Word = Field(default="sub", description="The caller's name")
    tenant: Word = Field(default="tenant", description="The caller's tenant")
    roles: Word = Field(default="roles", description="The caller's roles: a list, or words separated by spaces")


class CertificateCaller(Section):
    """What a client certificate alone stands for: on the operations port, and where certificates alone identify."""

    name: Word = Field(description="The name that the certificate proves, as identity_from finds it")
    tenant: Word = Field(description="Its tenant")
    roles: tuple[Word, ...] = Field(description="Its roles")


class Identity(Section):
    """How a caller proves who it is, beside the client certificate."""

    issuer: Word = Field(description="The `iss` that tokens must carry")
    audience: Word = Field(default="hangu", description="The `aud` that tokens must carry")
    keys: tuple[SitePath, ...] = Field(
        default=(),
        description="Public keys that verify tokens: PEM files or a JWKS file (.json). Not together with jwks_url",
    )
    jwks_url: Url | None = Field(
        default=None, description="Where the issuer publishes its keys. Not together with keys"
    )
    jwks_ca: SitePath | None = Field(default=None, description="Authority of that address; none: the system's")
    jwks_seconds: Seconds = Field(
        default=300.0, description="How long fetched keys are used before they are asked for again"
    )
    jwks_stale_seconds: Annotated[float, Field(ge=0, le=604_800)] = Field(
        default=3600.0,
        description="How much longer they are used while the address does not answer; then tokens are refused",
    )
    algorithms: Annotated[tuple[Literal["EdDSA", "ES256", "RS256"], ...], Field(min_length=1)] = Field(
        default=("EdDSA", "ES256", "RS256"),
        description="Signature algorithms accepted, each only with a key made for it",
    )
    leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        default=30.0, description="Clock difference to the issuer that is forgiven"
    )
    require_bound_tokens: bool = Field(
        default=True, description="Refuse tokens not bound to the client certificate (RFC 8705 `cnf.x5t#S256`)"
    )
    certificates_alone: bool = Field(
        default=False, description="Accept callers without a token on the data port, by their certificate alone"
    )
    default_tenant: str = Field(
        default="", description="Tenant of callers whose token names none; empty: a token must name its tenant"
    )
    claims: Claims = Field(default=Claims(), description="Where the facts are in a token")
    certificates: tuple[CertificateCaller, ...] = Field(
        default=(),
        description="Tenant and roles of certificates that identify alone: on the operations port (roles operator and "
        "auditor, for browsers), and on the data port with certificates_alone; others are refused, or get default_tenant "
        "and no role",
    )
