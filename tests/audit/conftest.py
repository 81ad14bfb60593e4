"""What the tests of the record share: exchanges to record, a key, and a journal in a fresh directory."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import mapping
from gateway.audit.elastic import Access
from gateway.audit.seal import FileSigner
from tests.audit.server import Unavailable, a_server


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
    """A real Elasticsearch: the one at ES_URL (with ES_USER and ES_PASSWORD), or one started for this session.

    The one started here has users, and beside the superuser a `shipper` with the least privileges that we print.
    """
    if "ES_URL" in os.environ:
        told = os.environ
        yield Access(told["ES_URL"], username=told.get("ES_USER", ""), password=told.get("ES_PASSWORD", ""))
        return
    roles = json.dumps({"shipper": mapping.shipper_privileges("*")})
    try:
        with a_server(roles) as server:
            yield Access(server.url, username="elastic", password=server.password)
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        message = f"NO REAL ELASTICSEARCH HERE, its tests are skipped: {error}"
        warnings.warn(message, pytest.PytestWarning, stacklevel=1)
        pytest.skip(message)
