"""Was this text written with TGI's own `watermark: true`? Answered on a CPU, GPU-made lists included.

TGI adds a bonus to the first half of `torch.randperm(vocabulary)` seeded by 15485863 × previous token, made on the
device that generates. Two readings are tested, because TGI's batches pad shorter rows with token 0: the chain (seed
from the previous token) and the fixed list of seed 0. The key is public: this mark shows that TGI marked a text, it
names nobody, and anyone can forge or remove it. Not here: marking (the backend does that).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import erfc, sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from watermark.torch_random import Gpu, cpu_green, cuda_green

HASH_KEY = 15485863  # server/text_generation_server/utils/watermark.py: a constant, not configurable
MARKED_Z = 5.0  # one unmarked text in 1.7 million, both readings counted
FEWEST_TOKENS = 25  # below, the normal approximation is not one


@dataclass(frozen=True, slots=True)
class Setting:
    """How the text was generated. `vocab` is the number of rows of lm_head (config.vocab_size), not of the tokenizer."""

    vocab: int | None = None
    gamma: float = 0.5
    device: Literal["cuda", "cpu"] | str = "cuda"
    multiprocessors: int = 132


@dataclass(frozen=True, slots=True)
class Reading:
    """One hypothesis: distinct (previous, token) pairs scored, those on the list, z and one-sided p."""

    name: Literal["chain", "seed_0"]
    scored: int
    green: int
    z: float
    p: float
    speaking: tuple[int, ...]  # positions in the token list that are on the list


@dataclass(frozen=True, slots=True)
class Report:
    marked: bool
    z: float
    p: float
    readings: tuple[Reading, ...]
    tokens: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        body = asdict(self)
        best = max(self.readings, key=lambda reading: reading.z)
        body["speaking_tokens"] = [self.tokens[at] for at in best.speaking if at < len(self.tokens)]
        return {key: value for key, value in body.items() if key != "tokens"}


def detect(tokens: Sequence[int], setting: Setting, before: int | None = None) -> Report:
    """Score token ids, `before` being the last token of the prompt where it is known."""
    if setting.vocab is None:
        raise ValueError("the vocabulary's size is missing; hint: config.vocab_size of the model")
    previous = [before, *tokens][: len(tokens)]
    pairs = [
        (at, seed, token) for at, (seed, token) in enumerate(zip(previous, tokens, strict=True)) if seed is not None
    ]
    chain = _score("chain", [(at, HASH_KEY * seed, token) for at, seed, token in pairs], setting)
    fixed = _score("seed_0", [(at, 0, token) for at, token in enumerate(tokens)], setting)
    best = max(chain, fixed, key=lambda reading: reading.z)
    enough = best.scored >= FEWEST_TOKENS
    return Report(enough and best.z >= MARKED_Z, best.z, min(1.0, 2 * best.p), (chain, fixed))


def detect_text(text: str, tokenizer: Path, setting: Setting) -> Report:
    """As `detect`, for text: tokenised again with the model's tokenizer.json (needs the `tokenizers` package)."""
    model = _tokenizer(tokenizer)
    encoding = model.encode(text, add_special_tokens=False)
    vocab = setting.vocab or model.get_vocab_size()
    report = detect(encoding.ids, Setting(vocab, setting.gamma, setting.device, setting.multiprocessors))
    words = tuple(text[start:end] for start, end in encoding.offsets)
    return Report(report.marked, report.z, report.p, report.readings, words)


def tokenised(text: str, tokenizer: Path) -> tuple[list[int], int]:
    """A text's token ids by a model's tokenizer.json, and how many there are in all."""
    model = _tokenizer(tokenizer)
    return list(model.encode(text, add_special_tokens=False).ids), int(model.get_vocab_size())


def _tokenizer(path: Path) -> Any:
    try:
        tokenizers = importlib.import_module("tokenizers")
    except ModuleNotFoundError as fault:
        raise ValueError("the package tokenizers is not installed; hint: pip install tokenizers") from fault
    return tokenizers.Tokenizer.from_file(str(path))


def _score(name: Literal["chain", "seed_0"], pairs: list[tuple[int, int, int]], setting: Setting) -> Reading:
    """Each distinct (seed, token) once: repetition is no evidence."""
    distinct = {(seed, token): at for at, seed, token in reversed(pairs)}
    on_list = [at for (seed, token), at in distinct.items() if _is_green(seed, token, setting)]
    scored, green, gamma = len(distinct), len(on_list), setting.gamma
    z = (green - gamma * scored) / sqrt(scored * gamma * (1 - gamma)) if scored else 0.0
    return Reading(name, scored, green, z, 0.5 * erfc(z / sqrt(2)), tuple(sorted(on_list)))


def _is_green(seed: int, token: int, setting: Setting) -> bool:
    packed = green_list(seed, setting.vocab or 0, setting.gamma, setting.device, setting.multiprocessors)
    return token < (setting.vocab or 0) and bool(packed[token >> 3] >> (7 - (token & 7)) & 1)


@lru_cache(maxsize=4096)  # 19 kB each for 152,064 tokens: 78 MB at most
def green_list(seed: int, vocab: int, gamma: float, device: str, multiprocessors: int) -> NDArray[np.uint8]:
    """The list as packed bits. CUDA takes the seed as 64 bits, the CPU generator its low 32."""
    count = int(vocab * gamma)
    if device == "cpu":
        return np.packbits(cpu_green(seed, vocab, count))
    return np.packbits(cuda_green(seed & (2**64 - 1), vocab, count, Gpu(multiprocessors)))
