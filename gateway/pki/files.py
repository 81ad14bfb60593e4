"""Writing files that must not be lost, overwritten or readable by others. What is in them is the caller's matter."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.core.errors import GatewayError

PUBLIC = 0o644
PRIVATE = 0o600


def write_new(path: Path, data: bytes, mode: int = PUBLIC) -> Path:
    """Create the file with this mode from its first byte on. Raises GatewayError when something is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        raise GatewayError("is there already", str(path), "nothing is overwritten: choose another name") from None
    except OSError as error:
        raise GatewayError(f"cannot be written ({error.strerror})", str(path)) from error
    with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        os.fchmod(handle, mode)  # whatever the umask
        file.write(data)
        file.flush()
        os.fsync(handle)
    return path


def replace(path: Path, data: bytes, mode: int = PUBLIC) -> Path:
    """Put new content in place in one step: a reader sees the old file or the new one, never a half."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, data, mode)
    fresh.replace(path)
    return path


def private_directory(path: Path) -> Path:
    """A directory only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
