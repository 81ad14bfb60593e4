"""TGI's green lists. The vectors were drawn with torch 2.11 on a CPU: `torch.randperm(V, generator=g)[:V // 2]` after
`g.manual_seed(15485863 * previous)`; the digest is over the ids as little-endian 64-bit integers.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgi.embedded.greenlist import GAMMA, green_ids, green_mask

TORCH = [
    (7, 0, [4, 0, 5], "cd4788f4b7ee23cb"),
    (7, 504, [4, 2, 3], "d04d99f53722b3d3"),
    (1000, 1, [958, 725, 179, 426], "ef8a87547dffd6ad"),
    (1000, 49151, [289, 169, 275, 340], "11a338c69006a228"),
    (49152, 0, [2732, 29836, 36535, 27990], "29a8522afb09a4ae"),
    (49152, 1, [1726, 21449, 34601, 19398], "df638bf206faeb33"),
    (49152, 17, [10326, 27443, 43653, 14168], "0a1b94ab5913cc4b"),
    (49152, 49151, [3553, 47604, 12259, 33803], "cc63cfbd77c27f96"),
    (152064, 2, [85668, 133526, 21240, 130718], "d1e9421e9bdb2bfe"),
    (152064, 504, [127827, 68431, 31079, 26314], "3f9d83ed5440df70"),
]


@pytest.mark.parametrize(("vocab_size", "previous", "first", "digest"), TORCH)
def test_the_list_is_the_one_torch_draws(vocab_size: int, previous: int, first: list[int], digest: str) -> None:
    ids = green_ids(previous, vocab_size)
    assert ids[:4].tolist() == first
    assert hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest()[:16] == digest


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200_000), st.integers(1, 3000))
def test_the_mask_marks_exactly_the_listed_tokens(previous: int, vocab_size: int) -> None:
    mask = green_mask(previous, vocab_size)
    assert len(mask) == vocab_size
    assert set(mask.nonzero()[0]) == set(green_ids(previous, vocab_size).tolist())
    assert mask.sum() == int(vocab_size * GAMMA)
