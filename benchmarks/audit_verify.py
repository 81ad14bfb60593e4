"""How fast the record is verified, and how long a proof takes at a million records.

    python -m benchmarks.audit_verify [--records 1000000]

Records are pairs of a `Opened` and a `Closed` without texts to speak of (1.1 KB a record), written by the journal itself.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.audit_rig import a_closed, a_directory, an_opened, report
from gateway.audit.checkpoint import parse, split
from gateway.audit.frames import read, segments
from gateway.audit.hashes import Hashes
from gateway.audit.journal import Journal
from gateway.audit.merkle import consistency, inclusion
from gateway.audit.proof import prove
from gateway.audit.record import Answer
from gateway.audit.seal import FileSigner, generate_key, history_path
from gateway.audit.verify import verify


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    records = options.parse_args().records
    signer = FileSigner.parse(generate_key()[0])
    with a_directory() as directory:
        began = time.perf_counter()
        asyncio.run(write(directory, signer, records))
        figures: dict[str, Any] = {"records": records, "written_in_seconds": round(time.perf_counter() - began, 1)}
        figures |= verifying(directory, signer) | proving(directory, signer, records)
    report("audit_verify", figures, "one process; verify reads every byte, hash and checkpoint signature")


async def write(directory: Path, signer: FileSigner, records: int) -> None:
    one, other = an_opened(0), a_closed(0)
    one = replace(one, passages=tuple(replace(p, text="请总结", length=3) for p in one.passages))
    other = replace(other, answers=(Answer("choices[0].content", 4, "好的。。"),))
    async with Journal.open(directory, signer=signer) as journal:
        for begin in range(0, records - 1, 10_000):
            batch = [
                journal.submit(replace((one, other)[n % 2], id=f"x{n // 2}"))
                for n in range(begin, min(begin + 10_000, records - 1))
            ]
            await asyncio.gather(*batch)


def verifying(directory: Path, signer: FileSigner) -> dict[str, Any]:
    size = sum(path.stat().st_size for _, path in segments(directory, "w0"))
    began, cpu = time.perf_counter(), time.process_time()
    told = verify(directory, signer.public)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert told.ok, told.problems[:1]
    return {
        "megabytes": size >> 20,
        "checkpoints": told.logs[0].checkpoints,
        "verify_seconds": round(seconds, 2),
        "verify_records_per_second": round(told.records / seconds),
        "verify_records_per_cpu_second": round(told.records / cpu),
    }


def proving(directory: Path, signer: FileSigner, records: int) -> dict[str, Any]:
    """A whole proof, with its checkpoint read and signed head quoted; and the paths alone."""
    wanted = [records // 7 * n for n in range(7)]
    heads = {f.seq: f.head for _, path in segments(directory, "w0") for f in read(path) if f.seq in set(wanted)}
    took, paths = [], []
    store = Hashes(directory, "w0")
    for seq in wanted * 10:
        began = time.perf_counter()
        prove(directory, [("w0", seq, heads[seq])], signer.public)
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        inclusion(store.subtree, seq, records)
        paths.append(time.perf_counter() - began)
    notes = [parse(note) for note in split(history_path(directory, "w0").read_bytes())]
    began = time.perf_counter()
    consistency(store.subtree, notes[len(notes) // 2].size, notes[-1].size)
    between = time.perf_counter() - began
    store.close()
    return {
        "proof_ms_p50": round(sorted(took)[len(took) // 2] * 1e3, 2),
        "proof_ms_max": round(max(took) * 1e3, 2),
        "inclusion_path_ms_p50": round(sorted(paths)[len(paths) // 2] * 1e3, 2),
        "consistency_path_ms": round(between * 1e3, 2),
    }


if __name__ == "__main__":
    main()
