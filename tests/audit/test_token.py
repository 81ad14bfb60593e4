"""The signing key in a token (SoftHSM2): checkpoints verify with its public half, a rotated key is told, a lost token costs no record."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit import frames
from gateway.audit.checkpoint import is_signed
from gateway.audit.journal import Journal
from gateway.audit.proof import newest
from gateway.audit.seal import Sealer
from gateway.audit.segment import Sizes
from gateway.audit.verify import verify
from gateway.core.errors import AuditError
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
            return held.sign(data)

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
