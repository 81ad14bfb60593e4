"""Small charts as inline SVG: bars, with a title for those who cannot see them. Classes only, so that no style needs allowing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape

from compliance_reports.evidence.counting import day
from compliance_reports.facts import Facts
from compliance_reports.model import Verdict
from compliance_reports.reporting import Report

WIDTH, HEIGHT = 640, 150  # user units; the page scales them
MAX_BARS = 62  # days: two months side by side are still bars, more would be hairs
REASONS = 8


def verdicts(report: Report, title: str) -> Markup:
    """One bar, a piece for each verdict."""
    counts = report.counts
    total = sum(counts.values()) or 1
    parts, x = [], 0.0
    for verdict in Verdict:
        width = WIDTH * counts[verdict] / total
        if width:
            parts.append(f'<rect class="{verdict.value}" x="{x:.1f}" y="0" width="{width:.1f}" height="22"/>')
            parts.append(f'<text class="on" x="{x + width / 2:.1f}" y="16">{counts[verdict]}</text>')
        x += width
    return _svg(parts, title, 22)


def days(facts: Facts, title: str, names: tuple[str, str]) -> Markup:
    """Exchanges a day, refused ones on top."""
    let_in: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in facts.passed:
        (let_in if one.let_in else refused)[day(one.at)] += 1
    listed = _grouped(sorted(let_in.keys() | refused.keys()))
    rows = [(group, sum(let_in[d] for d in group), sum(refused[d] for d in group)) for group in listed]
    top = max((a + b for _, a, b in rows), default=0) or 1
    step = WIDTH / max(len(rows), 7)
    parts = [bar for n, row in enumerate(rows) for bar in _day(n * step, step, row, top, names)]
    if rows:
        parts.append(f'<text x="0" y="{HEIGHT - 2}">{rows[0][0][0]}</text>')
    if len(rows) > 1:
        parts.append(f'<text class="end" x="{step * len(rows):.1f}" y="{HEIGHT - 2}">{rows[-1][0][-1]}</text>')
    parts.append(f'<text x="0" y="12">{top:,}</text>')
    return _svg(parts, title, HEIGHT)


def reasons(facts: Facts, title: str) -> Markup:
    """The commonest refusals, with their number."""
    counted = Counter(one.code or one.end_code for one in facts.passed if one.code or one.end_code)
    rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:REASONS]
    top = max((count for _, count in rows), default=1)
    parts = []
    for n, (code, count) in enumerate(rows):
        width = 340 * count / top
        parts.append(f'<text x="0" y="{n * 20 + 14}">{escape(code)}</text>')
        parts.append(f'<rect class="not-satisfied" x="200" y="{n * 20 + 3}" width="{width:.1f}" height="13"/>')
        parts.append(f'<text x="{206 + width:.1f}" y="{n * 20 + 14}">{count:,}</text>')
    return _svg(parts, title, max(20, 20 * len(rows)))


def _grouped(listed: Sequence[str]) -> list[Sequence[str]]:
    size = -(-len(listed) // MAX_BARS) or 1
    return [listed[n : n + size] for n in range(0, len(listed), size)]


def _day(x: float, step: float, row: tuple[Sequence[str], int, int], top: int, names: tuple[str, str]) -> list[str]:
    group, let_in, refused = row
    room, base = HEIGHT - 36, HEIGHT - 18
    low, high = room * let_in / top, room * refused / top
    bars = []
    for height, y, kind, count in (
        (low, base - low, 0, let_in),
        (high, base - low - high, 1, refused),
    ):
        told = f"{group[0]}: {count:,} {escape(names[kind])}"
        shade = ("satisfied", "not-satisfied")[kind]
        bars.append(
            f'<rect class="{shade}" x="{x + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{height:.1f}"><title>{told}</title></rect>'
        )
    return bars


def _svg(parts: Sequence[str], title: str, height: int) -> Markup:
    inside = "".join(parts)
    return Markup(  # noqa: S704 - numbers and escaped words only
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height}"><title>{escape(title)}</title>{inside}</svg>'
    )
