"""What the audit benchmarks share: a realistic exchange, a fresh directory on a real disk, and where results go. Measures nothing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.audit.record import Closed, Opened, closed, opened
from gateway.core.exchange import Action, Certificate, Exchange, Parameters, Passage, Peer, Principal
from gateway.core.pipeline import Judgement, Ruling
from gateway.core.reply import Channel, Usage
from gateway.core.verdict import Allow, Finding

RESULTS = Path(__file__).parent / "results"
STAGES = ("identity", "access", "limits", "waf", "pii", "routing")
AT = 1_800_000_000.0


def an_exchange(number: int, users: int = 100) -> Exchange:
    """A chat of about 2.5 KB in Chinese: a system prompt and a question."""
    passages = (
        Passage("messages[0].content", "system", "你是一个有用的助手。" * 20),
        Passage("messages[1].content", "user", "请总结以下文件内容：" * 60),
    )
    return Exchange(
        id=f"01JBENCH{number:018d}",
        received_at=AT,
        peer=Peer("127.0.0.1", Certificate("t" * 43, "analyst")),
        route="/v1/chat/completions",
        action=Action.CHAT,
        model="smollm2",
        passages=passages,
        parameters=Parameters(max_tokens=256),
        streaming=True,
        principal=Principal(f"user{number % users}", "acme", ("analyst",), "analyst", "certificate+token"),
        backend="local",
        mark=number + 1,
    )


def an_opened(number: int, at: float = AT) -> Opened:
    exchange = an_exchange(number)
    seen = Allow((Finding("access", "allow-3", "exchange"),))
    return opened(exchange, Judgement(exchange, tuple(Ruling(stage, seen, 1e-5) for stage in STAGES)), "d" * 64, at)


def a_closed(number: int, at: float = AT) -> Closed:
    text = {Channel(): "好的，这份文件的要点如下。" * 30}
    return closed(an_exchange(number), at, "answered", None, text, usage=Usage(400, 200), timings={"total": 1.2})


@contextmanager
def a_directory(where: str | None = None) -> Iterator[Path]:
    """A fresh directory on the disk that holds this repository, not on a memory disk."""
    place = Path(where) if where else Path(__file__).parents[1] / ".cache"
    place.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="audit-bench-", dir=place))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def report(name: str, figures: dict[str, Any], how: str) -> None:
    """Print a table and keep it under results/, with what it was taken on and how."""
    told = {**figures, "how": how, "machine": machine()}
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    for key, value in told.items():
        print(f"{key:40} {value}")


def machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "load_when_taken": round(os.getloadavg()[0], 2),
    }
