"""The machine under the site: its clock, the disk the record is on, and who could reach the backend. Linux only; else unknown."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from gateway.doctor.check import Check, State
from gateway.settings import Settings
from gateway.settings.section import is_loopback

LEAST_FREE_BYTES = 2 << 30  # about a million exchanges, time enough to notice
LEAST_FREE_SHARE = 0.05
_TIMEX_BYTES = 256  # struct timex has 208 bytes on 64-bit Linux
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_LISTENING = "0A"  # the state of /proc/net/tcp

CLOCK = ("clock", "时钟")
DISK = ("disk of the record", "审计记录所在磁盘")
ENCRYPTION = ("encryption at rest", "静态加密")
EXPOSURE = ("exposure of the backend", "后端暴露情况")


@dataclass(frozen=True, slots=True)
class Kernel:
    """Where the kernel tells about itself."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")


@dataclass(frozen=True, slots=True)
class Mount:
    """The filesystem a path is on."""

    device: str  # "major:minor"
    point: str
    kind: str


def check_clock() -> Check:
    """Whether the kernel's clock follows a time source: tokens, certificates and records depend on it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return Check(CLOCK, State.UNKNOWN, ("could not tell", "无法判断"))
    state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return clock_says(state)


def clock_says(state: int) -> Check:
    """What the answer of adjtimex(2) means."""
    if 0 <= state < _TIME_ERROR:
        return Check(CLOCK, State.FINE, ("synchronised", "已同步"))
    said = ("could not tell: the kernel knows of no time source", "无法判断：内核没有时间源信息")
    return Check(CLOCK, State.UNKNOWN, said, ("run chrony, or ask who runs the host", "运行 chrony，或询问主机管理员"))


def check_disk(directory: Path, kernel: Kernel) -> Iterator[Check]:
    """Room, and whether what is written there stays."""
    place = _existing(directory)
    room = os.statvfs(place)
    free, share = room.f_bavail * room.f_frsize, room.f_bavail / max(room.f_blocks, 1)
    size = f"{free / (1 << 30):.1f} GiB"
    said = (f"{size} free ({share:.0%}) for {directory}", f"{directory} 剩余 {size}（{share:.0%}）")
    low = free < LEAST_FREE_BYTES or share < LEAST_FREE_SHARE
    hint = ("when it is full, nothing is answered: make room", "磁盘写满后将拒绝所有请求：请清理空间")
    yield Check(DISK, State.PROBLEM if low else State.FINE, said, hint)
    mount = mount_of(place, kernel)
    if mount is not None and mount.kind in _FLEETING:
        said = (
            f"{mount.point} is {mount.kind}: {_FLEETING[mount.kind][0]}",
            f"{mount.point} 为 {mount.kind}：{_FLEETING[mount.kind][1]}",
        )
        yield Check(DISK, State.PROBLEM, said, ("put audit.directory on a disk", "将 audit.directory 放在磁盘上"))


_FLEETING = {
    "tmpfs": ("the record would be lost with the machine's power", "断电后记录会丢失"),
    "ramfs": ("the record would be lost with the machine's power", "断电后记录会丢失"),
    "overlay": ("the record would be lost with the container", "容器删除后记录会丢失"),
}


def check_encryption(directory: Path, kernel: Kernel) -> Check:
    """Whether the block device under the record is dm-crypt. Other ways (ZFS, hardware, the cloud's own) are not seen."""
    mount = mount_of(_existing(directory), kernel)
    layers = [] if mount is None else list(_layers(kernel.sys / "dev" / "block" / mount.device))
    if any(layer.startswith("CRYPT-") for layer in layers):
        return Check(ENCRYPTION, State.FINE, ("dm-crypt", "dm-crypt"))
    said = ("could not tell: no dm-crypt below the record", "无法判断：记录所在设备未见 dm-crypt")
    hint = ("use LUKS, or note how else the disk is encrypted", "使用 LUKS，或记录磁盘的其他加密方式")
    return Check(ENCRYPTION, State.UNKNOWN, said, hint)


def check_exposure(settings: Settings, kernel: Kernel) -> Check:
    """Whether somebody could ask the model without the gateway."""
    url = URL(settings.backend.url)
    host, port = url.host or "", url.port or 0
    if not is_loopback(host):
        return _remote(settings, f"{host}:{port}")
    wide = [address for address in listeners(port, kernel) if not is_loopback(address)]
    if wide:
        said = (
            f"port {port} is open on {', '.join(wide)}: the model answers without the gateway",
            f"端口 {port} 在 {', '.join(wide)} 上开放：可绕过网关访问模型",
        )
        hint = ("bind the backend to 127.0.0.1", "将后端绑定到 127.0.0.1")
        return Check(EXPOSURE, State.PROBLEM, said, hint)
    return Check(EXPOSURE, State.FINE, ("on loopback only", "仅在回环地址上"))


def _remote(settings: Settings, where: str) -> Check:
    guarded = settings.backend.api_key is not None or settings.backend.certificate is not None
    hint = (
        "close it by a network policy, and give it an api_key or client certificates",
        "用网络策略隔离，并设置 api_key 或客户端证书",
    )
    if guarded:
        said = (f"{where} is on the network; it asks for credentials", f"{where} 在网络上，但需要凭据")
        return Check(EXPOSURE, State.NOTE, said, hint)
    said = (f"could not tell who else reaches {where}", f"无法判断还有谁能访问 {where}")
    return Check(EXPOSURE, State.UNKNOWN, said, hint)


def listeners(port: int, kernel: Kernel) -> list[str]:
    """Addresses on which some process of this machine listens at the port."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in _lines(kernel.proc / "net" / name)[1:]:
            fields = line.split()
            address, _, number = fields[1].partition(":")
            if fields[3] == _LISTENING and int(number, 16) == port:
                found.append(_address(address))
    return sorted(set(found))


def mount_of(path: Path, kernel: Kernel) -> Mount | None:
    """The mount a path is on: the longest mount point above it, the last of several."""
    best: Mount | None = None
    for line in _lines(kernel.proc / "self" / "mountinfo"):
        left, _, right = line.partition(" - ")
        fields = left.split()
        point = fields[4].encode().decode("unicode_escape")
        if path.resolve().is_relative_to(point) and (best is None or len(point) >= len(best.point)):
            best = Mount(fields[2], point, right.split()[0])
    return best


def _layers(block: Path) -> Iterator[str]:
    """The device-mapper names of a block device and of every device below it."""
    uuid = block / "dm" / "uuid"
    if uuid.exists():
        yield uuid.read_text().strip()
    below = block / "slaves"
    if below.is_dir():
        for slave in below.iterdir():
            yield from _layers(slave)


def _address(text: str) -> str:
    """The kernel writes addresses as 32-bit words in the machine's own byte order."""
    words = bytes.fromhex(text)
    packed = b"".join(words[place : place + 4][::-1] for place in range(0, len(words), 4))
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _existing(path: Path) -> Path:
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
