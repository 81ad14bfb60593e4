"""The reader printed in the reference, run as it stands: under a hundred lines, the standard library alone, and it agrees with us."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.audit.disclosure import Person, erase
from gateway.audit.frames import segments
from gateway.audit.journal import Journal
from gateway.audit.proof import newest
from gateway.audit.seal import FileSigner
from gateway.audit.segment import Sizes
from tests.audit.examples import AT, a_closed, an_opened

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "audit-format.md"
SIZES = Sizes(segment=16_384, step=4096, ballast=0, reserve=0)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "reader.py"
    path.write_text(code)
    return path


def run(reader: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", str(reader), str(directory)], capture_output=True, text=True)


async def write(directory: Path, signer: FileSigner) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        for n in range(40):
            await journal.append(an_opened(f"x{n}", f"第{n}份合同"))
            await journal.append(a_closed(f"x{n}", f"回答{n}"))


def test_the_reader_has_at_most_a_hundred_lines(reader: Path) -> None:
    assert len(reader.read_text().splitlines()) <= 100


async def test_it_reads_every_record_and_finds_the_signed_root(
    directory: Path, signer: FileSigner, reader: Path
) -> None:
    await write(directory, signer)
    told = run(reader, directory)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(81))
    assert [line["texts"] for line in lines if line.get("id") == "x7"] == [["第7份合同"], ["回答7"]]
    name, size, root = newest(directory, "w0").text.decode().split("\n")[:3]
    assert told.stderr.split() == ["w0", size, root]
    assert name == "hangu.test/w0"


async def test_it_reads_what_was_erased_as_erased(directory: Path, signer: FileSigner, reader: Path) -> None:
    await write(directory, signer)
    async with Journal.open(directory, "cli", sizes=SIZES, signer=signer) as journal:
        await erase(directory, journal, None, Person("eve", ("auditor",)), ("acme", "ana"), "request", AT + 100)
    lines = [json.loads(line) for line in run(reader, directory).stdout.splitlines()]
    assert sum(line["erased"] for line in lines) == 80
    assert not any(line["texts"] for line in lines)


async def test_it_stops_at_a_changed_byte(directory: Path, signer: FileSigner, reader: Path) -> None:
    await write(directory, signer)
    path = segments(directory, "w0")[1][1]
    data = path.read_bytes()
    path.write_bytes(data.replace("合同".encode(), "合用".encode(), 1))
    assert "is damaged" in run(reader, directory).stderr
