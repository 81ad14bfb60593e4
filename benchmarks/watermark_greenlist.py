"""TGI's green-list mark, made as TGI makes it and found on a CPU: z of marked and unmarked texts of 200 tokens.

The text source is a first-order Zipf sampler over 1,500 active tokens of a 152,064-token vocabulary, its exponent set
so that the sampler sees about two bits per token. With --torch (needs a GPU) the CUDA lists come from `torch.randperm`
on the device and are compared with the emulation. Writes results/watermark_greenlist.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from watermark.tgi_greenlist import HASH_KEY, Setting, detect, green_list
from watermark.torch_random import Gpu, cpu_green, cuda_permutation

VOCAB, ACTIVE, TOKENS, DELTA, GAMMA = 152_064, 1_500, 200, 2.0, 0.5
EXPONENT = 2.15
WEIGHTS = np.arange(1, ACTIVE + 1, dtype=float) ** -EXPONENT
WEIGHTS /= WEIGHTS.sum()
RESULT = Path(__file__).parent / "results" / "watermark_greenlist.json"


def write(active: np.ndarray, lists: np.ndarray | None, chance: np.random.Generator) -> list[int]:
    """One text; the successor ranks of a token are its own rotation of the active tokens."""
    text = [int(chance.integers(ACTIVE))]
    for _ in range(TOKENS):
        order = (np.arange(ACTIVE) * 7 + text[-1] * 131) % ACTIVE
        logits = np.log(WEIGHTS) + (DELTA * lists[text[-1]][order] if lists is not None else 0.0)
        text.append(int(order[np.argmax(logits + chance.gumbel(size=ACTIVE))]))
    return [int(active[index]) for index in text]


def emulated_lists(active: np.ndarray, device: str) -> np.ndarray:
    packed = [green_list(HASH_KEY * token, VOCAB, GAMMA, device, 132) for token in active.tolist()]
    return np.array([np.unpackbits(bits)[active] for bits in packed], dtype=bool)


def device_lists(active: np.ndarray) -> np.ndarray:
    import torch

    generator, rows = torch.Generator(device="cuda"), []
    for token in active.tolist():
        generator.manual_seed(HASH_KEY * token)
        mask = torch.zeros(VOCAB, dtype=torch.bool, device="cuda")
        mask[torch.randperm(VOCAB, device="cuda", generator=generator)[: int(VOCAB * GAMMA)]] = True
        rows.append(mask.cpu().numpy()[active])
    return np.array(rows)


def permutations() -> list[str]:
    import torch

    rows = []
    for size in (49_152, 102_400, 129_280, 151_936, 152_064, 262_144):
        for seed in (0, 1, HASH_KEY, HASH_KEY * 151_643):
            generator = torch.Generator(device="cuda")
            generator.manual_seed(seed)
            device = torch.randperm(size, device="cuda", generator=generator).cpu().numpy()
            same = np.array_equal(device, cuda_permutation(seed, size, Gpu()))
            torch.manual_seed(seed)
            on_cpu = np.zeros(size, bool)
            on_cpu[torch.randperm(size).numpy()[: size // 2]] = True
            same_cpu = np.array_equal(on_cpu, cpu_green(seed, size, size // 2))
            rows.append(f"n={size} seed={seed}: cuda {same}, cpu {same_cpu}")
    return rows


def summary(values: np.ndarray) -> dict[str, float]:
    return {
        "texts": len(values),
        "median_z": round(float(np.median(values)), 2),
        "p10_z": round(float(np.quantile(values, 0.1)), 2),
        "max_z": round(float(values.max()), 2),
        "share_abs_z_below_3": round(float((abs(values) < 3).mean()), 4),
        "share_z_at_least_5": round(float((values >= 5).mean()), 4),
    }


def scores(texts: list[list[int]], device: str) -> dict[str, dict[str, float]]:
    reports = [detect(text, Setting(VOCAB, GAMMA, device)) for text in texts]
    return {
        name: summary(np.array([report.readings[i].z for report in reports]))
        for i, name in ((0, "chain"), (1, "seed 0"))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    began, chance = time.time(), np.random.default_rng(20261124)
    active = np.sort(chance.choice(VOCAB, ACTIVE, replace=False))
    facts: dict[str, object] = {"machine": platform.machine(), "vocab": VOCAB, "tokens": TOKENS}
    facts["entropy_bits_per_token"] = round(float(-(WEIGHTS * np.log2(WEIGHTS)).sum()), 2)
    rows = {}
    for device in ("cuda", "cpu"):
        lists = emulated_lists(active, device)
        if args.torch and device == "cuda":
            made = device_lists(active)
            facts["active_lists_equal_to_the_device"] = f"{int((made == lists).all(axis=1).sum())} of {ACTIVE}"
            facts["permutations"], lists = permutations(), made
        rows[f"{device} marked"] = scores([write(active, lists, chance) for _ in range(args.texts)], device)
        rows[f"{device} unmarked"] = scores([write(active, None, chance) for _ in range(args.texts)], device)
    seed_0 = np.unpackbits(green_list(0, VOCAB, GAMMA, "cuda", 132))[active].astype(bool)
    padded = [write(active, np.tile(seed_0, (ACTIVE, 1)), chance) for _ in range(args.texts)]
    rows["cuda marked, padded batch row"] = scores(padded, "cuda")
    facts |= {
        "rows": rows,
        "seconds": round(time.time() - began, 1),
        "command": "benchmarks/watermark_greenlist.py" + " --torch" * args.torch,
    }
    args.out.write_text(json.dumps(facts, indent=1) + "\n")
    for name, readings in rows.items():
        for reading, row in readings.items():
            print(f"{name:30} {reading:7} {row}")
    print({key: value for key, value in facts.items() if key != "rows"})


if __name__ == "__main__":
    main()
