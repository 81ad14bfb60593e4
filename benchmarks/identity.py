"""What it costs to know who asks: a token seen for the first time, and one seen before; and one request against the limits.

    python -m benchmarks.identity

CPU time per call of this process, each kind in one run, so that the ratios hold on a busy machine too.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

from gateway.core.exchange import Principal
from gateway.stages.identity import Identity, VerifiedTokens
from gateway.stages.limits import Limits, Meter
from policies import limits
from tests.make import an_exchange
from tests.stages.test_identity import ALL, RULES, a_token, asking, keys_of

RESULT = Path(__file__).parent / "results" / "identity.json"
DEFAULT_LIMITS = Path(limits.__file__).parent / "default" / "limits.yaml"


def main() -> None:
    figures: dict[str, object] = {}
    for algorithm in ALL:
        figures[f"first_time_us_{algorithm}"] = _us(_first_time(algorithm), 300)
    figures["seen_before_us"] = _us(_seen_before(), 20_000)
    figures["limits_us"] = _us(_within_limits(), 20_000)
    figures["machine"] = {"python": platform.python_version(), "machine": platform.machine()}
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    for name, value in figures.items():
        print(f"{name:32} {value}")


def _first_time(algorithm: str) -> Callable[[], object]:
    """No memory between calls: parsing, signature and claims each time."""
    keys, exchange = keys_of(*ALL), asking(a_token(algorithm))
    return lambda: Identity(RULES, lambda: keys, VerifiedTokens()).judge(exchange)


def _seen_before() -> Callable[[], object]:
    keys, exchange = keys_of(*ALL), asking(a_token())
    stage = Identity(RULES, lambda: keys)
    return lambda: stage.judge(exchange)


def _within_limits() -> Callable[[], object]:
    """Of callers that never come near their rate: every one is another user of the same tenant, and time passes."""
    stage = Limits(limits.parse({"limits.yaml": DEFAULT_LIMITS.read_bytes()}), Meter())
    callers = [an_exchange("hello", principal=Principal(f"u{n}", f"t{n % 50}", ("analyst",))) for n in range(500)]
    place = iter(range(10**9))
    return lambda: stage.judge(callers[next(place) % 500])


def _us(step: Callable[[], object], times: int) -> float:
    """The best of five rounds, per call."""
    step()
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            step()
        rounds.append((time.process_time() - began) / times)
    return round(min(rounds) * 1e6, 1)


if __name__ == "__main__":
    main()
