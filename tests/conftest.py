"""What holds for the whole suite: no secret of any test in any output. See `tests/canaries.py`."""

from __future__ import annotations

from tests.canaries import pytest_configure, pytest_sessionfinish

__all__ = ["pytest_configure", "pytest_sessionfinish"]
