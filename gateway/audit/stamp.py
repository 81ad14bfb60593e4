"""RFC 3161 time stamps of checkpoints: a stranger's word that the record was this long, and this one, at that time.

Asking and checking; carrying the question to an authority is the command line's matter. A stamp lies beside the segments
as `stamp-ORIGIN-SIZE.tsr` and is checked with the authority's own certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gateway.audit.checkpoint import Checkpoint, parse, split
from gateway.audit.disk import replace_durably
from gateway.core.errors import AuditError

CONTENT_TYPE = "application/timestamp-query"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an authority confirmed: this checkpoint existed at `when`."""

    checkpoint: Checkpoint
    when: datetime


def question(checkpoint: Checkpoint) -> bytes:
    """The request, DER. Only a hash of the checkpoint leaves the house."""
    builder = TimestampRequestBuilder().data(checkpoint.note).hash_algorithm(HashAlgorithm.SHA256)
    return bytes(builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes())


def keep(directory: Path, checkpoint: Checkpoint, answer: bytes) -> Path:
    """Keep an authority's answer. Raises AuditError for one that is none."""
    try:
        decode_timestamp_response(answer)
    except ValueError as error:
        raise AuditError("the authority's answer is no time stamp", checkpoint.name) from error
    path = directory / f"stamp-{checkpoint.origin}-{checkpoint.size}.tsr"
    replace_durably(path, answer)
    return path


def check(directory: Path, authority: bytes) -> Iterator[Stamp]:
    """Every stamp kept here, checked with the authority's root certificate (PEM). Raises AuditError at the first bad one."""
    root = x509.load_pem_x509_certificate(authority)
    for path in sorted(directory.glob("stamp-*.tsr")):
        origin, _, size = path.stem.removeprefix("stamp-").rpartition("-")
        yield _checked(path, _noted(directory, origin, int(size)), root)


def _checked(path: Path, checkpoint: Checkpoint, root: x509.Certificate) -> Stamp:
    try:
        answer = decode_timestamp_response(path.read_bytes())
        VerifierBuilder().add_root_certificate(root).build().verify_message(answer, checkpoint.note)
    except (ValueError, VerificationError) as error:
        raise AuditError(f"the time stamp does not hold: {error}", path.name) from error
    return Stamp(checkpoint, answer.tst_info.gen_time)


def _noted(directory: Path, origin: str, size: int) -> Checkpoint:
    history = directory / f"checkpoints-{origin}.log"
    for note in split(history.read_bytes()) if history.exists() else ():
        checkpoint = parse(note)
        if checkpoint.size == size:
            return checkpoint
    raise AuditError(f"the stamped checkpoint of {size} is not here", history.name)
