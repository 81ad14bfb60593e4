"""`torch.randperm` without torch: which tokens come first in the permutation a CPU or a CUDA device would make.

CPU: MT19937 and Fisher–Yates (ATen/native/TensorFactories.cpp). CUDA: a stable sort by the low bits of Philox4x32-10
words (ATen/native/cuda/Randperm.cu, DistributionTemplates.h). Exact for 30,083 < n < 2^31; equal keys, expected less
than once in ten permutations of 152,064, keep their order here while CUDA shuffles them: it matters only at the cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10
_BLOCK_THREADS = 256
SMALLEST_CUDA = 30_084  # below, CUDA sorts 32-bit keys by another rule
_ISLAND_CHANCE = 0.9


@dataclass(frozen=True, slots=True)
class Gpu:
    """What shapes the random numbers: the grid is capped by multiprocessors × blocks that fit on one. H100: 132, 2048."""

    multiprocessors: int = 132
    threads_each: int = 2048


def cpu_green(seed: int, size: int, count: int) -> NDArray[np.bool_]:
    """Membership of the first `count` entries of the CPU's randperm(size) under manual_seed(seed)."""
    raw = np.frombuffer(np.random.RandomState(seed & 0xFFFFFFFF).bytes(4 * count), dtype="<u4")
    offsets = (raw % (size - np.arange(count, dtype=np.uint32))).tolist()
    order = list(range(size))
    for index, offset in enumerate(offsets):
        other = index + offset
        order[index], order[other] = order[other], order[index]
    green = np.zeros(size, dtype=bool)
    green[order[:count]] = True
    return green


def cuda_green(seed: int, size: int, count: int, gpu: Gpu) -> NDArray[np.bool_]:
    """The same for CUDA's randperm(size)."""
    if size < SMALLEST_CUDA:
        raise ValueError(f"vocabulary of {size}: CUDA lists are known from {SMALLEST_CUDA} entries on")
    keys = _sort_keys(seed, size, gpu)
    first = np.argpartition(keys, count - 1)[:count]
    cut = keys[first].max()
    green: NDArray[np.bool_] = keys < cut
    at_cut = np.flatnonzero(keys == cut)
    green[at_cut[: count - int(green.sum())]] = True
    return green


def cuda_permutation(seed: int, size: int, gpu: Gpu) -> NDArray[np.int64]:
    """The whole permutation, for comparison with a device."""
    return np.argsort(_sort_keys(seed, size, gpu), kind="stable")


def _sort_keys(seed: int, size: int, gpu: Gpu) -> Words:
    bits = min(64, ceil(log2(size - (6 * size * size + 1) / (12 * log(_ISLAND_CHANCE)))))
    return _int64_range(seed, size, gpu) & np.uint64((1 << bits) - 1)


def _int64_range(seed: int, size: int, gpu: Gpu) -> Words:
    """Tensor.random_(INT64_MIN, INT64_MAX): two 64-bit words per thread and round, modulo 2^64 - 1, shifted."""
    blocks = min(gpu.multiprocessors * (gpu.threads_each // _BLOCK_THREADS), ceil(size / _BLOCK_THREADS))
    threads = np.uint64(_BLOCK_THREADS * blocks)
    element = np.arange(size, dtype=np.uint64)
    turn, rest = np.divmod(element, np.uint64(2) * threads)
    second, index = rest >= threads, rest % threads
    x, y, z, w = philox(turn, index, seed)
    words = np.where(second, z << _HALF | w, x << _HALF | y)
    return words % np.uint64(2**64 - 1) + np.uint64(1 << 63)


def philox(turn: Words, thread: Words, seed: int) -> tuple[Words, Words, Words, Words]:
    """Philox4x32-10 (Salmon et al. 2011) at counter (turn, 0, thread) under the key `seed`."""
    c0, c1, c2, c3 = turn & _LOW, turn >> _HALF, thread & _LOW, thread >> _HALF
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(_ROUNDS):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c2 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0), (p0 >> _HALF) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & _LOW, p0 & _LOW
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3
