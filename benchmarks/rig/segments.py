"""An independent reader of the record's segments, written from docs/reference/audit-format.md and nothing else."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KINDS = {1: "opened", 2: "closed", 3: "event", 4: "part"}


def records(directory: Path) -> Iterator[dict[str, Any]]:
    """Every whole record below `directory`, its head and body merged, with its kind as `type`. A torn tail is skipped."""
    for path in sorted(directory.rglob("seg-*")):
        data = path.read_bytes()
        if data[:8] != b"HANGUAJ1":
            continue
        at = 16 + struct.unpack_from("<I", data, 8)[0]
        while at + 28 <= len(data):
            head_size, body_size, _, kind = struct.unpack_from("<IIQI", data, at)
            end = at + 28 + head_size + body_size
            if head_size == 0 or end > len(data):
                break
            try:
                head = json.loads(data[at + 28 : at + 28 + head_size])
                body = json.loads(data[at + 28 + head_size : end]) if body_size else {}
            except ValueError:
                break
            yield {**body, **head, "type": KINDS[kind]}
            at = end
