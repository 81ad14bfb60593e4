"""Makes `gateway/detect/names/data/people.npz`: the network that sees people in English text. About a minute on a GPU.

    python -m benchmarks.training.train_people --sets DIR --out people.npz [--epochs 14] [--seed 0]

DIR holds the sets `people_sets` names: `*.conll` and `*.txt` columns, `litbank/*.tsv`, `novels/*.txt`. Needs torch and faker,
which the gateway does not. Rare words are hidden half of the time and lists of names a fifth of it, whatever their label, so
that a name nobody has met is told by its neighbours.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training import people_sets as sets
from gateway.detect.names.tagger import FEATURES, LABELS, REACH, features

Examples = list[tuple[list[str], list[int]]]
WIDTH, HIDDEN = 48, 128
LEAST_SEEN = 4  # times a feature must occur to have a row of its own
RARE = 8  # times below which a word may be hidden
LONGEST = 160  # words of one example
BATCH = 256


def examples(folder: Path, seed: int) -> Examples:
    """All that is learnt from: the sets as they are and about others, drawn sentences, prose."""
    draw = sets.Drawer(seed)
    r = draw.r
    gold = [
        said for path in sorted([*folder.glob("*.conll"), *folder.glob("*.txt")]) for said in sets.column_file(path)
    ]
    gold += [said for path in sorted(folder.glob("litbank/*.tsv")) for said in sets.litbank_file(path)]
    said = [
        one for pair in gold for one in (pair, draw.swapped(pair), *([draw.swapped(pair)] if r.random() < 0.5 else []))
    ]
    said += [draw.filled(one, people=True) for one in draw.people for _ in range(70)]
    said += [draw.filled(one, people=False) for one in draw.nobody for _ in range(70)]
    made = [sets.labelled(_cased(one, r)) for one in said]
    for path in sorted(folder.glob("novels/*.txt")):
        made += sets.prose(path.read_text("utf-8", "replace"), r, 260)
    return [one for one in made + list(_docstrings()) if one[0]]


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


def numbered(made: Examples) -> tuple[Any, Any, Any, Any, int]:
    """Features as rows of the table, labels, which words are rare, the table's keys, and the row of "in no list"."""
    hashed = [[features(word) for word in words] for words, _ in made]
    seen = Counter(key for words in hashed for word in words for key in set(word))
    common = Counter(word[0] for words in hashed for word in words)
    keys = np.array(sorted(key for key, count in seen.items() if count >= LEAST_SEEN), dtype=np.uint32)
    row = {int(key): at for at, key in enumerate(keys, 1)}
    rows = [np.array([[row.get(key, 0) for key in word] for word in words], dtype=np.int64) for words in hashed]
    rare = [np.array([common[word[0]] < RARE for word in words]) for words in hashed]
    labels = [np.array(one, dtype=np.int64) for _, one in made]
    return rows, labels, rare, keys, row.get(features("qzx")[5], 0)


def network(torch: Any, size: int) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(size, WIDTH, padding_idx=0)
            nn.init.normal_(self.table.weight, 0, 0.1)
            self.table.weight.data[0] = 0
            shapes = ((3 * WIDTH, HIDDEN), (3 * HIDDEN, HIDDEN), (3 * HIDDEN, HIDDEN), (HIDDEN, len(LABELS)))
            self.layers = nn.ModuleList([nn.Linear(*shape) for shape in shapes])
            self.drop = nn.Dropout(0.2)

        def forward(self, rows: Any) -> Any:
            there = (rows.amax(2, keepdim=True) > 0).float()
            signal = self.drop(self.table(rows).sum(2))
            for layer, step in zip(self.layers[:3], (1, 1, 2), strict=True):
                before, behind = torch.zeros_like(signal), torch.zeros_like(signal)
                before[:, step:], behind[:, :-step] = signal[:, :-step], signal[:, step:]
                new = self.drop(torch.relu(layer(torch.cat((before, signal, behind), 2))) * there)
                signal = new if signal.shape[2] != new.shape[2] else signal + new
            return self.layers[3](signal)

    return Net()


def batch(torch: Any, chosen: Any, rows: Any, labels: Any, rare: Any, unlisted: int, device: str) -> tuple[Any, Any]:
    """Examples side by side, with what is hidden hidden."""
    size = min(max(len(labels[at]) for at in chosen), LONGEST)
    x = np.zeros((len(chosen), size + 2 * REACH, FEATURES), dtype=np.int64)
    y = np.full(x.shape[:2], -1, dtype=np.int64)
    scarce = np.zeros(x.shape[:2], dtype=bool)
    for at, one in enumerate(chosen):
        end = REACH + min(len(labels[one]), size)
        x[at, REACH:end], y[at, REACH:end], scarce[at, REACH:end] = (
            rows[one][:size],
            labels[one][:size],
            rare[one][:size],
        )
    coin = np.random.random((4, *scarce.shape))
    hidden = coin[0] < np.where(scarce, 0.5, 0.08)
    x[hidden, 0] = 0
    x[hidden & (coin[1] < 0.5), 3] = 0
    x[hidden & (coin[1] < 0.5) & (coin[2] < 0.3), 1:3] = 0
    x[(coin[3] < 0.2) & (x[..., 5] > 0), 5] = unlisted
    return torch.tensor(x, device=device), torch.tensor(y, device=device)


def train(made: Examples, epochs: int, seed: int, out: Path) -> None:
    torch = importlib.import_module("torch")
    torch.manual_seed(seed)
    np.random.seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows, labels, rare, keys, unlisted = numbered(made)
    net = network(torch, len(keys) + 1).to(device)
    best = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    steps = epochs * (len(made) // BATCH + 1)
    pace = torch.optim.lr_scheduler.OneCycleLR(best, 4e-3, total_steps=steps + epochs, pct_start=0.1)
    for epoch in range(epochs):
        order = np.random.permutation(len(made))
        for chosen in np.array_split(order, len(made) // BATCH + 1):
            x, y = batch(torch, chosen, rows, labels, rare, unlisted, device)
            loss = torch.nn.functional.cross_entropy(
                net(x).flatten(0, 1), y.flatten(), ignore_index=-1, label_smoothing=0.03
            )
            best.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            best.step()
            pace.step()
        print(epoch, round(float(loss), 4), flush=True)
    save(net, keys, out)


def save(net: Any, keys: Any, out: Path) -> None:
    """The table in bytes with a scale a row, the layers in half precision."""
    table = net.table.weight.detach().cpu().numpy()
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-9
    layers: dict[str, Any] = {}
    for at, layer in enumerate(net.layers):
        layers[f"w{at}"] = layer.weight.detach().cpu().numpy().T.astype(np.float16)
        layers[f"b{at}"] = layer.bias.detach().cpu().numpy().astype(np.float16)
    np.savez_compressed(
        out, keys=keys, table=np.round(table / scale).astype(np.int8), scale=scale.astype(np.float16), **layers
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train(examples(args.sets, args.seed), args.epochs, args.seed, args.out)


if __name__ == "__main__":
    main()
