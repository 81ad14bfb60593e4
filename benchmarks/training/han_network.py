"""The network for Chinese as it learns, and as it is stored. What it learns from is `train_han`'s and `han_sets`' matter."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HIDDEN = 48, 64
BATCH = 768  # clauses a step


def network(torch: Any, size: int, steps: tuple[int, ...], labels: int, hidden: int = HIDDEN) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(size, WIDTH, padding_idx=0)
            nn.init.normal_(self.table.weight, 0, 0.1)
            self.table.weight.data[0] = 0
            widths = [WIDTH] + [hidden] * len(steps)
            self.layers = nn.ModuleList([nn.Linear(3 * one, hidden) for one in widths[:-1]])
            self.last = nn.Linear(hidden, labels)
            self.drop = nn.Dropout(0.15)

        def forward(self, rows: Any, there: Any) -> Any:
            signal = self.drop(self.table(rows).sum(2))
            for layer, step in zip(self.layers, steps, strict=True):
                before, behind = torch.zeros_like(signal), torch.zeros_like(signal)
                before[:, step:], behind[:, :-step] = signal[:, :-step], signal[:, step:]
                new = self.drop(torch.relu(layer(torch.cat((before, signal, behind), 2))) * there)
                signal = new if signal.shape[2] != new.shape[2] else signal + new
            return self.last(signal)

    return Net()


HIDDEN_SHARE = (0.03, 0.1, 0.1, 0.15, 0.02, 0.05)  # of each kind of feature, hidden while learning


def train(path: Path, epochs: int, seed: int, out: Path, hidden: int = HIDDEN) -> None:
    torch = importlib.import_module("torch")
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(path) as stored:
        rows, labels, lengths, keys = (stored[one] for one in ("rows", "labels", "lengths", "keys"))
        steps = tuple(int(one) for one in stored["steps"])
    rows, labels = rows.T, labels.T
    ends = np.cumsum(lengths)
    gap = max(steps)
    every = torch.tensor(rows.astype(np.int32), device=device)
    wanted = torch.tensor(labels, device=device)
    net = network(torch, len(keys) + 1, steps, labels.shape[1], hidden).to(device)
    best = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    count = len(lengths) // BATCH
    pace = torch.optim.lr_scheduler.OneCycleLR(best, 4e-3, total_steps=epochs * count + 1, pct_start=0.1)
    chance = np.random.default_rng(seed)
    share = torch.tensor(HIDDEN_SHARE, device=device)
    for epoch in range(epochs):
        groups = np.array_split(np.argsort(lengths + chance.random(len(lengths)) * 6), count)
        chance.shuffle(groups)
        total = 0.0
        for chosen in groups:
            at = np.full((len(chosen), int(lengths[chosen].max()) + 2 * gap), -1, dtype=np.int64)
            for line, one in enumerate(chosen):
                at[line, gap : gap + lengths[one]] = np.arange(ends[one] - lengths[one], ends[one])
            place = torch.tensor(at, device=device)
            there = (place >= 0)[..., None].float()
            x = every[place.clamp(min=0)] * (place >= 0)[..., None]
            x = x * (torch.rand(x.shape, device=device) >= share)
            y = wanted[place.clamp(min=0)].float() / 255
            likely = torch.log_softmax(net(x, there), 2)
            sums = y.sum(2)
            y_soft = 0.97 * y + 0.03 / y.shape[2]
            loss = torch.where(
                sums > 1.02, -torch.logsumexp(likely + torch.log(y + 1e-9), 2), -(y_soft * likely).sum(2)
            )
            loss = (loss * there[..., 0]).sum() / there.sum()
            best.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            best.step()
            pace.step()
            total += float(loss.detach()) if epoch % 3 == 0 or epoch == epochs - 1 else 0
        print(epoch, round(total / count, 4), flush=True)
    save(net, keys, out)


def save(net: Any, keys: Any, out: Path) -> None:
    """The table in bytes with a scale a row, the layers in half precision."""
    table = net.table.weight.detach().cpu().numpy()[1:]
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-9
    layers: dict[str, Any] = {}
    for at, layer in enumerate([*net.layers, net.last]):
        layers[f"w{at}"] = layer.weight.detach().cpu().numpy().T.astype(np.float16)
        layers[f"b{at}"] = layer.bias.detach().cpu().numpy().astype(np.float16)
    np.savez_compressed(
        out, keys=keys, table=np.round(table / scale).astype(np.int8), scale=scale.astype(np.float16), **layers
    )
