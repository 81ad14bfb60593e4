"""Keys: derived, kept safe on disk, rotated, distrusted."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from pathlib import Path

import pytest

from watermark import KeyFileError, Keys
from watermark import keys as key_files


def test_every_layer_and_epoch_has_its_own_key() -> None:
    keys = Keys.from_master(bytes(32), [1, 2, 3])
    material = [
        getattr(e, layer) for e in keys.epochs for layer in ("cipher", "mac", "context", "bind", "choice", "sampler")
    ]
    assert len({*material, keys.fingerprint}) == 19
    assert all(len(key) == 32 for key in material)
    assert keys.current.epoch == 3
    assert keys.of(2) is keys.epochs[1]
    assert keys.of(9) is None


def test_the_fingerprint_key_outlives_epochs() -> None:
    assert Keys.from_master(bytes(32), [1]).fingerprint == Keys.from_master(bytes(32), [5, 6]).fingerprint


def test_a_token_that_holds_the_master_can_derive() -> None:
    keys = Keys.from_deriver(lambda info, size: hmac.digest(b"held in hardware", info, "sha256")[:size])
    assert keys.current.mac == hmac.digest(b"held in hardware", b"hangu/watermark/1/mac", sha256)


@pytest.mark.parametrize(("master", "epochs"), [(b"short", [1]), (bytes(32), []), (bytes(32), range(1, 10))])
def test_weak_masters_and_too_many_epochs_are_refused(master: bytes, epochs: list[int]) -> None:
    with pytest.raises(KeyFileError):
        Keys.from_master(master, epochs)


def test_a_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    made = key_files.generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_files.load(path) == made
    with pytest.raises(KeyFileError, match="exists already"):
        key_files.generate(path)


def test_rotation_keeps_old_epochs_until_there_are_eight(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    first = key_files.generate(path, lambda size: bytes(size))
    second = key_files.rotate(path)
    assert [epoch.epoch for epoch in second.epochs] == [2, 1]
    assert second.epochs[1] == first.current
    for _ in range(10):
        last = key_files.rotate(path)
    assert [epoch.epoch for epoch in last.epochs] == [12, 11, 10, 9, 8, 7, 6, 5]


def test_distrusting_the_current_epoch_begins_the_next(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    key_files.generate(path)
    after = key_files.distrust(path, 1)
    assert [(epoch.epoch, epoch.trusted) for epoch in after.epochs] == [(2, True), (1, False)]
    assert key_files.distrust(path, 1).current.epoch == 2


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("{}", 0o644, "readable by others"),
        ("no json", 0o600, "not JSON"),
        ("[]", 0o600, "not a version 1"),
        ('{"kind": "hangu-watermark-keys", "version": 1, "epochs": [1]}', 0o600, "master"),
        ('{"kind": "hangu-watermark-keys", "version": 1, "master": "!!", "epochs": [1]}', 0o600, "base64"),
        ('{"kind": "hangu-watermark-keys", "version": 1, "master": "AAAA", "epochs": [1]}', 0o600, "at least 32"),
        (
            json.dumps({"kind": "hangu-watermark-keys", "version": 1, "master": "A" * 44, "epochs": "x"}),
            0o600,
            "epochs",
        ),
    ],
)
def test_a_bad_key_file_is_refused_with_its_fault(tmp_path: Path, content: str, mode: int, says: str) -> None:
    path = tmp_path / "marks.json"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=says):
        key_files.load(path)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="keygen"):
        key_files.load(tmp_path / "none.json")
