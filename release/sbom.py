"""What is shipped, as a CycloneDX list: from the lock files, with hashes and licences' places. The same input gives the same bytes.

python -m release.sbom OUT
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime.txt", "model.txt")  # what tests need is not shipped


def sbom() -> str:
    """The list as CycloneDX 1.6 JSON, of what runs in production."""
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder) / "shipped.txt"
        together.write_text("\n".join((ROOT / "requirements" / name).read_text() for name in LOCKS))
        command = [
            sys.executable,
            "-m",
            "cyclonedx_py",
            "requirements",
            "--output-reproducible",
            "--spec-version",
            "1.6",
        ]
        command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-format", "JSON", str(together)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.dumps(_named(json.loads(done.stdout)), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _named(listed: dict[str, object]) -> dict[str, object]:
    """The components in the order of their names: what a difference of two lists shows is what changed."""
    components = listed["components"]
    assert isinstance(components, list)
    for each in components:
        each.pop("description", None)  # the line of the lock file, whose hashes stand below
    components.sort(key=lambda each: (each["name"], each.get("version", "")))
    return listed


def shipped() -> set[str]:
    """Every package with its version that the lock files name."""
    text = "\n".join((ROOT / "requirements" / name).read_text() for name in LOCKS)
    return {
        f"{name}=={version}"
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.M)
    }


def version() -> str:
    """The version that pyproject.toml gives."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(sbom(), "utf-8")
