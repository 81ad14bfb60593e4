"""`hangu --help` names every verb in both languages, and each verb is there."""

from __future__ import annotations

from importlib import import_module

import pytest

from gateway.cli.main import VERBS, main


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_says_the_same_of_itself_as_the_list_does(name: str) -> None:
    module = import_module(f"gateway.cli.{name}")
    assert name == module.NAME
    assert set(module.HELP) == {"en", "zh"}
    assert callable(module.configure) and callable(module.run)


@pytest.mark.parametrize(("locale", "word"), [("en_US.UTF-8", "run the gateway"), ("zh_CN.UTF-8", "运行网关")])
def test_help_speaks_the_readers_language(
    locale: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert main([]) == 0
    assert word in capsys.readouterr().out


def test_a_site_that_is_not_there_is_told_with_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "/nowhere/at/all"]) == 2
    assert "hangu init" in capsys.readouterr().err
