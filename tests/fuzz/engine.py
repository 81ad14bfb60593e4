"""Makes bytes for one target for a given time: guided by coverage (atheris) where there is a wheel of it, else by plain mutation.

    python -m tests.fuzz.engine TARGET SECONDS [--plain]

Prints one line of JSON at the end. An input that breaks the law is kept in `tests/fuzz/found/` and ends the run with exit 1.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

OURS = ["gateway", "policies", "tgi", "watermark"]
FOUND = Path(__file__).parent / "found"
HANG_SECONDS = 20  # for one input: a hundred times what the slowest target takes
MAX_BYTES = 4096
MEMORY_MB = 3000


def main(arguments: Sequence[str]) -> int:
    name, seconds = arguments[0], int(arguments[1])
    if "--plain" not in arguments and importlib.util.find_spec("atheris"):
        return _guided(name, seconds)
    return _plain(name, seconds)


def _guided(name: str, seconds: int) -> int:
    """libFuzzer's loop; it never comes back: what it did is told by `atexit`'s stand-in, the final statistics on stderr."""
    import atheris

    with atheris.instrument_imports(include=OURS):
        from tests.fuzz import trees
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for seed in target.corpus():
            target.uphold(seed)  # what is made once (a gate, a record) is made before anybody counts the time
            (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        FOUND.mkdir(exist_ok=True)
        options = [
            f"-max_total_time={seconds}",
            f"-timeout={HANG_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={MAX_BYTES}",
            f"-artifact_prefix={FOUND}/{name}-",
            "-print_final_stats=1",
            "-verbosity=1",
        ]

        def mutate(data: bytes, size: int, seed: int) -> bytes:
            told = trees.changed(random.Random(seed), data) if seed % 2 else None
            return (told or atheris.Mutate(data, size))[:size]

        more = {"custom_mutator": mutate} if target.json else {}
        atheris.Setup([sys.argv[0], *options, str(corpus)], target.uphold, **more)
        atheris.Fuzz()
    return 0


def _plain(name: str, seconds: int) -> int:
    from tests.fuzz import trees
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    corpus = target.corpus()
    chance = random.Random(int(os.environ.get("HANGU_FUZZ_SEED", "1")))
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(chance, corpus)
        if target.json and chance.random() < 0.5:
            data = trees.changed(chance, chance.choice(corpus)) or data
        runs += 1
        try:
            target.uphold(data)
        except BaseException:
            FOUND.mkdir(exist_ok=True)
            (FOUND / f"{name}-{sha256(data).hexdigest()[:16]}").write_bytes(data)
            raise
    print(json.dumps({"executions": runs}))
    return 0


def mutated(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """One input of the corpus with a few changes; now and then with a piece of another."""
    data = bytearray(chance.choice(corpus)[:MAX_BYTES])
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at, size = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 4, 16))
        match chance.randrange(5):
            case 0:
                data[at : at + size] = b""
            case 1:
                data[at:at] = chance.randbytes(size)
            case 2:
                data[at : at + 1] = bytes([chance.choice(INTERESTING)])
            case 3:
                data[at:at] = data[at : at + size] * chance.choice((1, 2, 50))
            case _:
                other = chance.choice(corpus)
                begin = chance.randrange(len(other) + 1)
                data[at : at + size] = other[begin : begin + 16]
    return bytes(data[:MAX_BYTES])


INTERESTING = b"\x00\x01\x7f\x80\xff\"\\{}[]:,'\r\n\t -+.0919aeEuU&*!%@`|>#"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
