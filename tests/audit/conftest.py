"""What the tests of the record share: exchanges to record, a key, and a journal in a fresh directory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import privileges
from gateway.audit.elastic import Access
from gateway.audit.seal import FileSigner
from tests.audit.server import Kind, Unavailable, a_server, secured_elasticsearch


@pytest.fixture
def signer() -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(b"k" * 32), "hangu.test")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def clock() -> Callable[[], float]:
    """A clock that moves a millisecond each time it is read."""
    now = [1_700_000_000.0]

    def read() -> float:
        now[0] += 0.001
        return now[0]

    return read


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Access]:
    """A real Elasticsearch: the one at ES_URL (with ES_USER, ES_PASSWORD, ES_CA), or one started for this session.

    The one started here asks for users and requires client certificates; the access is its owner's.
    """
    if "ES_URL" in os.environ:
        told = os.environ
        yield Access(
            told["ES_URL"],
            username=told.get("ES_USER", ""),
            password=told.get("ES_PASSWORD", ""),
            ca=told.get("ES_CA", ""),
        )
        return
    kind = secured_elasticsearch(os.urandom(8).hex(), {"shipper": privileges.shipper("*")})
    yield from started(kind)


def started(kind: Kind) -> Iterator[Access]:
    """A server for the session; where none can be had, a loud word and a skip, and in CI a failure."""
    try:
        with a_server(kind) as server:
            yield server.access
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        message = f"NO REAL {kind.name.upper()} HERE, its tests are skipped: {error}"
        warnings.warn(message, pytest.PytestWarning, stacklevel=1)
        pytest.skip(message)
