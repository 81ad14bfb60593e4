"""What the doctor reads from the kernel, on kernels made of files."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway.doctor.check import State
from gateway.doctor.machine import (
    Kernel,
    check_clock,
    check_disk,
    check_encryption,
    check_exposure,
    clock_says,
    listeners,
    mount_of,
)
from gateway.settings import Settings, load
from gateway.site import Plan, create
from tests.doctor.test_papers import NOW

HEAD = "  sl  local_address rem_address   st\n"
ANY4, LOOP4 = "00000000", "0100007F"
ANY6, LOOP6 = "0" * 32, "0" * 24 + "01000000"


def a_kernel(root: Path, *, tcp: str = "", tcp6: str = "", mounts: str = "") -> Kernel:
    (root / "proc" / "net").mkdir(parents=True)
    (root / "proc" / "self").mkdir()
    (root / "sys" / "dev" / "block").mkdir(parents=True)
    (root / "proc" / "net" / "tcp").write_text(HEAD + tcp)
    (root / "proc" / "net" / "tcp6").write_text(HEAD + tcp6)
    (root / "proc" / "self" / "mountinfo").write_text(mounts)
    return Kernel(root / "proc", root / "sys")


def listens(address: str, port: int, state: str = "0A") -> str:
    return f"   0: {address}:{port:04X} 00000000:0000 {state} 0 0 0\n"


def settings_with(tmp_path: Path, **backend: object) -> Settings:
    create(tmp_path / "site", NOW, Plan(settings={"backend": backend}))
    return load(tmp_path / "site", complete=False)


@pytest.mark.parametrize(
    ("tcp", "tcp6", "state"),
    [
        (listens(LOOP4, 8089), "", State.FINE),
        ("", listens(LOOP6, 8089), State.FINE),
        ("", "", State.FINE),
        (listens(ANY4, 8089), "", State.PROBLEM),
        ("", listens(ANY6, 8089), State.PROBLEM),
        (listens(LOOP4, 8089), listens(ANY6, 8089), State.PROBLEM),
        (listens(ANY4, 80), "", State.FINE),
        (listens(ANY4, 8089, state="01"), "", State.FINE),
    ],
)
def test_a_backend_open_beyond_loopback_is_a_problem(tmp_path: Path, tcp: str, tcp6: str, state: State) -> None:
    kernel = a_kernel(tmp_path / "kernel", tcp=tcp, tcp6=tcp6)
    assert check_exposure(settings_with(tmp_path, url="http://127.0.0.1:8089"), kernel).state is state


@pytest.mark.parametrize(
    ("backend", "state"),
    [
        ({"url": "http://10.0.0.5:8080"}, State.UNKNOWN),
        ({"url": "https://10.0.0.5:8080", "api_key": {"env": "K"}}, State.NOTE),
    ],
)
def test_a_backend_on_the_network_is_not_called_safe(tmp_path: Path, backend: dict[str, object], state: State) -> None:
    assert check_exposure(settings_with(tmp_path, **backend), a_kernel(tmp_path / "kernel")).state is state


def test_real_listeners_of_this_machine_are_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listeners(server.getsockname()[1], Kernel()) == ["127.0.0.1"]


def test_the_mount_of_a_path_is_the_closest_above_it(tmp_path: Path) -> None:
    mounts = (
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 8:2 / {tmp_path} rw shared:1 - xfs /dev/sdb1 rw\n"
        f"3 1 8:3 / {tmp_path}x rw - tmpfs tmpfs rw\n"
        "4 1 8:4 / /with\\040space rw - tmpfs tmpfs rw\n"
    )
    kernel = a_kernel(tmp_path / "kernel", mounts=mounts)
    assert mount_of(tmp_path / "kernel", kernel) == mount_of(tmp_path, kernel)
    found = mount_of(tmp_path, kernel)
    assert found is not None
    assert (found.device, found.kind) == ("8:2", "xfs")
    spaced = mount_of(Path("/with space/x"), kernel)
    assert spaced is not None
    assert spaced.device == "8:4"


@pytest.mark.parametrize(("kind", "problems"), [("ext4", 0), ("xfs", 0), ("tmpfs", 1), ("overlay", 1)])
def test_a_record_that_would_be_lost_is_a_problem(tmp_path: Path, kind: str, problems: int) -> None:
    kernel = a_kernel(tmp_path / "kernel", mounts=f"1 0 8:1 / / rw - {kind} x rw\n")
    checks = list(check_disk(tmp_path / "not" / "yet", kernel))
    assert len([check for check in checks[1:] if check.state is State.PROBLEM]) == problems


def test_dm_crypt_is_seen_through_the_volumes_above_it(tmp_path: Path) -> None:
    kernel = a_kernel(tmp_path / "kernel", mounts="1 0 253:1 / / rw - ext4 /dev/mapper/data rw\n")
    block = kernel.sys / "dev" / "block" / "253:1"
    (block / "dm").mkdir(parents=True)
    (block / "dm" / "uuid").write_text("LVM-abc\n")
    assert check_encryption(tmp_path, kernel).state is State.UNKNOWN
    below = block / "slaves" / "dm-0" / "dm"
    below.mkdir(parents=True)
    (below / "uuid").write_text("CRYPT-LUKS2-abc\n")
    assert check_encryption(tmp_path, kernel).state is State.FINE


def test_a_kernel_that_tells_nothing_leaves_encryption_unknown(tmp_path: Path) -> None:
    assert check_encryption(tmp_path, Kernel(tmp_path / "none", tmp_path / "none")).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "state"), [(0, State.FINE), (3, State.FINE), (5, State.UNKNOWN), (-1, State.UNKNOWN)]
)
def test_the_clock_is_fine_only_when_the_kernel_says_so(answer: int, state: State) -> None:
    assert clock_says(answer).state is state


def test_this_machines_clock_can_be_asked() -> None:
    assert check_clock().state in (State.FINE, State.UNKNOWN)
