"""The named peers, each in front of the same instant backend. Programs that are not ours are found by their paths, or left out.

`LITELLM` is the `litellm` command of an environment that has `litellm[proxy]`; `PORTKEY` is `build/start-server.js` of
`@portkey-ai/gateway`; nginx is looked for on the PATH. Each runs one process, or one worker, and says so here.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.rig.load import Caller, started
from benchmarks.rig.sites import HANGU, site_before
from benchmarks.rig.variants import VARIANTS

TOKENS, INTERVAL_MS = 200, 4.0
START_SECONDS = 180.0  # LiteLLM takes half a minute on a busy machine
KEY = "sk-benchmark"


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that answers `/v1/chat/completions`; `pids` are all the processes that its answers cost."""

    name: str
    url: str
    pids: tuple[int, ...]
    caller: Caller
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all peers share: where the backend is, papers for those that speak TLS, and room for their files."""

    folder: Path
    pki: Path
    caller: Caller
    backend: str


@contextmanager
def ground(folder: Path, stack: ExitStack) -> Iterator[Ground]:
    site, caller = stack.enter_context(site_before(folder / "papers", TOKENS, INTERVAL_MS))
    backend = next(line for line in (site / "gateway.toml").read_text().splitlines() if line.startswith("url = "))
    yield Ground(folder, site / "pki", caller, backend.split('"')[1])


def relay(at: Ground, stack: ExitStack) -> Peer:
    """Bare aiohttp over mutual TLS, one process."""
    papers = [str(at.pki / name) for name in ("server.pem", "server.key", "ca.pem")]
    process, port = stack.enter_context(started(sys.executable, "-m", "benchmarks.rig.relay", at.backend, *papers))
    return Peer("bare aiohttp relay", f"https://127.0.0.1:{port}", (process.pid,), at.caller)


def nginx(at: Ground, stack: ExitStack) -> Peer | None:
    """nginx over mutual TLS, one worker."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        return None
    port, folder = _free_port(), at.folder / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(
        _NGINX.format(folder=folder, port=port, pki=at.pki, host=at.backend.removeprefix("http://"))
    )
    process = _process(stack, [program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], {})
    _wait(port)
    return Peer("nginx", f"https://127.0.0.1:{port}", (process.pid,), at.caller)


def portkey(at: Ground, stack: ExitStack) -> Peer | None:
    """Portkey's gateway on Node, no TLS, no guardrail."""
    script, node = os.environ.get("PORTKEY"), shutil.which("node")
    if not script or node is None:
        return None
    port = _free_port()
    process = _process(stack, [node, script, f"--port={port}", "--headless"], {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1"})
    _wait(port)
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{at.backend}/v1",
    }
    return Peer("portkey", f"http://127.0.0.1:{port}", (process.pid,), at.caller, headers)


def litellm(at: Ground, stack: ExitStack) -> Peer | None:
    """LiteLLM's proxy, one worker, no TLS, a master key and nothing else."""
    return _litellm(at, stack, "litellm", "")


def litellm_presidio(at: Ground, stack: ExitStack) -> Peer | None:
    """LiteLLM's proxy with its own Presidio guardrail on requests; the sidecar's CPU counts too."""
    if not os.environ.get("LITELLM"):
        return None
    sidecar, port = stack.enter_context(started(sys.executable, "-m", "benchmarks.rig.presidio"))
    address = f"http://127.0.0.1:{port}"
    peer = _litellm(at, stack, "litellm with presidio", _GUARDRAIL.format(address=address))
    assert peer is not None
    return Peer(peer.name, peer.url, (*peer.pids, sidecar.pid), peer.caller, peer.headers)


def hangu(variant: str) -> Callable[[Ground, ExitStack], Peer]:
    """Hangu, one worker, with some of its controls on."""

    def start(at: Ground, stack: ExitStack) -> Peer:
        folder = at.folder / variant.replace(" ", "-").replace(",", "")
        changes = {"observe__log_level": '"warning"'}
        site, caller = stack.enter_context(site_before(folder, TOKENS, INTERVAL_MS, **changes))
        VARIANTS[variant](site)
        process, url = stack.enter_context(started(*HANGU, "serve", str(site)))
        return Peer(variant, url, (process.pid,), caller)

    return start


PEERS: Mapping[str, Callable[[Ground, ExitStack], Peer | None]] = {
    "bare aiohttp relay": relay,
    "nginx": nginx,
    "portkey": portkey,
    "litellm": litellm,
    "litellm with presidio": litellm_presidio,
    **{name: hangu(name) for name in VARIANTS},
}


def _litellm(at: Ground, stack: ExitStack, name: str, more: str) -> Peer | None:
    program = os.environ.get("LITELLM")
    if not program:
        return None
    port, config = _free_port(), at.folder / f"{name.replace(' ', '-')}.yaml"
    config.write_text(_LITELLM.format(backend=at.backend, key=KEY) + more)
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    process = _process(stack, command, {"LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"})
    _wait(port)
    return Peer(name, f"http://127.0.0.1:{port}", (process.pid,), at.caller, {"authorization": f"Bearer {KEY}"})


def _process(stack: ExitStack, command: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process of ours, ended with the stack."""
    silence = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=silence, stderr=silence)
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)
    return process


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on port {port} after {START_SECONDS:.0f} s")


_NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream model {{ server {host}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {pki}/server.pem;
    ssl_certificate_key {pki}/server.key;
    ssl_client_certificate {pki}/ca.pem;
    ssl_verify_client on;
    keepalive_requests 1000000;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      client_body_buffer_size 1m;
    }}
  }}
}}
"""

_LITELLM = """model_list:
  - model_name: smollm2
    litellm_params: {{model: openai/smollm2, api_base: "{backend}/v1", api_key: none}}
general_settings: {{master_key: {key}}}
"""

_GUARDRAIL = """guardrails:
  - guardrail_name: presidio
    litellm_params:
      guardrail: presidio
      mode: pre_call
      default_on: true
      presidio_analyzer_api_base: "{address}"
      presidio_anonymizer_api_base: "{address}"
"""
