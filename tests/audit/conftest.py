"""What the tests of the record share: exchanges to record, a key, and a journal in a fresh directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.seal import FileSigner


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
