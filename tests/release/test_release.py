"""A release: the same bytes for everybody, every package listed, signed and checked without a network, and no green by silence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from release.audit import FINE, FOUND, LOCKS, UNKNOWN, judge, locked
from release.sbom import sbom, shipped

ROOT = Path(__file__).parents[2]
needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="NOT A GIT CLONE: a wheel is built of a commit")
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="NO SSH-KEYGEN HERE")


def build(out: Path, umask: int, zone: str) -> bytes:
    environment = {**os.environ, "TZ": zone, "TMPDIR": str(out.parent), "PYTHON": sys.executable}
    command = ["bash", "-c", f"umask {umask:03o}; exec release/build.sh {out}"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
    (wheel,) = out.glob("hangu-*.whl")
    return wheel.read_bytes()


@needs_git
def test_two_builds_in_different_places_at_different_times_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("here", "somewhere-else"):
        (tmp_path / name).mkdir()
    first = build(tmp_path / "here" / "out", 0o022, "Asia/Shanghai")
    second = build(tmp_path / "somewhere-else" / "out", 0o077, "America/New_York")
    assert first == second
    assert len(first) > 100_000


def test_the_list_of_contents_holds_every_locked_package_and_is_the_same_twice() -> None:
    told = sbom()
    listed = json.loads(told)
    assert {f"{each['name']}=={each['version']}" for each in listed["components"]} == shipped()
    assert listed["metadata"]["component"]["name"] == "hangu"
    assert all(each["externalReferences"][0]["hashes"] for each in listed["components"])
    assert sbom() == told


@needs_ssh
class TestSignature:
    """`release/sign.sh` and `release/verify.sh` over a small release."""

    @pytest.fixture
    def signed(self, tmp_path: Path) -> Path:
        out = tmp_path / "out"
        out.mkdir()
        (out / "hangu.whl").write_bytes(b"a wheel")
        subprocess.run("sha256sum -- * > SHA256SUMS", shell=True, cwd=out, check=True)
        for name in ("release", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
        public = (tmp_path / "release.pub").read_text()
        (tmp_path / "signers").write_text(f'release@hangu namespaces="hangu-release" {public}')
        self.sign(tmp_path, "release")
        return tmp_path

    def sign(self, place: Path, key: str) -> None:
        subprocess.run(
            [str(ROOT / "release" / "sign.sh"), str(place / "out"), str(place / key)], check=True, capture_output=True
        )

    def verifies(self, place: Path) -> bool:
        command = [str(ROOT / "release" / "verify.sh"), str(place / "out"), str(place / "signers"), "release@hangu"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def test_a_release_as_it_was_signed_is_whole(self, signed: Path) -> None:
        assert self.verifies(signed)

    def test_a_changed_file_is_found(self, signed: Path) -> None:
        (signed / "out" / "hangu.whl").write_bytes(b"another wheel")
        assert not self.verifies(signed)

    def test_a_file_put_beside_the_others_is_found(self, signed: Path) -> None:
        (signed / "out" / "hangu-2.whl").write_bytes(b"another wheel")
        assert not self.verifies(signed)

    def test_changed_sums_are_found(self, signed: Path) -> None:
        (signed / "out" / "hangu.whl").write_bytes(b"another wheel")
        subprocess.run("sha256sum hangu.whl > SHA256SUMS", shell=True, cwd=signed / "out", check=True)
        assert not self.verifies(signed)

    def test_a_strangers_signature_does_not_count(self, signed: Path) -> None:
        self.sign(signed, "stranger")
        assert not self.verifies(signed)


class TestAudit:
    """pip-audit calls packages that its index does not know a success. Here that is "could not tell"."""

    GOOD = (
        '{"dependencies": [{"name": "A_b", "version": "1", "vulns": []}, {"name": "c", "version": "2", "vulns": []}]}'
    )

    def test_every_package_looked_at_and_none_with_an_advisory_is_fine(self) -> None:
        assert judge(self.GOOD, {"a-b", "c"})[0] == FINE

    def test_an_advisory_is_found_whatever_else_is_unknown(self) -> None:
        bad = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
        status, said = judge(json.dumps({"dependencies": [bad]}), {"a-b", "c"})
        assert (status, said) == (FOUND, ["c 2: PYSEC-1, fixed in 3"])

    @pytest.mark.parametrize(
        "report",
        [
            "",
            "{}",
            '{"dependencies": []}',
            '{"dependencies": [{"name": "c", "version": "2", "vulns": []}]}',
            '{"dependencies": [{"name": "a-b", "skip_reason": "not found on PyPI"}, {"name": "c", "version": "2", "vulns": []}]}',
        ],
    )
    def test_silence_is_not_green(self, report: str) -> None:
        assert judge(report, {"a-b", "c"})[0] == UNKNOWN

    @pytest.mark.parametrize("name", LOCKS)
    def test_it_knows_what_it_should_look_at(self, name: str) -> None:
        assert len(locked((ROOT / "requirements" / name).read_text())) >= 1
