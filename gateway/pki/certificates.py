"""An authority and the certificates it signs: EC P-256, values in and values out. Where they are kept is `store`'s matter."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRUST_DOMAIN = "hangu.local"
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 365
CRL_DAYS = 90  # a list past this refuses every client: `hangu doctor` warns two weeks before
BACKDATE = timedelta(minutes=5)  # so that a client whose clock is a little late accepts a fresh certificate


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key, ready for files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return private_pem(self.key)


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a revocation list."""

    serial: int
    at: datetime


def new_authority(name: str, now: datetime) -> Issued:
    """A self-signed authority that may sign certificates and revocation lists, and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = (
        _builder(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    return Issued(_signed(builder, key, key.public_key()), key)


def server_certificate(authority: Issued, names: Sequence[str], now: datetime, days: int = CERTIFICATE_DAYS) -> Issued:
    """A certificate for a server reachable under `names`: host names and addresses."""
    alternatives = [_address_or_name(name) for name in names]
    return _issue(authority, names[0], alternatives, ExtendedKeyUsageOID.SERVER_AUTH, now, days)


def client_certificate(authority: Issued, name: str, now: datetime, days: int = CERTIFICATE_DAYS) -> Issued:
    """A certificate for the caller `name`, as SPIFFE URI, DNS name and common name."""
    alternatives: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(spiffe_id(name)),
        x509.DNSName(f"{name}.client.{TRUST_DOMAIN}"),
    ]
    return _issue(authority, name, alternatives, ExtendedKeyUsageOID.CLIENT_AUTH, now, days)


def revocation_list(
    authority: Issued, revoked: Iterable[Revoked], number: int, now: datetime, days: int = CRL_DAYS
) -> bytes:
    """The signed list, PEM. `number` grows with each list of one authority."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - BACKDATE)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(authority.key.public_key()), critical=False)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def spiffe_id(name: str) -> str:
    """The name a client certificate of ours proves."""
    return f"spiffe://{TRUST_DOMAIN}/client/{name}"


def private_pem(key: PrivateKeyTypes) -> bytes:
    """PKCS#8, not encrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _issue(
    authority: Issued,
    name: str,
    alternatives: Sequence[x509.GeneralName],
    purpose: x509.ObjectIdentifier,
    now: datetime,
    days: int,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(name), authority.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return Issued(_signed(builder, authority.key, authority.key.public_key()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey
) -> x509.Certificate:
    return builder.add_extension(_authority_key(public), critical=False).sign(key, hashes.SHA256())


def _authority_key(public: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(public)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _address_or_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)
