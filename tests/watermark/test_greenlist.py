"""TGI's green list on a CPU: the random numbers are torch's own, marked texts score high, others do not."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from watermark.tgi_greenlist import HASH_KEY, Setting, detect, detect_text, green_list
from watermark.torch_random import Gpu, cpu_green, cuda_green, cuda_permutation, philox

VOCABULARY = 32_000


def test_philox_gives_the_published_answer() -> None:
    """Random123 known-answer test: philox4x32-10, counter and key zero."""
    zero = np.zeros(1, np.uint64)
    assert [hex(int(word[0])) for word in philox(zero, zero, 0)] == [
        "0x6627e8d5",
        "0xe169c58d",
        "0xbc57ac4c",
        "0x9b00dbd8",
    ]


def test_the_cpu_list_is_torchs() -> None:
    """torch.manual_seed(0); torch.randperm(10) begins 4, 1, 7, 5, 3."""
    assert np.flatnonzero(cpu_green(0, 10, 5)).tolist() == [1, 3, 4, 5, 7]


# Digests of lists that were compared with torch.randperm on an H100 (benchmarks/watermark_greenlist.py --torch).
DEVICE_LISTS = [
    ("cuda", HASH_KEY, 152_064, "1b59e1ab1f057141"),
    ("cuda", 0, 129_280, "e1a798591aee256c"),
    ("cuda", HASH_KEY * 151_643, 49_152, "ee01bb8060506da5"),
    ("cpu", HASH_KEY, 152_064, "f57868114847acca"),
]


@pytest.mark.parametrize(("device", "seed", "size", "digest"), DEVICE_LISTS)
def test_lists_are_those_of_the_device(device: str, seed: int, size: int, digest: str) -> None:
    assert sha256(green_list(seed, size, 0.5, device, 132).tobytes()).hexdigest()[:16] == digest


def test_the_list_is_the_first_part_of_the_permutation() -> None:
    gpu = Gpu(58, 1536)  # an L4: the grid wraps
    assert set(np.flatnonzero(cuda_green(9, 152_064, 1000, gpu))) == set(
        cuda_permutation(9, 152_064, gpu)[:1000].tolist()
    )
    assert not np.array_equal(cuda_permutation(9, 152_064, gpu), cuda_permutation(9, 152_064, Gpu()))


def _write(device: str, tokens: int, marked: bool, seed: int, padded: bool = False, active: int = 60) -> list[int]:
    chance, text = np.random.default_rng(seed), [11]
    for _ in range(tokens):
        logits = -1.2 * np.log1p((np.arange(active) * 7 + text[-1]) % active)
        if marked:
            bits = np.unpackbits(green_list(0 if padded else HASH_KEY * text[-1], VOCABULARY, 0.5, device, 132))
            logits = logits + 2.0 * bits[:active]
        text.append(int(np.argmax(logits + chance.gumbel(size=active))))
    return text


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_marked_texts_are_found_on_their_device_and_unmarked_ones_are_not(device: str) -> None:
    setting = Setting(VOCABULARY, 0.5, device)
    report = detect(_write(device, 300, True, 1), setting)
    assert report.marked
    assert report.readings[0].z > 6
    assert not detect(_write(device, 300, False, 2), setting).marked
    assert not detect(
        _write(device, 300, True, 1), Setting(VOCABULARY, 0.5, "cpu" if device == "cuda" else "cuda")
    ).marked


def test_rows_padded_in_a_batch_show_on_the_fixed_list() -> None:
    chain, fixed = detect(_write("cuda", 300, True, 3, padded=True, active=2000), Setting(VOCABULARY)).readings
    assert fixed.z > chain.z
    assert fixed.green / fixed.scored > 0.6


def test_repetition_is_no_evidence_and_a_few_tokens_are_none() -> None:
    report = detect([5, 6] * 200, Setting(VOCABULARY))
    assert report.readings[0].scored == 2
    assert not report.marked
    assert detect([], Setting(VOCABULARY)).z == 0.0
    assert detect([1], Setting(VOCABULARY), before=2).readings[0].scored == 1
    assert detect([VOCABULARY + 5, 3], Setting(VOCABULARY)).readings[0].scored == 1


def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vocab_size"):
        detect([1, 2], Setting())
    with pytest.raises(ValueError, match="30084"):
        green_list(1, 1000, 0.5, "cuda", 132)


def test_text_is_tokenised_with_the_models_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    words = {word: number for number, word in enumerate(["[UNK]", "a", "b", "c", "d"])}
    model = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "post_processor": None, "decoder": None,
        "pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"},
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(model))
    report = detect_text("a b c d a c", tmp_path / "tokenizer.json", Setting(VOCABULARY, 0.5, "cpu"))
    assert report.readings[0].scored == 5
    assert set(report.as_json()["speaking_tokens"]) <= {"a", "b", "c", "d"}
