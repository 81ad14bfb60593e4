"""Who is it? The client certificate's name and the bearer token, made into a Principal. What they may do is access's."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from gateway.core.exchange import Certificate, Credentials, Exchange, Principal
from gateway.core.verdict import Amend, Code, Finding, Refuse, Verdict
from gateway.stages.identity import token
from gateway.stages.identity.keys import ALGORITHMS, Key, KeySet, from_jwks, from_pem
from gateway.stages.identity.memory import VerifiedTokens
from gateway.stages.identity.rules import Alone, IdentityRules
from gateway.stages.identity.token import Papers, Rejected

__all__ = [
    "ALGORITHMS",
    "Alone",
    "Identity",
    "IdentityRules",
    "Key",
    "KeySet",
    "VerifiedTokens",
    "certificate_name",
    "from_jwks",
    "from_pem",
]

MAX_CERTIFICATES = 4096  # names remembered, one for each connection's certificate: some 2 MB
RETRY_KEYS_SECONDS = 5.0  # how soon a caller may come back when the keys are not there


def _nothing() -> None:
    """Nobody wants to hear of unknown keys."""


class Identity:
    """`keys` gives the current key set; `unknown_key` hears of a token whose key nobody knows, so that keys may be fetched."""

    name = "identity"

    def __init__(
        self,
        rules: IdentityRules,
        keys: Callable[[], KeySet],
        verified: VerifiedTokens | None = None,
        unknown_key: Callable[[], None] = _nothing,
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._verified = VerifiedTokens() if verified is None else verified
        self._unknown_key = unknown_key

    def judge(self, exchange: Exchange) -> Verdict:
        certificate = exchange.peer.certificate
        try:
            name = self._certificate_name(certificate)
            principal = self._principal(exchange.credentials, certificate, name, exchange.received_at)
        except Rejected as rejected:
            return _refuse(rejected)
        return Amend(exchange.identified_as(principal))

    def _certificate_name(self, certificate: Certificate | None) -> str:
        if certificate is None and not self._rules.require_certificate:
            return ""
        name = certificate_name(certificate, self._rules.certificate_names) if certificate else ""
        if not name:
            raise Rejected(Code.CERTIFICATE_REJECTED, "no-usable-name" if certificate else "no-certificate")
        return name

    def _principal(
        self, credentials: Credentials | None, certificate: Certificate | None, name: str, now: float
    ) -> Principal:
        if credentials is None:
            return self._alone(name)
        papers = self._papers(credentials.token, certificate, now)
        method = "certificate+token" if name else "token"
        since = max(papers.not_before, 0.0)
        return Principal(papers.subject, papers.tenant, papers.roles, name, method, since)

    def _alone(self, name: str) -> Principal:
        """A certificate by itself, where the site says so and knows it."""
        if not self._rules.certificates_alone or not name:
            raise Rejected(Code.TOKEN_MISSING, "no-token")
        known = self._rules.certificates.get(name)
        if known is None and not self._rules.default_tenant:
            raise Rejected(Code.CERTIFICATE_REJECTED, "certificate-unknown")
        papers = known or Alone(self._rules.default_tenant)
        return Principal(name, papers.tenant, papers.roles, name, "certificate")

    def _papers(self, text: str, certificate: Certificate | None, now: float) -> Papers:
        keys = self._keys()
        good = bool(keys.keys) and now < keys.good_until
        thumbprint = certificate.thumbprint if certificate else ""
        papers = self._verified.recall(text, thumbprint, keys.digest) if good else None
        if papers is not None:
            token.in_time(papers, now, self._rules.leeway_seconds)
            return papers
        token.check_form(text)
        if not good:
            raise Rejected(Code.KEYS_UNAVAILABLE, "keys-unavailable")
        papers = self._read(text, keys, certificate)
        token.in_time(papers, now, self._rules.leeway_seconds)
        self._verified.remember(text, thumbprint, keys.digest, papers)
        return papers

    def _read(self, text: str, keys: KeySet, certificate: Certificate | None) -> Papers:
        try:
            return token.read(text, keys, self._rules, certificate)
        except Rejected as rejected:
            if rejected.why == "unknown-key":
                self._unknown_key()
            raise


@lru_cache(MAX_CERTIFICATES)
def certificate_name(certificate: Certificate, order: tuple[str, ...]) -> str:
    """The first kind of name the certificate has: its SPIFFE URI, its DNS name, its common name.

    Empty where there is none to rely on: two SPIFFE URIs (X.509-SVID has exactly one), or odd characters.
    """
    spiffe = [uri for uri in certificate.uris if uri.startswith("spiffe://")]
    if len(spiffe) > 1 and "spiffe" in order:
        return ""
    names = {"spiffe": spiffe, "dns": list(certificate.dns), "cn": [certificate.common_name]}
    name = next((names[kind][0] for kind in order if names[kind] and names[kind][0]), "")
    return name if len(name) <= token.MAX_NAME and name.isprintable() else ""


def _refuse(rejected: Rejected) -> Refuse:
    retry = RETRY_KEYS_SECONDS if rejected.code is Code.KEYS_UNAVAILABLE else None
    return Refuse(rejected.code, (Finding("identity", rejected.why, "exchange"),), retry_after=retry)
