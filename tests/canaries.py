"""Watches the whole suite's output for secrets: what any test's gateway wrote must hold no key and no token of any test.

Every private key and every token that a test makes lies in a file below pytest's temporary folder; each of them is a canary.
At the end all that was captured, of passed tests too, is searched for them. A find fails the run and names test and file,
never the secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

NAMES = ("*.key", "*.pem", "*.jwt", "*.pin", "*.token")
MAX_BYTES = 64 * 1024  # a key file is smaller; a model or a segment is larger
LEAST = 20  # characters: shorter words are nobody's secret by themselves
_WORD = re.compile(rf"[A-Za-z0-9_+/=-]{{{LEAST},}}")
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", re.S)


class Watch:
    """What was written so far, as words that could be secret, each with the test that wrote it first."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.leaks: list[str] = []

    def hear(self, test: str, text: str) -> None:
        for word in words(text):
            self.words.setdefault(word, test)

    def find(self, folder: Path) -> list[str]:
        """`test wrote what is in file`, for each secret that was written."""
        return [f"{self.words[word]} wrote what is in {path}" for path, word in secrets(folder) if word in self.words]


def words(text: str) -> set[str]:
    """Everything that is long enough to be a secret. Line ends inside JSON strings part words too."""
    return set(_WORD.findall(text.replace("\\n", "\n")))


def secrets(folder: Path) -> Iterator[tuple[str, str]]:
    """Each secret word of each key and token file, with the file's place."""
    for pattern in NAMES:
        for path in folder.rglob(pattern):
            if path.is_file() and path.stat().st_size <= MAX_BYTES:
                for word in _secret_words(path.name, path.read_bytes()):
                    yield str(path.relative_to(folder)), word


def _secret_words(name: str, data: bytes) -> Iterable[str]:
    text = data.decode("latin-1")
    if "-----BEGIN" in text:
        return {word for block in _PRIVATE.findall(text) for word in words(block)}
    if name.endswith(".jwt"):
        return words(text.rpartition(".")[2])  # the signature: what makes it worth stealing
    return {data.hex(), *words(text)} if len(data) >= LEAST // 2 else ()


_WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WATCH] = Watch()
    config.pluginmanager.register(_Listener(config.stash[_WATCH]), "canaries")


class _Listener:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for _, text in report.sections:
            self.watch.hear(report.nodeid, text)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for leak in self.watch.leaks:
            terminalreporter.write_line(f"SECRET IN THE OUTPUT: {leak}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Once, where all reports arrive: not in the workers of xdist."""
    if hasattr(session.config, "workerinput"):
        return
    watch = session.config.stash[_WATCH]
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    watch.leaks = watch.find(factory.getbasetemp())
    if watch.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
