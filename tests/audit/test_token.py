"""Keys in a token (SoftHSM2): checkpoints verify with the public half, originals open, marks are the same; a rotated key is
told, a lost token costs no record, and whatever is wrong with a token is said."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import watermark
from gateway import keys
from gateway.audit import frames
from gateway.audit.checkpoint import is_signed
from gateway.audit.journal import Journal
from gateway.audit.proof import newest
from gateway.audit.seal import Sealer
from gateway.audit.segment import Sizes
from gateway.audit.vault import Vault
from gateway.audit.verify import verify
from gateway.core.errors import AuditError, SettingsError
from gateway.settings import Secret, TokenKey
from tests.audit.examples import an_opened

LIBRARY = next(
    (
        path
        for path in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"))
        if path.exists()
    ),
    None,
)
SIZES = Sizes(ballast=0, reserve=0)
PIN = "1234"

pytestmark = pytest.mark.skipif(
    LIBRARY is None or shutil.which("softhsm2-util") is None, reason="NO SOFTHSM2 HERE: apt-get install softhsm2"
)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh token for this process: SoftHSM reads its configuration once."""
    place = tmp_path_factory.mktemp("softhsm")
    (place / "tokens").mkdir()
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(place / "softhsm2.conf")
    command = ["softhsm2-util", "--init-token", "--free", "--label", "hangu", "--so-pin", "5678", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    for label in ("audit", "audit-2"):
        make_key(label)
    make_secrets()
    yield "hangu"
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def make_key(label: str) -> None:
    import pkcs11
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    with pkcs11.lib(str(LIBRARY)).get_token(token_label="hangu").open(rw=True, user_pin=PIN) as session:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
        parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
        parameters.generate_keypair(label=label, store=True)


@pytest.fixture(autouse=True)
def nobody_logged_in(token: str) -> None:
    """A login is the whole process's: what an earlier test left open would let a wrong PIN pass."""
    import pkcs11

    pkcs11.lib(str(LIBRARY)).reinitialize()


SECRET = b"s" * 32  # of the key of marks, as it was before it was moved into the token


def make_secrets() -> None:
    """The keys that wrap, and the secret that marks are made with: usable, and not to be read out again."""
    import pkcs11
    from pkcs11 import Attribute, KeyType, ObjectClass

    shut = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    with pkcs11.lib(str(LIBRARY)).get_token(token_label="hangu").open(rw=True, user_pin=PIN) as session:
        for label in ("sealing", "sealing-2"):
            session.generate_key(KeyType.AES, 256, label=label, store=True, template=shut)
        named = {Attribute.LABEL: "marks", Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SIGN: True}
        kind = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.GENERIC_SECRET}
        session.create_object(kind | named | shut | {Attribute.VALUE: SECRET})


def named(key: str, pin: Secret, token: str = "hangu") -> TokenKey:
    assert LIBRARY is not None
    return TokenKey(LIBRARY, token, key, pin)


@pytest.fixture
def pin(tmp_path: Path) -> Secret:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    return Secret(file=tmp_path / "pin")


def test_originals_are_sealed_under_a_key_that_stays_in_the_token(token: str, tmp_path: Path, pin: Secret) -> None:
    vault = Vault(tmp_path / "keys", keys.one_master(named("sealing", pin)))
    told = vault.begin("x1", "acme", "ana").seal("request", [("inputs", "原文")])
    again = Vault(tmp_path / "keys", keys.one_master(named("sealing", pin)))
    assert again.open(told, "x1", "acme", "ana", "request") == (("inputs", "原文"),)
    assert again.shut_to(keys.one_master(named("sealing-2", pin))) == ["acme"]
    with pytest.raises(AuditError, match="does not unwrap"):
        Vault(tmp_path / "keys", keys.one_master(named("sealing-2", pin))).open(told, "x1", "acme", "ana", "request")


def test_a_site_moves_from_a_file_into_the_token_by_wrapping_tenants_keys_alone(
    token: str, tmp_path: Path, pin: Secret
) -> None:
    (tmp_path / "sealing.key").write_text("6d" * 32)
    in_file, in_token = keys.one_master(Secret(file=tmp_path / "sealing.key")), keys.one_master(named("sealing", pin))
    vault = Vault(tmp_path / "keys", in_file)
    told = vault.begin("x1", "acme", "ana").seal("answer", [("choices[0].content", "原文")])
    subjects = {p: p.read_bytes() for p in (tmp_path / "keys").rglob("*.key") if p.name != "tenant.key"}
    assert vault.rewrap(in_token) == 1
    assert {p: p.read_bytes() for p in subjects} == subjects
    for master in (in_token, keys.Either([in_token, in_file])):
        assert Vault(tmp_path / "keys", master).open(told, "x1", "acme", "ana", "answer")[0][1] == "原文"
    assert Vault(tmp_path / "keys", keys.Either([in_token, in_file])).shut_to(in_token) == []


