"""Draws what `benchmarks.peers` measured: `python -m benchmarks.plot` writes docs/images/cost.svg from the committed results.

Bars are logarithmic, because the peers lie three orders of magnitude apart; the figure stands beside each.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
RESULTS, PICTURE = HERE / "results" / "peers.json", HERE.parent / "docs" / "images" / "cost.svg"
WIDTH, LEFT, ROW, TOP = 760, 210, 26, 58
LOWEST, HIGHEST = 10.0, 200_000.0  # microseconds
OURS, OTHERS, TEXT = "#2a7f62", "#8a94a6", "#57606a"


def bars(figures: Mapping[str, float]) -> Iterator[str]:
    """One row for each peer, the cheapest first."""
    room = WIDTH - LEFT - 110
    for row, (name, figure) in enumerate(sorted(figures.items(), key=lambda one: one[1])):
        y, long = TOP + row * ROW, room * math.log(figure / LOWEST) / math.log(HIGHEST / LOWEST)
        colour = OURS if name.startswith("hangu") else OTHERS
        yield f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end" fill="{TEXT}">{escape(name)}</text>'
        yield f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{ROW - 8}" rx="3" fill="{colour}"/>'
        yield f'<text x="{LEFT + long + 6:.1f}" y="{y + 14}" fill="{TEXT}">{told(figure)}</text>'


def told(microseconds: float) -> str:
    return f"{microseconds:.0f} µs" if microseconds < 10_000 else f"{microseconds / 1000:.0f} ms"


def picture(result: Mapping[str, object]) -> str:
    works = result["works"]
    assert isinstance(works, dict)
    figures = {name: float(peer["cpu_us"]) for name, peer in works["1 KB request"].items() if "cpu_us" in peer}
    height = TOP + len(figures) * ROW + 12
    title = "CPU of one 1 KB chat request, all processes of the peer, logarithmic"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}" '
            'font-family="system-ui, sans-serif" font-size="13">',
            f'<text x="12" y="24" font-size="15" fill="{TEXT}">{title}</text>',
            f'<text x="12" y="42" font-size="11" fill="{TEXT}">relay, nginx and hangu speak mutual TLS 1.3, the others none; '
            "python -m benchmarks.peers</text>",
            *bars(figures),
            "</svg>\n",
        ]
    )


def main() -> int:
    if not RESULTS.exists():
        print(f"error: {RESULTS} is missing; hint: run `python -m benchmarks.peers` first")
        return 2
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(json.loads(RESULTS.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
