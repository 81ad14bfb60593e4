"""How long an access decision takes, warm and cold, and whether it is what plain Casbin answers.

    python -m benchmarks.access [--questions 10000]

Single calls by the wall clock: medians are steadier than tails on a shared machine. Sizes are those of a large site: 1,000 rules and 100,000 users with two roles each.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.core.exchange import Exchange, Peer, Principal
from gateway.stages.access import Access
from gateway.stages.access.index import Index
from policies import routing
from policies.access import AccessPolicy, Rule
from tests.make import an_exchange
from tests.stages.plain_casbin import MODEL, Asked, a_policy, a_question, many_questions, plainly

RESULT = Path(__file__).parent / "results" / "access.json"
RULES, USERS = 1000, 100_000
SEED = 20261124


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=10_000)
    questions = options.parse_args().questions
    figures = {**agreement(questions), **speed(), "machine": machine()}
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    for name, value in figures.items():
        print(f"{name:44} {value}")


def agreement(questions: int) -> dict[str, object]:
    """Random policies of 2 to 40 rules, a hundred questions each, against Casbin's own enforcer."""
    same = allowed = 0
    began = time.process_time()
    for policy, enforcer, batch in many_questions(random.Random(SEED), questions):
        index = Index(policy)
        for question in batch:
            plain = plainly(enforcer, question)
            same += _ask(index, question) == plain
            allowed += plain
    seconds = round(time.process_time() - began, 1)
    return {
        "questions": questions,
        "equal_to_plain_casbin": same,
        "of_them_allowed": allowed,
        "agreement_seconds": seconds,
    }


def speed() -> dict[str, object]:
    chance = random.Random(SEED)
    policy = a_policy(chance, RULES, USERS)
    build, index = _timed(lambda: Index(policy))
    some = [a_question(chance, policy) for _ in range(2000)]
    cold = [_timed(lambda question=question: _ask(index, question))[0] for question in some]
    warm = [_timed(lambda question=question: _ask(index, question))[0] for question in some]
    return {
        "rules": len(policy.rules),
        "users": USERS,
        "index_build_seconds": round(build, 2),
        "cold_us_median": _us(statistics.median(cold)),
        "cold_us_p99": _us(_p99(cold)),
        "cold_us_max": _us(max(cold)),
        "warm_us_median": _us(statistics.median(warm)),
        "warm_us_p99": _us(_p99(warm)),
        **_one_role_with_every_rule(),
        **_whole_stage(policy),
        **_memory(policy, chance),
    }


def _one_role_with_every_rule() -> dict[str, object]:
    """The worst shape for an index by subject: a thousand rules of one role, all of them read."""
    rules = tuple(Rule("role:r", f"t{n}", f"m{n}", "chat", "allow", "wide") for n in range(RULES))
    index = Index(AccessPolicy(MODEL, rules, (), {}))
    cold = [
        _timed(lambda n=n: index.decide_afresh(f"user:{n}", ("role:r",), "t5", "m5", "chat"))[0] for n in range(300)
    ]
    return {"worst_shape_cold_us_median": _us(statistics.median(cold)), "worst_shape_cold_us_p99": _us(_p99(cold))}


def _whole_stage(policy: AccessPolicy) -> dict[str, object]:
    """`Access.judge`, warm, on an exchange that is allowed."""
    rule = Rule("role:r", "*", "*", "*", "allow", "wide")
    models = routing.parse({"routing.yaml": b"{default: m1, models: [{name: m1, backend: b}]}"})
    stage = Access(AccessPolicy(MODEL, (*policy.rules, rule), policy.memberships, policy.profiles), models)
    exchange: Exchange = an_exchange(
        "hello", principal=Principal("u1", "t1", ("r",)), peer=Peer("127.0.0.1"), model="m1"
    )
    took = [_timed(lambda: stage.judge(exchange))[0] for _ in range(5000)]
    return {"judge_warm_us_median": _us(statistics.median(took)), "judge_warm_us_p99": _us(_p99(took))}


def _memory(policy: AccessPolicy, chance: random.Random) -> dict[str, object]:
    questions = [a_question(chance, policy) for _ in range(4000)]
    index = Index(policy)
    tracemalloc.start()
    for question in questions:
        _ask(index, question)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"bytes_per_remembered_decision": round(used / len(set(questions)))}


def _ask(index: Index, asked: Asked) -> bool:
    return index.decide(asked.subject, asked.roles, asked.tenant, asked.model, asked.action).allowed


def _timed(step: Callable[[], object]) -> tuple[float, Index]:
    began = time.perf_counter()
    result = step()
    return time.perf_counter() - began, result  # type: ignore[return-value]


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def machine() -> dict[str, str]:
    return {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}


if __name__ == "__main__":
    main()
