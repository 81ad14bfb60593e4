"""What the attack stage reaches on families of sets that its model has not seen: `python -m benchmarks.waf_left_out --prompts FILE --clones FOLDER`.

For each family of `train_ngrams.LEFT_OUT` the model is trained without it, put in the shipped one's place, and the whole
stage judges: attacks and prompts as the user's, instructions in documents and documents as a document's.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.training.train_ngrams import LEFT_OUT, Rows, Text, collect, packed, train
from benchmarks.waf_prompts import prompt, shipped, upper
from gateway.core.verdict import Refuse
from gateway.stages.waf import Waf

RESULTS = Path(__file__).parent / "results" / "waf_left_out.json"
MOST = 1500  # texts of a set
PAGES = {
    "atlas",
    "llm_risks",
    "cheat_sheets",
    "java_guide",
    "prompt_guide",
    "prompt_guide_foreign",
    "tldr",
    "tldr_foreign",
}


def judged(stage: Waf, texts: Sequence[Text], role: str) -> dict[str, object]:
    refused = sum(isinstance(stage.judge(prompt(one.text, role)), Refuse) for one in texts)
    found: dict[str, object] = {"texts": len(texts), "refused": refused, "share": round(refused / len(texts), 4)}
    return found | {"at_most_95": round(upper(refused, len(texts)), 4)} if not texts[0].attack else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--folder", type=Path, action="append", default=[])
    given = parser.parse_args()
    texts = collect(given.prompts, given.folder, given.clones, random.Random(7))
    rows, results = Rows(texts), dict[str, dict[str, object]]()
    for family, (attacks, calm) in LEFT_OUT.items():
        out = {number for number, one in enumerate(texts) if one.set in {*attacks, *calm}}
        kept = np.array([row for row, number in enumerate(rows.owners) if number not in out])
        stage = shipped()
        stage._language._linear = packed(*train(rows, kept, 7))  # the one part that is exchanged
        for name in (*attacks, *calm):
            of_set = [one for one in texts if one.set == name][:MOST]
            for role in ("user", "document") if of_set and (of_set[0].attack or name in PAGES) else ("user",):
                if of_set:
                    results.setdefault(role, {})[name] = {"family": family} | judged(stage, of_set, role)
                    print(role, name, results[role][name], flush=True)
    RESULTS.write_text(json.dumps({"how": "python -m benchmarks.waf_left_out", **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
