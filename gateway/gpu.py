"""`gpu_utilization_percent` from a DCGM or NVIDIA exporter beside the model. Reads one metric; everything else there is its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import aiohttp

MAX_BYTES = 4 << 20  # of one scrape: an eight-GPU exporter writes about 200 KB
_LINE = re.compile(
    r"^(?:DCGM_FI_DEV_GPU_UTIL|nvidia_smi_utilization_gpu_ratio)\{(?P<labels>[^}]*)\} (?P<value>[0-9.eE+-]+)$", re.M
)
_GPU = re.compile(r'(?:gpu|uuid|UUID)="(?P<gpu>[^"]{1,64})"')


def utilisation(text: str) -> Mapping[str, float]:
    """Percent by GPU, from the exporter's text."""
    found: dict[str, float] = {}
    for match in _LINE.finditer(text):
        gpu = _GPU.search(match["labels"])
        scale = 100.0 if match[0].startswith("nvidia_smi") else 1.0
        found[gpu["gpu"] if gpu else "0"] = float(match["value"]) * scale
    return found


async def watch(url: str, seconds: float, tell: Callable[[Mapping[str, float]], None]) -> None:
    """Ask every `seconds`, until cancelled. While nobody answers, nothing is told: an old value would be a lie."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session:
        while True:
            tell(await _scrape(session, url))
            await asyncio.sleep(seconds)


async def _scrape(session: aiohttp.ClientSession, url: str) -> Mapping[str, float]:
    try:
        async with session.get(url, allow_redirects=False) as reply:
            data = await reply.content.read(MAX_BYTES)
            return utilisation(data.decode("utf-8", "replace")) if reply.status == 200 else {}
    except (aiohttp.ClientError, TimeoutError, OSError):
        return {}
