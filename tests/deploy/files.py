"""Where the deployment files are, and YAML as its readers have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = ROOT / "docker-compose.yml"
OVERRIDES = sorted((DEPLOY / "compose").glob("*.yml"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def one(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def every(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def resources() -> list[Any]:
    """Every Kubernetes object."""
    return [resource for path in MANIFESTS for resource in every(path)]


def arguments(words: list[str]) -> list[str]:
    """`--a=b` and `--a b` written alike."""
    return [part for word in words for part in word.split("=", 1)]
