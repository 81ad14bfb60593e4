"""An authority's time stamp on a checkpoint holds, and no longer does once either is changed. The authority is openssl's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gateway.audit.journal import Journal
from gateway.audit.proof import newest
from gateway.audit.seal import FileSigner, history_path
from gateway.audit.segment import Sizes
from gateway.audit.stamp import check, keep, question
from gateway.cli.main import main
from gateway.core.errors import AuditError
from tests.audit.examples import an_opened

SIZES = Sizes(ballast=0, reserve=0)
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="NO OPENSSL HERE")
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamp authority in a directory."""

    def __init__(self, place: Path) -> None:
        self._place = place
        (place / "ts.cnf").write_text(CONFIG.format(place))
        (place / "serial").write_text("01")
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"
        )
        self._openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa"
        )
        (place / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        signing = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7")
        self._openssl(*signing, "-extfile", "ext", "-out", "tsa.pem")
        self.root = (place / "ca.pem").read_bytes()

    def answer(self, asked: bytes) -> bytes:
        (self._place / "query").write_bytes(asked)
        self._openssl("ts", "-reply", "-config", "ts.cnf", "-section", "one", "-queryfile", "query", "-out", "reply")
        return (self._place / "reply").read_bytes()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._place, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def served(authority: Authority) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = authority.answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def write(directory: Path, signer: FileSigner) -> None:
    async with Journal.open(directory, sizes=SIZES, signer=signer) as journal:
        await journal.append(an_opened())


async def test_a_stamp_says_since_when_the_record_was_this_long(
    directory: Path, signer: FileSigner, authority: Authority
) -> None:
    await write(directory, signer)
    head = newest(directory, "w0")
    keep(directory, head, authority.answer(question(head)))
    (told,) = check(directory, authority.root)
    assert told.checkpoint == head
    assert told.when.year >= 2024


async def test_a_stamp_on_another_checkpoint_does_not_hold(
    directory: Path, signer: FileSigner, authority: Authority
) -> None:
    await write(directory, signer)
    head = newest(directory, "w0")
    keep(directory, head, authority.answer(question(head)))
    path = history_path(directory, "w0")
    path.write_bytes(path.read_bytes().replace(head.note, head.note.replace(b"hangu.test/w0\n2", b"hangu.evil/w0\n2")))
    with pytest.raises(AuditError, match="does not hold"):
        list(check(directory, authority.root))


async def test_a_strangers_stamp_does_not_hold(
    directory: Path, signer: FileSigner, authority: Authority, tmp_path: Path
) -> None:
    await write(directory, signer)
    head = newest(directory, "w0")
    keep(directory, head, authority.answer(question(head)))
    (tmp_path / "other").mkdir()
    with pytest.raises(AuditError, match="does not hold"):
        list(check(directory, Authority(tmp_path / "other").root))


async def test_an_answer_that_is_no_stamp_is_not_kept(directory: Path, signer: FileSigner) -> None:
    await write(directory, signer)
    with pytest.raises(AuditError, match="no time stamp"):
        keep(directory, newest(directory, "w0"), b"<html>")
    assert list(directory.glob("stamp-*")) == []


async def test_the_command_asks_and_checks(
    directory: Path,
    signer: FileSigner,
    authority: Authority,
    served: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await write(directory, signer)
    assert main(["audit", "stamp", str(directory), "--tsa", served]) == 0
    (tmp_path / "ca.pem").write_bytes(authority.root)
    assert main(["audit", "stamp", str(directory), "--check", str(tmp_path / "ca.pem")]) == 0
    assert "hangu.test/w0: 2 records at " in capsys.readouterr().out
    assert main(["audit", "stamp", str(directory), "--tsa", "http://127.0.0.1:9"]) == 2
