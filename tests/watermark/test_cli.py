"""The command line, end to end."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import prose

from watermark.cli import main


@pytest.fixture
def key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "marks.json")
    assert main(["keygen", "--key", path]) == 0
    capsys.readouterr()
    return path


def test_what_embed_writes_detect_reads(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain, marked = tmp_path / "plain.txt", tmp_path / "marked.txt"
    plain.write_text(prose("zh", 1), "utf-8")
    assert main(["embed", "--key", key, "--mark-id", "123", str(plain)]) == 0
    marked.write_text(capsys.readouterr().out, "utf-8")
    assert main(["detect", "--key", key, str(marked)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["marked"] is True
    assert (found["marks"][0]["mark_id"], found["marks"][0]["bound"]) == (123, True)
    assert main(["detect", "--key", key, str(plain)]) == 1
    assert json.loads(capsys.readouterr().out) == {"marked": False, "bursts": 0, "marks": []}
    assert main(["scrub", str(marked)]) == 0
    assert capsys.readouterr().out == prose("zh", 1)


def test_a_mark_id_is_drawn_where_none_is_given(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t").write_text(prose("en", 1))
    assert main(["embed", "--key", key, "--profile", "off", str(tmp_path / "t")]) == 0
    out, said = capsys.readouterr()
    assert out == prose("en", 1)
    assert "epoch 1" in said


def test_keys_rotate_and_can_be_distrusted(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rotate", "--key", key]) == 0
    assert "epoch 2" in capsys.readouterr().err
    assert main(["distrust", "--key", key, "--epoch", "2"]) == 0
    assert "marking with epoch 3" in capsys.readouterr().err


def test_token_ids_are_tested_for_tgis_mark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = tmp_path / "ids.json"
    ids.write_text(json.dumps(list(range(100, 140))))
    assert main(["detect", "--tgi", "--ids", "--vocab", "32000", "--device", "cpu", str(ids)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["marked"] is False
    assert [reading["scored"] for reading in report["readings"]] == [39, 40]
    ids.write_text('["a"]')
    assert main(["detect", "--tgi", "--ids", "--vocab", "32000", str(ids)]) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["detect", "/dev/null"], "--key is missing"),
        (["detect", "--key", "/no/such/key", "/dev/null"], "keygen"),
        (["detect", "--tgi", "/dev/null"], "--tokenizer is missing"),
        (["scrub", "/no/such/file"], "No such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_with_two(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_the_page_for_testing_channels_carries_marked_samples(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", "--key", key]) == 0
    html = capsys.readouterr().out
    assert html.startswith("<!doctype html>")
    assert len(re.findall("[\U000e0100-\U000e017f]{12}", html)) >= 6
    assert "[\\u{E0100}-\\u{E01EF}]" in html


_PAGE_IN_NODE = """
const row = () => ({ insertCell: () => { const cell = {}; cells.push(cell); return cell; } });
const cells = [], field = {}, table = { replaceChildren() {}, insertRow: row };
global.document = { getElementById: name => (name === "back" ? field : table), querySelectorAll: () => [] };
const all = new Function(process.argv[1] + "; return samples;")();
const whole = all.map(text => {
  cells.length = 0;
  field.oninput({ target: { value: text } });
  const told = cells.map(cell => String(cell.textContent)).slice(3);
  return Array.from({ length: told.length / 3 }, (_, at) => told[3 * at + 1] === told[3 * at + 2]).slice(0, -1).every(Boolean);
});
console.log(JSON.stringify(whole));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_sample_that_comes_back_whole_is_told_so_in_both_profiles(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", "--key", key]) == 0
    script = capsys.readouterr().out.partition("<script>")[2].partition("</script>")[0]
    told = subprocess.run(["node", "-e", _PAGE_IN_NODE, script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(told.stdout) == [True] * 4
