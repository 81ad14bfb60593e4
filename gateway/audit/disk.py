"""What the journal asks of a disk, and the real one. A short write is made whole or raised here; what to do then is `segment`'s."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Files by descriptor. Every method raises OSError as the operating system does."""

    def create(self, path: Path) -> int: ...

    def publish(self, made: Path, path: Path) -> None: ...

    def reserve(self, fd: int, offset: int, length: int) -> None: ...

    def write(self, fd: int, data: bytes, offset: int) -> None: ...

    def sync(self, fd: int) -> None: ...

    def truncate(self, fd: int, length: int) -> None: ...

    def close(self, fd: int) -> None: ...

    def free(self, directory: Path) -> int: ...


class RealDisk:
    """The operating system's own calls."""

    def create(self, path: Path) -> int:
        """A new file. Refuses to open one that exists."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def publish(self, made: Path, path: Path) -> None:
        """Give a file the name that readers look for, durably."""
        made.replace(path)
        sync_directory(path.parent)

    def reserve(self, fd: int, offset: int, length: int) -> None:
        """Space for what comes, so that syncing need not change the file's length."""
        os.posix_fallocate(fd, offset, length)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """All of `data`, or an OSError: a full disk first writes a part and says nothing."""
        done = 0
        while done < len(data):
            wrote = os.pwrite(fd, data[done:] if done else data, offset + done)
            if wrote == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            done += wrote

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)

    def truncate(self, fd: int, length: int) -> None:
        os.ftruncate(fd, length)

    def close(self, fd: int) -> None:
        os.close(fd)

    def free(self, directory: Path) -> int:
        """Bytes an ordinary user may still write there."""
        told = os.statvfs(directory)
        return told.f_bavail * told.f_frsize


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace_durably(path: Path, data: bytes) -> None:
    """The file's new content, whole or not at all, whatever happens meanwhile."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)
