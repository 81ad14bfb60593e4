"""A real Elasticsearch or OpenSearch for a test session, or the one that ES_URL names. Where none can be had, tests say so and skip."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.audit.elastic import Access
from gateway.pki import certificates

SERVERS = Path(__file__).parents[1] / "servers"
START_SECONDS = 180  # of a busy two-core machine
FETCH_SECONDS = 600


class Unavailable(Exception):
    """No server can be had here, and why."""


@dataclass(frozen=True)
class Kind:
    """Which server: its script, and what its settings call TLS. `files` are laid over its configuration."""

    name: str
    script: Path
    opensearch: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False


ELASTICSEARCH = Kind("elasticsearch", SERVERS / "elasticsearch.sh")
OPENSEARCH = Kind("opensearch", SERVERS / "opensearch.sh", opensearch=True)

_ELASTIC_TLS = """
xpack.security.authc.api_key.enabled: true
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.certificate: node.pem
xpack.security.http.ssl.key: node.key
xpack.security.http.ssl.certificate_authorities: [ca.pem]
xpack.security.http.ssl.client_authentication: required
"""
_OPENSEARCH_TLS = """
plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.pemcert_filepath: node.pem
plugins.security.ssl.http.pemkey_filepath: node.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.http.clientauth_mode: REQUIRE
plugins.security.allow_default_init_securityindex: true
plugins.security.authcz.admin_dn: ["CN=owner"]
plugins.security.nodes_dn: ["CN=localhost"]
"""
# A node with little room turns a crowd away with 429, as a large one does under a large crowd.
LITTLE_ROOM = "indexing_pressure.memory.limit: 6mb\n"


def secured_elasticsearch(password: str, roles: Mapping[str, Any]) -> Kind:
    """Users are asked (`elastic`, and `shipper` with the role of that name), TLS is spoken, client certificates are required."""
    files = {"extra.yml": _ELASTIC_TLS + LITTLE_ROOM, "test-roles.yml": json.dumps(roles)}
    return replace(ELASTICSEARCH, files=files, environment={"ES_PASSWORD": password}, tls=True)


def secured_opensearch(files: Mapping[str, str]) -> Kind:
    """The same with OpenSearch's security plugin; the certificate named `owner` may do everything."""
    return replace(OPENSEARCH, files={"extra.yml": _OPENSEARCH_TLS, **files}, tls=True)


class Server:
    """One node on loopback. It can be killed and started again on the same data."""

    def __init__(self, directory: Path, kind: Kind = ELASTICSEARCH) -> None:
        self.directory, self.kind, self.port = directory, kind, _free_port()
        self.files = directory / "files"
        self._process: subprocess.Popen[bytes] | None = None
        for name, text in kind.files.items():
            (self.files / name).parent.mkdir(parents=True, exist_ok=True)
            (self.files / name).write_text(text)
        if kind.tls:
            _papers(self.files)

    @property
    def access(self) -> Access:
        """As its owner."""
        if not self.kind.tls:
            return Access(f"http://127.0.0.1:{self.port}", opensearch=self.kind.opensearch)
        password = self.kind.environment.get("ES_PASSWORD", "")
        user = "elastic" if password else ""
        return Access(
            f"https://127.0.0.1:{self.port}", username=user, password=password, opensearch=self.kind.opensearch,
            ca=str(self.files / "ca.pem"), certificate=str(self.files / "owner.pem"), key=str(self.files / "owner.key"),
        )  # fmt: skip

    @property
    def url(self) -> str:
        return self.access.url

    def start(self) -> None:
        environment = {**os.environ, **self.kind.environment}
        if self.kind.files:
            environment["NODE_FILES"] = str(self.files)
        if "test-roles.yml" in self.kind.files:
            environment["ES_ROLES"] = str(self.files / "test-roles.yml")
        with (self.directory / "out.log").open("ab") as log:
            command = [str(self.kind.script), "run", str(self.port), str(self.directory / "node")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environment)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.access):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise Unavailable((self.directory / "out.log").read_text(errors="replace")[-2000:])
            time.sleep(0.25)

    def kill(self) -> None:
        """As a crash does it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def a_server(kind: Kind = ELASTICSEARCH) -> Iterator[Server]:
    """A fresh node with its own data. Raises Unavailable when the distribution cannot be fetched or does not start."""
    fetched = subprocess.run([str(kind.script), "fetch"], capture_output=True, timeout=FETCH_SECONDS)
    if fetched.returncode != 0:
        raise Unavailable(fetched.stderr.decode(errors="replace")[-2000:])
    directory = Path(tempfile.mkdtemp(prefix=f"hangu-{kind.name}-"))
    directory.chmod(0o755)
    server = Server(directory, kind)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(directory, ignore_errors=True)


def ask(access: Access, method: str, path: str, body: Any = None) -> Any:
    """What a cluster answers, asked by plain HTTP: by nobody that the tests are about. Raises HTTPError for a refusal."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(access.url + path, data, {"content-type": "application/json"}, method=method)
    if access.api_key:
        request.add_header("authorization", f"ApiKey {access.api_key}")
    elif access.username:
        request.add_header(
            "authorization", f"Basic {b64encode(f'{access.username}:{access.password}'.encode()).decode()}"
        )
    with urllib.request.urlopen(request, timeout=10, context=_trust(access)) as told:
        return json.loads(told.read() or b"null")


def _trust(access: Access) -> ssl.SSLContext | None:
    if not access.ca:
        return None
    context = ssl.create_default_context(cafile=access.ca)
    if access.certificate:
        context.load_cert_chain(access.certificate, access.key)
    return context


def _answers(access: Access) -> bool:
    try:
        told = ask(access, "GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        if access.opensearch and access.ca:
            ask(access, "GET", "/_plugins/_security/api/roles")  # the plugin makes its own index after the start
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("timed_out") is False


def _papers(directory: Path) -> None:
    """An authority, the node's certificate, and those of its owner, of a shipper and of somebody nobody knows."""
    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    authority = certificates.new_authority("tests", now)
    (directory / "ca.pem").write_bytes(authority.certificate_pem)
    issued = {name: certificates.client_certificate(authority, name, now) for name in ("owner", "shipper")}
    issued["node"] = certificates.server_certificate(authority, ["localhost", "127.0.0.1"], now)
    issued["stranger"] = certificates.client_certificate(certificates.new_authority("others", now), "stranger", now)
    for name, one in issued.items():
        (directory / f"{name}.pem").write_bytes(one.certificate_pem)
        (directory / f"{name}.key").write_bytes(one.key_pem)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
