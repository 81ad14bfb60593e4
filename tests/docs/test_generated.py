"""Pages that come from code say what the code says."""

from __future__ import annotations

from docs.build import stale


def test_no_generated_page_differs_from_the_code() -> None:
    assert stale() == [], "run: python docs/build.py"
