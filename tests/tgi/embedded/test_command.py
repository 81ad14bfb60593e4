"""`hangu backend` and `python -m tgi.embedded`, short of loading a model."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

import pytest

from gateway.cli import backend
from gateway.cli.main import VERBS
from tgi.embedded import weights
from tgi.embedded.serving import DEFAULT_PORT, announce


def test_the_verb_says_the_same_in_the_list_and_in_its_own_file() -> None:
    assert (backend.HELP["en"], backend.HELP["zh"]) == VERBS[backend.NAME]


def test_the_port_is_the_one_a_fresh_site_expects() -> None:
    parser = argparse.ArgumentParser()
    backend.configure(parser)
    assert parser.parse_args([]).port == DEFAULT_PORT == 8089
    assert parser.parse_args(["--port", "0"]).port == 0


def test_being_ready_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    announce("http://127.0.0.1:1")
    assert capsys.readouterr().out == "ready http://127.0.0.1:1\n"


def test_the_pinned_weights_are_installed_and_are_the_ones_we_mean() -> None:
    assert weights.find().name == weights.FILE
    assert importlib.metadata.version(weights.PACKAGE) in weights.HOW_TO_INSTALL


def test_weights_of_another_digest_are_refused(tmp_path: Path) -> None:
    forged = tmp_path / weights.FILE
    forged.write_bytes(b"not a model")
    with pytest.raises(weights.WeightsMissing, match="reinstall"):
        weights.checked(forged, weights.SHA256)
