"""A change is taken up whole or not at all, and the gate in force stays when the new one is no good."""

from __future__ import annotations

from pathlib import Path

from gateway.core.errors import PolicyError
from gateway.core.pipeline import Gate
from gateway.reload import CurrentGate, Watch
from tests.make import a_gate


class Policies:
    """A directory with one file whose text is the digest; a file that says "broken" is refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[str, str]] = []
        self.write("one")
        self.current = CurrentGate(self.build())
        self.watch = Watch(folder, 1.0, self.current, self.build, self.tell)

    def write(self, text: str) -> None:
        (self.folder / "rules.yaml").write_text(text)

    def build(self) -> Gate:
        text = (self.folder / "rules.yaml").read_text()
        if text == "broken":
            raise PolicyError("cannot be read", "rules.yaml")
        return a_gate(digest=text)

    async def tell(self, result: str, what: str) -> None:
        self.told.append((result, what))


async def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    policies = Policies(tmp_path)
    policies.write("two, longer")
    assert await policies.watch.look()
    assert (policies.current.gate.digest, policies.told) == ("two, longer", [("loaded", "two, longer")])


async def test_nothing_is_built_while_nothing_changed(tmp_path: Path) -> None:
    policies = Policies(tmp_path)
    gate = policies.current.gate
    assert not await policies.watch.look()
    assert policies.current.gate is gate and policies.told == []


async def test_a_policy_that_cannot_be_used_leaves_the_old_one_in_force_and_is_told_once(tmp_path: Path) -> None:
    policies = Policies(tmp_path)
    gate = policies.current.gate
    policies.write("broken")
    assert await policies.watch.look()
    assert not await policies.watch.look()
    assert policies.current.gate is gate
    assert policies.told == [("refused", "rules.yaml: cannot be read")]


async def test_a_mended_policy_is_taken_up(tmp_path: Path) -> None:
    policies = Policies(tmp_path)
    policies.write("broken")
    await policies.watch.look()
    policies.write("mended again")
    await policies.watch.look()
    assert policies.current.gate.digest == "mended again"


async def test_a_file_that_is_added_or_removed_is_a_change(tmp_path: Path) -> None:
    policies = Policies(tmp_path)
    (tmp_path / "more.yaml").write_text("x")
    assert await policies.watch.look()
    (tmp_path / "more.yaml").unlink()
    assert await policies.watch.look()
