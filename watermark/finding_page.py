"""The finding as a file: both languages on one page, as Markdown or as a self-contained HTML page that prints on A4.

Not here: what a finding says (`watermark.finding`).
"""

from __future__ import annotations

import re
from html import escape

from watermark.finding import Occasion, finding
from watermark.tracer import Trace

_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 10pt/1.35 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 46rem; margin: 1rem auto; padding: 0 1rem; color: #111 }
h1 { font-size: 14pt; margin: .4rem 0 } h2 { font-size: 11pt; margin: .5rem 0 .2rem } p, ul { margin: .25rem 0 }
section + section { border-top: 1px solid #999; margin-top: .8rem }
table { border-collapse: collapse; font-size: 8.5pt } th, td { border: 1px solid #bbb; padding: .1rem .3rem; text-align: left }
code, td { overflow-wrap: anywhere }
"""
_BOLD, _CODE, _ESCAPED = (
    re.compile(r"\*\*(.+?)\*\*"),
    re.compile(r"(?<!\\)`([^`]+)`"),
    re.compile(r"\\([|\\`*_\[\]<>])"),
)
_CELL = re.compile(r"(?<!\\)\|")


def page(found: Trace, text: str, occasion: Occasion, *, html: bool) -> str:
    """English, then Chinese."""
    both = (finding(found, text, occasion, "en"), finding(found, text, occasion, "zh"))
    if not html:
        return "\n\n---\n\n".join(both)
    sections = "".join(
        f'<section lang="{tongue}">{_html(said)}</section>' for tongue, said in zip(("en", "zh"), both, strict=True)
    )
    head = f'<meta charset="utf-8"><title>Finding · 溯源结论</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{sections}</body></html>\n'


def _html(markdown: str) -> str:
    """The few forms that a finding is written in: headings, paragraphs, lists, one table."""
    out: list[str] = []
    for block in re.split(r"\n{2,}", markdown.strip()):
        lines = block.splitlines()
        if lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            out.append(f"<h{level}>{_inline(lines[0].lstrip('# '))}</h{level}>")
        elif lines[0].startswith("- "):
            out.append("<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>")
        elif lines[0].startswith("|"):
            rows = [_row(lines[0], "th"), *(_row(line, "td") for line in lines[2:])]
            out.append(f"<table>{''.join(rows)}</table>")
        else:
            out.append(f"<p>{_inline(' '.join(lines))}</p>")
    return "".join(out)


def _row(line: str, cell: str) -> str:
    cells = _CELL.split(line.strip())[1:-1]
    return "<tr>" + "".join(f"<{cell}>{_inline(each.strip())}</{cell}>" for each in cells) + "</tr>"


def _inline(text: str) -> str:
    told = _CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<strong>\1</strong>", escape(text, quote=False)))
    return _ESCAPED.sub(r"\1", told.replace("\\&lt;", "&lt;").replace("\\&gt;", "&gt;"))
