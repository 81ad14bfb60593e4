"""What must not happen: texts never issued, foreign marks, noise and transplanted bursts, traced with all layers.

English texts never issued are sentences of the same documentation that no stored answer uses; Chinese ones are new
sentences of the same grammar, so they share its phrases: a harder case than real use. Transplants paste a victim's
bursts into such texts wherever the two letters before them are those the burst was made for. Also here: one answer
given to five users. Writes results/watermark_null.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
from pathlib import Path
from random import Random

import watermark_corpus as corpus
from watermark_survival import KEYS, Store, store

from watermark import Issued, Keys, embed, fingerprint, trace
from watermark.skeleton import skeleton

RESULT = Path(__file__).parent / "results" / "watermark_null.json"
FOREIGN = Keys.from_master(b"somebody else's master secret, 32+")


def never_issued(language: str, held: list[str], size: int, chance: Random) -> str:
    text = (
        " ".join(chance.choices(held, k=2 + size // 60))
        if language == "en"
        else corpus.answer("zh", chance, size + 200)
    )
    first = chance.randrange(max(1, len(text) - size))
    return text[first : first + size]


def transplant(victim: str, text: str) -> str:
    """Every burst of the victim's answer, where the text has a word's end with its two letters."""
    donors: dict[str, list[str]] = {}
    for match in re.finditer("[\U000e0100-\U000e017f]{12}", victim):
        donors.setdefault(skeleton(corpus.MARKS.sub("", victim[: match.start()])[-48:])[-2:], []).append(match[0])

    def paste(match: re.Match[str]) -> str:
        bursts = donors.get(skeleton(match[1]), [])
        return match[0] + (bursts.pop() if bursts else "")

    return re.sub(r"(\w\W?\w)(?:\b[,.;:!?]?|[，。；：！？、])", paste, text)


def measure(leaks: list[str], kept: Store) -> dict[str, float]:
    counts = {
        "texts": len(leaks),
        "convict_grade": 0,
        "proven": 0,
        "bound": 0,
        "traced_by_passages": 0,
        "transplanted": 0,
    }
    for leak in leaks:
        found = trace(leak, KEYS, kept.registry, kept.index)
        counts["convict_grade"] += found.convicts
        counts["proven"] += found.traced and found.layers[:1] == ("l1",)
        counts["bound"] += any(candidate.bound for candidate in found.candidates)
        counts["traced_by_passages"] += found.traced and found.layers == ("l3",)
        counts["transplanted"] += found.grade == "transplanted"
    return counts


def noise(text: str, chance: Random) -> str:
    return re.sub(
        r"[,.，。]", lambda match: match[0] + "".join(chr(0xE0100 + chance.randrange(128)) for _ in range(12)), text
    )


def duplicates(language: str, trials: int, chance: Random) -> dict[str, float]:
    kept = store(language, 500, True, chance)
    shared = [corpus.answer(language, chance) for _ in range(20)]
    for number, text in enumerate(shared):
        hashes = tuple(fingerprint(text, KEYS.fingerprint))
        for user in range(5):
            exchange = f"dup-{number}-{user}"
            kept.registry.add(Issued(exchange, "t", f"u{user}", "2026-11-24", None, 1, text, hashes))
            kept.index.add(exchange, hashes)
    in_set = exact = 0
    for _ in range(trials):
        number, user = chance.randrange(20), chance.randrange(5)
        found = trace(corpus.excerpt(shared[number], 400, chance), KEYS, kept.registry, kept.index)
        names = {candidate.issued.exchange for candidate in found.candidates} if found.traced else set()
        in_set += f"dup-{number}-{user}" in names
        exact += names == {f"dup-{number}-{other}" for other in range(5)}
    return {
        "texts": trials,
        "truth_in_set": round(100 * in_set / trials, 2),
        "set_is_the_five": round(100 * exact / trials, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    began, rows = time.time(), {}
    for language in ("en", "zh"):
        chance = Random(f"{args.seed}-{language}")
        sentences = corpus.english_sentences()
        chance.shuffle(sentences)
        held = sentences[:1100]
        del sentences[:1100]  # the cached list itself: no stored answer may use them
        kept = store(language, args.answers, True, chance)
        for size in (100, 200, 400):
            leaks = [never_issued(language, held, size, chance) for _ in range(args.trials)]
            rows[f"{language} never issued, N={size}"] = measure(leaks, kept)
        texts = [never_issued(language, held, 400, chance) for _ in range(args.trials)]
        rows[f"{language} foreign key, N=400"] = measure([embed(t, FOREIGN, n) for n, t in enumerate(texts)], kept)
        rows[f"{language} random selectors, N=400"] = measure([noise(text, chance) for text in texts], kept)
        pasted = [transplant(chance.choice(kept.marked), text * 2) for text in texts]
        rows[f"{language} transplanted, N=800"] = measure(pasted, kept)
        rows[f"{language} same answer to five, stripped, N=400"] = duplicates(language, args.trials, chance)
        sentences[:0] = held
    for name, row in rows.items():
        print(f"{name:45} {row}")
    facts = {
        "command": f"benchmarks/watermark_null.py --trials {args.trials} --answers {args.answers} --seed {args.seed}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "seconds": round(time.time() - began),
        "rows": rows,
    }
    args.out.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
