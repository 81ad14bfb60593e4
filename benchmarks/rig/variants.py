"""Hangu with some of its controls off, by its own policy files alone. What cannot be turned off stays: identity, access, limits, the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Policy = dict[str, Any]
Change = Callable[[Policy], Policy]


def without_attacks(site: Path) -> None:
    """One rule, because the policy has to have one, and no model; form and size are judged as ever."""
    for name, kept in (("agentic", 0), ("injection", 0), ("structure", 1)):
        _change(
            site,
            f"waf/{name}.yaml",
            lambda policy, kept=kept: {"version": policy["version"], "rules": policy["rules"][:kept]},  # type: ignore[misc]
        )
    _change(
        site,
        "waf/settings.yaml",
        lambda policy: {
            **policy,
            "linear": {**policy["linear"], "use": False},
            "core_rules": {**policy["core_rules"], "mode": "off"},
        },
    )


def without_personal_data(site: Path) -> None:
    _change(
        site,
        "pii/policy.yaml",
        lambda policy: {
            "default": {"request": "allow", "response": "allow"},
            "names": {**policy["names"], "request": "off", "response": "off"},
        },
    )


def without_output(site: Path) -> None:
    _change(
        site,
        "output.yaml",
        lambda policy: {
            **policy,
            "images": {**policy["images"], "effect": "allow"},
            "markup": {"effect": "allow"},
            "tools": [],
            "rules": [],
        },
    )


def without_marks(site: Path) -> None:
    _change(site, "watermark.yaml", lambda policy: {**policy, "default": "off", "metadata": "off", "visible": "off"})


def with_names(site: Path) -> None:
    """People and places by language models too, in requests."""
    _change(site, "pii/policy.yaml", lambda policy: {**policy, "names": {**policy["names"], "request": "models"}})


_OFF: Mapping[str, Callable[[Path], None]] = {
    "attacks": without_attacks,
    "personal data": without_personal_data,
    "output": without_output,
    "marks": without_marks,
}


def only(*controls: str) -> Callable[[Path], None]:
    """These controls on, and no other."""

    def apply(site: Path) -> None:
        for name, turn_off in _OFF.items():
            if name not in controls:
                turn_off(site)

    return apply


VARIANTS: Mapping[str, Callable[[Path], None]] = {
    "hangu, none": only(),
    "hangu, attacks": only("attacks"),
    "hangu, personal data": only("personal data"),
    "hangu, output": only("output"),
    "hangu, marks": only("marks"),
    "hangu, all": only(*_OFF),
    "hangu, all and names": with_names,
}


def _change(site: Path, name: str, change: Change) -> None:
    path = site / "policies" / name
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text())), allow_unicode=True, sort_keys=False))
