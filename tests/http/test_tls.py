"""Whose handshake succeeds, and how new files are taken up while connections are open."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.web import BaseRequest, Response, StreamResponse
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.core.errors import SettingsError
from gateway.core.verdict import Code
from gateway.http import tls
from gateway.http.house import Notice
from gateway.pki import files, store
from gateway.pki.certificates import client_certificate, revocation_list
from tests.http.sockets import NOW, Papers, Seen, an_authority, connected, is_turned_away, listening, on_both_loops


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return an_authority(tmp_path / "pki")


@on_both_loops
async def test_a_client_without_a_certificate_is_turned_away(papers: Papers) -> None:
    seen = Seen()
    async with listening(papers, seen=seen) as at:
        assert await is_turned_away(at.port, papers.context(None))
        assert not await is_turned_away(at.port, papers.client("ana"))
    assert seen.notices == {Notice.HANDSHAKE_FAILED: 1}


@on_both_loops
async def test_a_certificate_of_another_authority_is_turned_away(papers: Papers, tmp_path: Path) -> None:
    other = an_authority(tmp_path / "other")
    context = other.client("ana")
    context.load_verify_locations(papers.files.client_ca)
    async with listening(papers) as at:
        assert await is_turned_away(at.port, context)


@on_both_loops
async def test_the_servers_own_certificate_is_no_client_certificate(papers: Papers) -> None:
    server = papers.files.certificate.read_bytes() + papers.files.key.read_bytes()
    (papers.directory / "posing.pem").write_bytes(server)
    async with listening(papers) as at:
        assert await is_turned_away(at.port, papers.context("posing"))


@on_both_loops
async def test_an_expired_certificate_is_turned_away(papers: Papers) -> None:
    authority = store.load_authority(papers.directory)
    papers.save("old", client_certificate(authority, "old", NOW - timedelta(days=30), days=29))
    async with listening(papers) as at:
        assert await is_turned_away(at.port, papers.context("old"))


@on_both_loops
async def test_tls_before_1_3_is_turned_away(papers: Papers) -> None:
    context = papers.client("ana")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening(papers) as at:
        assert await is_turned_away(at.port, context)


@on_both_loops
async def test_no_session_can_be_resumed(papers: Papers) -> None:
    async with listening(papers) as at, connected(at.port, papers.client("ana")) as client:
        await client.get()
        connection = client.writer.get_extra_info("ssl_object")
        assert connection.version() == "TLSv1.3"
        assert connection.session is None or not connection.session.has_ticket


@on_both_loops
async def test_a_revoked_certificate_is_turned_away_after_a_reload(papers: Papers) -> None:
    ana, bo = papers.client("ana"), papers.client("bo")
    async with listening(papers) as at:
        assert not await is_turned_away(at.port, ana)
        store.revoke(papers.directory, "ana", NOW)
        at.reload_tls()
        assert await is_turned_away(at.port, ana)
        assert not await is_turned_away(at.port, bo)


@on_both_loops
async def test_a_revoked_client_can_ask_no_more_on_a_connection_it_has_open(papers: Papers) -> None:
    seen = Seen()
    async with (
        listening(papers, seen=seen) as at,
        connected(at.port, papers.client("ana")) as ana,
        connected(at.port, papers.client("bo")) as bo,
    ):
        assert (await ana.get())[0] == (await bo.get())[0] == 200
        store.revoke(papers.directory, "ana", NOW)
        at.reload_tls()
        assert await ana.get() == (400, b"certificate_rejected")
        assert await ana.is_closed()
        assert (await bo.get())[0] == 200
    assert [refusal.code for refusal in seen.refusals] == [Code.CERTIFICATE_REJECTED]


@on_both_loops
async def test_a_new_server_certificate_is_taken_up_without_closing_connections(papers: Papers) -> None:
    going_on = asyncio.Event()

    async def waits(request: BaseRequest) -> StreamResponse:
        await going_on.wait()
        return Response(text="done")

    async with listening(papers, waits) as at, connected(at.port, papers.client("ana")) as before:
        await before.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        store.renew_server(papers.directory, ("localhost",), NOW)
        at.reload_tls()
        async with connected(at.port, papers.client("ana")) as after:
            assert _served(before) != _served(after) == _first_of(papers.files.certificate)
        going_on.set()
        assert await before.reply() == (200, b"done")
        assert await before.get() == (200, b"done")


@on_both_loops
async def test_a_new_authority_is_taken_up_by_a_reload(papers: Papers, tmp_path: Path) -> None:
    other = an_authority(tmp_path / "other")
    theirs = other.client("ana")
    theirs.load_verify_locations(papers.files.client_ca)
    async with listening(papers) as at:
        assert await is_turned_away(at.port, theirs)
        both = papers.files.client_ca.read_bytes() + other.files.client_ca.read_bytes()
        files.replace(papers.files.client_ca, both)
        lists = (papers.directory / "crl.pem").read_bytes() + (other.directory / "crl.pem").read_bytes()
        files.replace(papers.directory / "crl.pem", lists)
        at.reload_tls()
        assert not await is_turned_away(at.port, theirs)
        assert not await is_turned_away(at.port, papers.client("bo"))


@on_both_loops
async def test_connections_end_after_their_exchange_when_an_authority_is_withdrawn(
    papers: Papers, tmp_path: Path
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waits(request: BaseRequest) -> StreamResponse:
        begun.set()
        await go_on.wait()
        return Response(text="done")

    ana = papers.client("ana")
    async with listening(papers, waits) as at, connected(at.port, ana) as busy, connected(at.port, ana) as idle:
        await busy.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()
        files.replace(papers.files.client_ca, an_authority(tmp_path / "other").files.client_ca.read_bytes())
        at.reload_tls()
        assert await idle.is_closed()
        go_on.set()
        assert await busy.reply() == (200, b"done")
        assert await busy.is_closed()
        assert await is_turned_away(at.port, ana)


@on_both_loops
async def test_an_expired_revocation_list_turns_everyone_away(papers: Papers) -> None:
    authority = store.load_authority(papers.directory)
    ana = papers.client("ana")
    stale = revocation_list(authority, (), 2, NOW - timedelta(days=10), days=9)
    files.replace(papers.directory / "crl.pem", stale)
    async with listening(papers) as at:
        assert await is_turned_away(at.port, ana)


@on_both_loops
async def test_files_that_cannot_be_used_change_nothing(papers: Papers) -> None:
    async with listening(papers) as at:
        files.replace(papers.files.certificate, b"half a certifi")
        with pytest.raises(SettingsError):
            at.reload_tls()
        assert not await is_turned_away(at.port, papers.client("ana"))


@pytest.mark.parametrize("name", ["server.pem", "server.key", "ca.pem", "crl.pem"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_that_cannot_be_used_is_named(papers: Papers, name: str, content: bytes | None) -> None:
    (papers.directory / name).unlink()
    if content is not None:
        (papers.directory / name).write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        tls.read(papers.files)
    assert name in str(caught.value)


def test_a_key_of_another_certificate_is_refused(papers: Papers, tmp_path: Path) -> None:
    other = an_authority(tmp_path / "other")
    shutil.copy(other.files.key, papers.files.key)
    with pytest.raises(SettingsError, match="belong together"):
        tls.read(papers.files)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(papers: Papers) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    papers.files.key.write_bytes(pem)
    with pytest.raises(SettingsError, match="unencrypted"):
        tls.read(papers.files)


def test_a_client_certificate_is_no_authority(papers: Papers) -> None:
    papers.client("ana")
    certificate = (papers.directory / "ana.pem").read_bytes().split(b"-----BEGIN PRIVATE")[0]
    papers.files.client_ca.write_bytes(certificate)
    with pytest.raises(SettingsError, match="holds no authority"):
        tls.read(papers.files)


def test_an_authority_hidden_in_the_revocation_list_is_refused(papers: Papers, tmp_path: Path) -> None:
    other = an_authority(tmp_path / "other")
    crl = papers.directory / "crl.pem"
    crl.write_bytes(crl.read_bytes() + other.files.client_ca.read_bytes())
    with pytest.raises(SettingsError, match="no revocation list"):
        tls.read(papers.files)


def test_a_certificate_without_names_says_so() -> None:
    client = tls.client_of(_certificate(x509.Name([])))
    assert (client.certificate.common_name, client.certificate.dns, client.certificate.uris) == ("", (), ())
    assert len(client.certificate.thumbprint) == 43


def test_of_several_common_names_the_last_most_specific_counts() -> None:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("firm", "ana")]
    assert tls.client_of(_certificate(x509.Name(names))).certificate.common_name == "ana"


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01"])
def test_bytes_that_are_no_certificate_are_a_value_error(der: bytes) -> None:
    with pytest.raises(ValueError):
        tls.client_of(der)


def _served(client: object) -> bytes:
    der: bytes = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)  # type: ignore[attr-defined]
    return der


def _first_of(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)


def _certificate(subject: x509.Name) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