def test_marks_made_with_a_secret_are_the_same_once_it_lies_in_the_token(token: str, pin: Secret) -> None:
    from gateway.audit.token import TokenDeriver

    held = TokenDeriver(keys.slot(named("marks", pin)))
    assert watermark.Keys.from_deriver(held.derive) == watermark.Keys.from_master(SECRET)
    held.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"module": Path("/nowhere/pkcs11.so")}, "library cannot be loaded"),
        ({"token": "gone"}, 'no token is labelled "gone"'),
        ({"key": "gone"}, 'no key labelled "gone" of the kind needed to wrap keys'),
        ({"key": "audit"}, 'no key labelled "audit" of the kind needed to wrap keys'),
        ({"pin": "0000"}, "does not take this PIN"),
    ],
)
def test_each_thing_that_can_be_wrong_with_a_token_is_named(
    token: str, tmp_path: Path, pin: Secret, change: dict[str, object], said: str
) -> None:
    if "pin" in change:
        (tmp_path / "pin").write_text(str(change.pop("pin")))
    vault = Vault(tmp_path / "keys", keys.one_master(replace(named("sealing", pin), **change)))  # type: ignore[arg-type]
    with pytest.raises(AuditError, match=said):
        vault.begin("x1", "acme", "ana")
    assert list((tmp_path / "keys").glob("*/*.key")) == []


def test_a_pin_that_cannot_be_read_is_said(token: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        keys.signer(named("audit", Secret(file=tmp_path / "none")))


def test_the_settings_lead_to_the_key_in_the_token(token: str, directory: Path, pin: Secret) -> None:
    found = keys.signer(named("audit", pin), "hangu.test")
    assert found.public == signer(token).public


def signer(token: str, key: str = "audit", pin: str = PIN):  # type: ignore[no-untyped-def]
    from gateway.audit.token import Slot, TokenSigner

    assert LIBRARY is not None
    return TokenSigner(Slot(LIBRARY, token, key, pin), "hangu.test")


async def test_checkpoints_signed_in_the_token_verify_with_its_public_half(token: str, directory: Path) -> None:
    held = signer(token)
    async with Journal.open(directory, sizes=SIZES, signer=held) as journal:
        for n in range(5):
            await journal.append(an_opened(f"x{n}"))
    assert is_signed(newest(directory, "w0"), held.public)
    assert verify(directory, held.public).ok
    held.close()


async def test_another_key_does_not_go_on_with_the_log(token: str, directory: Path) -> None:
    held, other = signer(token), signer(token, "audit-2")
    async with Journal.open(directory, sizes=SIZES, signer=held) as journal:
        await journal.append(an_opened())
    with pytest.raises(AuditError, match="not signed by this key"):
        Journal.open(directory, sizes=SIZES, signer=other)
    held.close()
    other.close()


@pytest.mark.parametrize(
    ("key", "pin", "token_name", "said"),
    [
        ("missing", PIN, "hangu", 'no key labelled "missing"'),
        ("audit", "0000", "hangu", "does not take this PIN"),
        ("audit", PIN, "gone", 'no token is labelled "gone"'),
    ],
)
def test_what_the_token_will_not_do_is_said(token: str, key: str, pin: str, token_name: str, said: str) -> None:
    with pytest.raises(AuditError, match=said):
        signer(token_name, key, pin)


async def test_a_lost_token_costs_checkpoints_not_records(token: str, directory: Path) -> None:
    held = signer(token)

    class Flaky:
        """The token, pulled out and put back."""

        name, public, away = held.name, held.public, False

        def sign(self, data: bytes) -> bytes:
            if self.away:
                raise AuditError("the token does not sign: TokenNotPresent")
            return bytes(held.sign(data))

    flaky = Flaky()
    sealer = Sealer(directory, "w0", flaky)
    async with Journal.open(directory, sizes=SIZES, watchers=[sealer]) as journal:
        flaky.away = True
        await journal.append(an_opened("while away"))
        while "TokenNotPresent" not in journal.fault:
            await asyncio.sleep(0.05)
        await journal.append(an_opened("still recorded"))
        flaky.away = False
    assert sum(1 for _, path in frames.segments(directory, "w0") for _ in frames.read(path)) == 3
    assert verify(directory, held.public).logs[0].sealed == 3
    held.close()
