"""What the console's tests share."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime.now(UTC)  # certificates of a site made for a test must be good now
