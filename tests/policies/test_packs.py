"""The industry packs, laid over the default policies as their README says: each holds its own cases, and all the others'."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import app
from gateway.cli import policy_candidate
from gateway.settings import Settings
from policies import bundle

POLICIES = Path(bundle.__file__).parent
PACKS = sorted(path for path in (POLICIES / "packs").iterdir() if path.is_dir())
MODELS = {"healthcare"}  # packs that ask language models


def laid_over(pack: Path) -> dict[str, bytes]:
    """The default policies with a pack's files in place of theirs."""
    files = bundle.gather(POLICIES / "default")
    kept = {name: data for name, data in files.items() if not name.startswith("pii/") and name != "cases/pii.yaml"}
    return kept | bundle.gather(pack)


@pytest.mark.parametrize(
    "pack",
    [pytest.param(pack, marks=[pytest.mark.real_model] if pack.name in MODELS else []) for pack in PACKS],
    ids=lambda pack: pack.name,
)
def test_a_pack_keeps_its_promises_and_those_of_every_other_section(pack: Path) -> None:
    files = laid_over(pack)
    said = Settings.model_validate(policy_candidate._BARE, context={"site": pack})
    made = policy_candidate.of(bundle.assemble(files), said, pack, None)
    assert sum(file == "cases/pii.yaml" for file, _ in made.bundle.cases.entries) >= 6
    assert app.unmet_cases(made.bundle, made.gate, said) == []


def test_each_pack_says_what_it_is_for_in_both_languages() -> None:
    for pack in PACKS:
        head = (pack / "pii" / "policy.yaml").read_text("utf-8").splitlines()[:3]
        assert any("\u4e00" <= sign <= "\u9fff" for sign in "".join(head)), pack.name
