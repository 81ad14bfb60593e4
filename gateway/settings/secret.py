"""How a secret comes in: by reference, never by value. What secrets are for is their reader's matter.

A `Secret` holds where the value is, not what it is: printing one, logging one or putting one into an error shows nothing.
A `TokenKey` names a key that is used where it is and never read: `gateway.keys` knows how.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from gateway.core.errors import SettingsError

MAX_SECRET_BYTES = 64 * 1024  # a PEM chain with its key is under 20 KB; anything larger is the wrong file


@dataclass(frozen=True, slots=True)
class Secret:
    """A file or an environment variable that holds the value. Read anew on each call, so that it can be rotated."""

    file: Path | None = None
    env: str = ""

    @property
    def source(self) -> str:
        """Where the value is, for messages."""
        return f"the environment variable {self.env}" if self.file is None else str(self.file)

    def reveal(self) -> bytes:
        """The value as it is stored. Raises SettingsError when it cannot be read or is empty."""
        value = self._from_environment() if self.file is None else _from_file(self.file)
        if not value:
            raise SettingsError("the secret is empty", self.source, "write the value there")
        return value

    def text(self) -> str:
        """The value as one line of UTF-8, without the newline that editors add."""
        try:
            return self.reveal().decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise SettingsError("the secret is not UTF-8 text", self.source) from None

    def key(self, length: int = 32) -> bytes:
        """The value as `length` key bytes: stored raw, in hexadecimal or in base64."""
        value = self.reveal()
        for candidate in (value, _hexadecimal(value.strip()), _base64(value.strip())):
            if len(candidate) == length:
                return candidate
        hint = f"make one with: head -c {length} /dev/urandom | xxd -p -c {length}"
        raise SettingsError(f"the key is not {length} bytes, raw or in hexadecimal or base64", self.source, hint)

    def _from_environment(self) -> bytes:
        value = os.environ.get(self.env)
        if value is None:
            raise SettingsError("the environment variable is not set", self.env, "set it before the gateway starts")
        return os.fsencode(value)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key in a PKCS#11 token: the token's library, its label, the key's label, and where the PIN is."""

    module: Path
    token: str
    key: str
    pin: Secret

    @property
    def source(self) -> str:
        """Where the key is, for messages."""
        return f'key "{self.key}" in token "{self.token}"'


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            value = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"the secret cannot be read ({error.strerror})", str(path)) from error
    if len(value) > MAX_SECRET_BYTES:
        raise SettingsError(f"the file is over {MAX_SECRET_BYTES} bytes", str(path), "is it the right file?")
    return value


def _hexadecimal(value: bytes) -> bytes:
    try:
        return binascii.unhexlify(value)
    except binascii.Error:
        return b""


def _base64(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""


def site_of(info: ValidationInfo) -> Path:
    """The directory that relative paths start from: handed in by the loader."""
    return Path((info.context or {}).get("site", "."))


def _parse(value: Any, info: ValidationInfo) -> Secret:
    match value:
        case Secret():
            return value
        case {"file": str(path)} if len(value) == 1 and path:
            return Secret(file=site_of(info) / path)
        case {"env": str(name)} if len(value) == 1 and name:
            return Secret(env=name)
        case {"pkcs11": _}:
            raise _wrong("this secret is read, and a token gives none out", 'write {file = "…"} or {env = "NAME"}')
        case str():
            raise _wrong(
                "a secret is not written into this file",
                'put it into a file of mode 0600 and write {file = "…"}, or write {env = "NAME"}',
            )
        case _:
            raise _wrong("a secret is named by exactly one of file and env", 'write {file = "…"} or {env = "NAME"}')


def _parse_key(value: Any, info: ValidationInfo) -> Secret | TokenKey:
    match value:
        case TokenKey():
            return value
        case {"pkcs11": dict(told)} if len(value) == 1:
            return _token_key(told, info)
        case {"pkcs11": _}:
            raise _wrong("a key in a token is named by a table", _SHAPE)
        case _:
            return _parse(value, info)


def _token_key(told: dict[str, Any], info: ValidationInfo) -> TokenKey:
    names = ("module", "token", "key")
    if set(told) != {*names, "pin"} or not all(isinstance(told[name], str) and told[name] for name in names):
        raise _wrong("a key in a token needs exactly module, token, key and pin", _SHAPE)
    if isinstance(told["pin"], str | int):
        raise _wrong("a PIN is not written into this file", 'write pin = {file = "…"} or pin = {env = "NAME"}')
    return TokenKey(site_of(info) / told["module"], told["token"], told["key"], _parse(told["pin"], info))


_SHAPE = '{pkcs11 = {module = "/usr/lib/….so", token = "LABEL", key = "LABEL", pin = {file = "…"}}}'


def _parse_file(value: Any, info: ValidationInfo) -> Secret:
    secret = _parse(value, info)
    if secret.file is None:
        raise _wrong("this key is read from a file only: TLS libraries take a path", 'write {file = "…"}')
    return secret


def _wrong(what: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("secret", "{what}", {"what": what, "hint": hint})


SecretValue = Annotated[Secret, BeforeValidator(_parse)]
KeyValue = Annotated[Secret | TokenKey, BeforeValidator(_parse_key)]
SecretFile = Annotated[Secret, BeforeValidator(_parse_file)]
