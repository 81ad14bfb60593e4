"""How many harmless prompts the attack stage refuses, and how many attacks it stops: `python -m benchmarks.waf_prompts`.

`--prompts FILE` adds labelled prompts of others, lines of {"set", "label", "text"}; the model was trained on some of
those, so they tell about the rules and are marked. A bound is the 95 % upper one (Clopper-Pearson; 3/n for no hit).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import policies
from benchmarks.waf_sets import attacks, harmless
from gateway.core.exchange import Action, Exchange, Passage, Peer, Principal
from gateway.core.verdict import Amend, Refuse
from gateway.stages.waf import Waf
from policies import waf

DEFAULT = Path(policies.__file__).parent / "default"
RESULTS = Path(__file__).parent / "results" / "waf_prompts.json"
ANA = Principal("ana", "demo", ("analyst",))


def shipped() -> Waf:
    return Waf(waf.parse({f"waf/{path.name}": path.read_bytes() for path in (DEFAULT / "waf").glob("*.yaml")}))


def exchange(*passages: Passage) -> Exchange:
    return Exchange("x", 1.8e9, Peer("127.0.0.1"), "/v1/chat/completions", Action.CHAT, "m", passages, principal=ANA)


def prompt(text: str, role: str = "user") -> Exchange:
    return exchange(Passage("messages[0].content", role, text))


def upper(hits: int, total: int) -> float:
    """The share that is exceeded with 5 % chance at most, given so many hits."""
    low, high = hits / total, 1.0
    for _ in range(60):
        share = (low + high) / 2
        below = math.fsum(math.exp(_chance(k, total, share)) for k in range(hits + 1))
        low, high = (share, high) if below > 0.05 else (low, share)
    return high


def _chance(hits: int, total: int, share: float) -> float:
    """The logarithm of the chance of exactly so many hits."""
    ways = math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(total - hits + 1)
    return ways + hits * math.log(share) + (total - hits) * math.log1p(-share)


def measure(stage: Waf, texts: Sequence[tuple[str, str]], show: int = 0) -> dict[str, object]:
    """Of (role, text): how many were refused, and how many were made harmless."""
    refused = changed = 0
    for role, text in texts:
        verdict = stage.judge(prompt(text, role))
        refused += isinstance(verdict, Refuse)
        changed += isinstance(verdict, Amend)
        if show and not isinstance(verdict, Refuse | Amend):
            print("   let pass:", repr(text[:150]), [(one.rule, one.score) for one in verdict.findings])
            show -= 1
    return {"texts": len(texts), "refused": refused, "made_harmless": changed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path)
    parser.add_argument("--show", type=int, default=0, help="print so many misses of each set")
    given = parser.parse_args()
    stage = shipped()
    calm = {name: [("user", text) for text in texts] for name, texts in harmless().items()}
    bad = attacks()
    for line in given.prompts.read_text("utf-8").split("\n") if given.prompts else ():
        if line:
            one = json.loads(line)
            sets = bad if one["label"] == "attack" else calm
            sets.setdefault(f"{one['set']} (seen in training)", []).append(("user", one["text"]))
    results: dict[str, dict[str, object]] = {"harmless": {}, "attacks": {}}
    for name, texts in calm.items():
        found = measure(stage, texts)
        bound = upper(int(str(found["refused"])), len(texts))
        results["harmless"][name] = found | {"refused_at_most_95": round(bound, 5)}
        print(
            f"harmless {name:45} {len(texts):6} refused {found['refused']:>4} (<= {bound:.2%})  made harmless {found['made_harmless']}"
        )
        if given.show and found["refused"]:
            for role, text in texts:
                verdict = stage.judge(prompt(text, role))
                if isinstance(verdict, Refuse):
                    print("   refused:", repr(text[:200]), [(one.rule, one.score) for one in verdict.findings])
    for name, texts in bad.items():
        found = measure(stage, texts, given.show)
        stopped = int(str(found["refused"])) + int(str(found["made_harmless"]))
        results["attacks"][name] = found | {"stopped": round(stopped / len(texts), 4)}
        print(
            f"attacks  {name:45} {len(texts):6} stopped {stopped / len(texts):.1%} (refused {found['refused']}, made harmless {found['made_harmless']})"
        )
    RESULTS.write_text(json.dumps({"how": "python -m benchmarks.waf_prompts", "sets": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
