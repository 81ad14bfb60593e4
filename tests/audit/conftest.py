"""What the tests of the record share: exchanges to record, a key, and a journal in a fresh directory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
def elasticsearch() -> Iterator[str]:
    """The address of a real Elasticsearch: ES_URL's, or one started for this session."""
    if "ES_URL" in os.environ:
        yield os.environ["ES_URL"]
        return
    try:
        with a_server() as server:
            yield server.url
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        message = f"NO REAL ELASTICSEARCH HERE, its tests are skipped: {error}"
        warnings.warn(message, pytest.PytestWarning, stacklevel=1)
        pytest.skip(message)
