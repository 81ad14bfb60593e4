"""TLS 1.3 with client certificates, from files to contexts, and what a client certificate says. Sockets live in `listener`.

New files are taken up by swapping the context that new handshakes use; connections that are open keep theirs.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from gateway.core.errors import SettingsError
from gateway.core.exchange import Certificate

_BEGIN = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Files:
    """The PEM files of one listener. `crl` None: revocation is not checked."""

    certificate: Path
    key: Path
    client_ca: Path
    crl: Path | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A client certificate, parsed once per connection. `expires` is Unix seconds."""

    certificate: Certificate
    issuer: bytes
    serial: int
    expires: float


Revocations = frozenset[tuple[bytes, int]]  # (issuer name as DER, serial)


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything read from the files at one moment."""

    context: ssl.SSLContext
    revoked: Revocations
    authorities: frozenset[bytes]  # DER


class SwappableContext(ssl.SSLContext):
    """A context whose handshakes are made by another one, which can be exchanged while the listener runs.

    asyncio and uvloop start every handshake with `wrap_bio` and use nothing else of the context.
    """

    current: ssl.SSLContext

    @classmethod
    def around(cls, context: ssl.SSLContext) -> SwappableContext:
        swappable = cls(ssl.PROTOCOL_TLS_SERVER)
        swappable.current = context
        return swappable

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def read(files: Files) -> Trust:
    """A context for new handshakes. Raises SettingsError naming the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # a resumed session would outlive a revocation
    context.set_alpn_protocols(["http/1.1"])
    _load_own(context, files)
    _load_authorities(context, files.client_ca)
    revoked = _load_revocations(context, files.crl)
    return Trust(context, revoked, frozenset(context.get_ca_certs(binary_form=True)))


def _load_own(context: ssl.SSLContext, files: Files) -> None:
    for path in (files.certificate, files.key):
        _bytes_of(path)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        hint = "both are PEM, the key unencrypted, and they belong together"
        raise SettingsError(
            f"cannot be used with {files.key} ({_reason(error)})", str(files.certificate), hint
        ) from error


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(cadata=_bytes_of(path).decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(f"holds no authority ({_reason(error)})", str(path), "write certificates in PEM") from error
    if not context.get_ca_certs():
        raise SettingsError("holds no authority", str(path), "certificates here must be allowed to sign (CA:TRUE)")


def _load_revocations(context: ssl.SSLContext, path: Path | None) -> Revocations:
    if path is None:
        return frozenset()
    lists = list(revocation_lists(path))
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise SettingsError(f"is no revocation list ({_reason(error)})", str(path), "write lists in PEM") from error
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return frozenset((crl.issuer.public_bytes(), entry.serial_number) for crl in lists for entry in crl)


def revocation_lists(path: Path) -> Iterator[x509.CertificateRevocationList]:
    """Every list in the file. An authority's certificate in it would be trusted by the loader, so nothing else may be there."""
    data = _bytes_of(path)
    blocks = [_BEGIN + block for block in data.split(_BEGIN)[1:]]
    if not blocks:
        raise SettingsError("holds no revocation list", str(path), "write lists in PEM")
    for block in blocks:
        try:
            yield x509.load_pem_x509_crl(block)
        except ValueError as error:
            raise SettingsError("holds something that is no revocation list", str(path)) from error


def client_of(der: bytes) -> Client:
    """What a verified client certificate says. Raises ValueError when it cannot be parsed."""
    parsed = x509.load_der_x509_certificate(der)
    dns, uris = _alternatives(parsed)
    digest = parsed.fingerprint(hashes.SHA256())
    names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    certificate = Certificate(
        thumbprint=base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        common_name=str(names[-1].value) if names else "",
        dns=dns,
        uris=uris,
        serial=f"{parsed.serial_number:x}",
    )
    expires = parsed.not_valid_after_utc.timestamp()
    return Client(certificate, parsed.issuer.public_bytes(), parsed.serial_number, expires)


def handshake_of(connection: ssl.SSLObject | None) -> tuple[tuple[str, str], ...]:
    """What was agreed on when the connection was made, for the record: cipher and version."""
    cipher = connection.cipher() if connection is not None else None
    if cipher is None:
        return ()
    return ("cipher", cipher[0]), ("version", cipher[1].removeprefix("TLSv"))


def _alternatives(parsed: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    dns = names.get_values_for_type(x509.DNSName)
    return tuple(dns), tuple(names.get_values_for_type(x509.UniformResourceIdentifier))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror})", str(path)) from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")  # else OpenSSL would ask for it at the terminal


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else str(error).lower()
