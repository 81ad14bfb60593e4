"""Writes the reference pages that come from code, so that they cannot drift. `--check` says which would change (exit 1).

Settings, entities and rules have generators of their own beside the code they describe.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from docs import openapi
from gateway.core.meanings import MEANINGS
from gateway.core.pipeline import REQUEST_ORDER, RESPONSE_ORDER, Step
from gateway.http.replies import STATUS
from gateway.instruments import Instruments

DOCS = Path(__file__).parent
NOTE = "<!-- written by docs/build.py from the code; edit that instead -->\n\n"


def codes() -> str:
    """Every refusal code, its status and what it means."""
    rows = [
        f"| `{code}` | {STATUS[code]} | {english} | {chinese} |"
        for code, (english, chinese) in sorted(MEANINGS.items())
    ]
    head = (
        "# Refusal codes · 拒绝代码\n\n"
        "Stable words. Every refusal's body and its audit record carry one; "
        "`hangu policy explain` says which rule was behind it.\n\n"
        "| code | status | meaning | 含义 |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def metrics() -> str:
    """Every metric with its labels."""
    rows = []
    for metric in Instruments().registry.collect():
        rows.append(
            f"| `{metric.name}{'_total' if metric.type == 'counter' else ''}` | {metric.type} | {metric.documentation} |"
        )
    head = (
        "# Metrics\n\nOn the admin port, `GET /metrics`, in the Prometheus text format. "
        "Labels come from closed sets, so their number is bounded whatever callers send.\n\n"
        "| name | type | what it is |\n|---|---|---|\n"
    )
    return head + "\n".join(sorted(rows)) + "\n"


def life() -> str:
    """The way through, drawn from the one order."""
    return _LIFE.format(
        request_zh=_arrows(REQUEST_ORDER),
        response_zh=_arrows(RESPONSE_ORDER),
        request="\n".join(_rows(REQUEST_ORDER, 4)),
        response="\n".join(_rows(RESPONSE_ORDER, 1)),
    )


def _arrows(steps: Iterable[Step]) -> str:
    return " ─▶ ".join(step.name for step in steps)


def _rows(steps: Iterable[Step], first: int) -> list[str]:
    return [
        f"| {number} | `{step.name}` | {step.question} | {step.question_zh} |"
        for number, step in enumerate(steps, first)
    ]


_LIFE = """# The life of an exchange

One request, from the first byte to the last. The order is written once, in `gateway/core/pipeline.py`; `hangu serve`,
`hangu inspect`, `hangu policy test` and this page all read it there.

```
client ══ TLS 1.3 + client certificate ══▶ listener ─▶ intake ─▶ Exchange
    {request_zh}
        └── Refuse at any point ──────────────┐
    the record: opened (durable)  ◀───────────┘   before the model is asked; refusals too
    the model answers ─▶ text by channel ─▶ {response_zh}
    reply, written afresh ══▶ client          the record: closed (durable before the last byte)
```

1. **The listener** (`gateway/http/listener.py`) speaks TLS 1.3 only and asks for a client certificate that the site's
   authority signed and has not revoked. Slow clients are cut off by named timers.
2. **The intake** (`gateway/http/intake.py`) matches the raw path against a closed table of routes, reads a bounded body
   and hands it to the wire.
3. **The wire** (`tgi/wire`) parses once, strictly: unknown fields, duplicate keys and invalid values are refused. Every
   string that the model will read becomes a `Passage` with its exact place.

Then each stage judges in turn, cheap before dear. A stage returns `Allow`, `Amend` or `Refuse`; one that raises counts
as a refusal, never as a pass.

| step | stage | asks | 问 |
|---|---|---|---|
{request}

10. **The record is opened**: who asked what, what each stage decided, the text as redacted, the digest of the policy in
    force. It is on disk before the prompt leaves. If it cannot be written, nothing is asked: `503 audit_unavailable`.
11. **The model is asked** with a body written from the inspected passages, never with the client's bytes.
12. **The reply is read into channels** (content, reasoning, each tool call's arguments, for each choice), and each
    channel passes its own chain of rewriters while it arrives. How the text was cut on the way never changes what comes
    out; that law is tested with every cut.

| step | rewriter | asks | 问 |
|---|---|---|---|
{response}

13. **The reply is written afresh** in the shape that the route's clients parse. Fields that repeat text (TGI's final
    event, token lists) are built from inspected text; token ids and probabilities are told only beside text that went
    through unchanged.
14. **The record is closed** before the last byte goes out: how it ended, what text left, what it cost. An opened record
    without a closed one is evidence of a crash, and is closed as `unknown` at the next start.
"""


PAGES: dict[str, Callable[[], str]] = {
    "reference/codes.md": codes,
    "reference/metrics.md": metrics,
    "explanation/life-of-an-exchange.md": life,
    "reference/openapi.json": openapi.document,
}


def stale() -> list[str]:
    """The pages that no longer say what the code says."""
    return [name for name in PAGES if _current(DOCS / name) != _page(name)]


def _page(name: str) -> str:
    """A page as it should be; only Markdown has room for the note."""
    return (NOTE if name.endswith(".md") else "") + PAGES[name]()


def _current(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def main() -> int:
    changed = stale()
    for name in changed:
        print(f"docs/{name}: {'differs from the code' if '--check' in sys.argv else 'written'}")
        if "--check" not in sys.argv:
            (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / name).write_text(_page(name), "utf-8")
    return 1 if changed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
