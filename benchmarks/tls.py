"""The listener as TLS scanners see it: sslscan, testssl.sh and OpenSSL's own client. Installs nothing; runs what is there.

    python -m benchmarks.tls        (Debian: apt install sslscan testssl.sh)

Writes `benchmarks/results/tls.json`; exit 1 when a scanner found what should not be, 2 when none is installed. The scanners
come with the analyst's certificate, since without one there is no conversation to look at.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rig.attacked import Attacked, attacked
from benchmarks.rig.load import machine

RESULT = Path(__file__).parent / "results" / "tls.json"
SUITES = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
GROUPS = frozenset({"x25519", "secp256r1", "secp384r1"})
NAMES = {"secp256r1 (nist p-256)": "secp256r1", "secp384r1 (nist p-384)": "secp384r1", "prime256v1": "secp256r1"}
OTHER_GROUPS = ("P-521", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096")
OURS = frozenset(
    {"cert_chain_of_trust", "cert_revocation"}
)  # a site's own authority; its revocation list is a file, no address
SECONDS = 600


@dataclass(frozen=True, slots=True)
class Seen:
    """What one scanner says that the listener offers. None: it does not look at that."""

    scanner: str
    protocols: frozenset[str]
    suites: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    resumption: bool | None = None
    severe: tuple[str, ...] = ()


def faults(seen: Seen) -> list[str]:
    """What should not be; nothing when TLS is as promised."""
    found = []
    if seen.protocols != {"TLSv1.3"}:
        found.append(f"protocols: {', '.join(sorted(seen.protocols)) or 'none'}")
    if seen.suites is not None and not (seen.suites and seen.suites <= SUITES):
        found.append(f"suites: {', '.join(sorted(seen.suites)) or 'none'}")
    if seen.groups is not None and not (seen.groups and seen.groups <= GROUPS):
        found.append(f"groups: {', '.join(sorted(seen.groups)) or 'none'}")
    if seen.resumption:
        found.append("sessions are resumed: a revoked certificate would live on in them")
    return [f"{seen.scanner}: {what}" for what in [*found, *seen.severe]]


def sslscan(target: Attacked) -> Seen:
    papers = target.caller
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.xml"
        command = ["sslscan", "--no-colour", f"--certs={papers.certificate}", f"--pk={papers.key}", f"--xml={out}"]
        _run([*command, f"localhost:{target.port}"])
        return read_sslscan(out.read_text())


def read_sslscan(text: str) -> Seen:
    root = ET.fromstring(text)
    on = [each for each in root.iter("protocol") if each.get("enabled") == "1"]
    protocols = frozenset(f"{str(each.get('type')).upper().replace('TLS', 'TLSv')}{each.get('version')}" for each in on)
    suites = frozenset(str(each.get("cipher")) for each in root.iter("cipher"))
    groups = frozenset(_group(str(each.get("name"))) for each in root.iter("group"))
    severe = [
        f"heartbleed in {each.get('sslversion')}" for each in root.iter("heartbleed") if each.get("vulnerable") == "1"
    ]
    severe += ["compression" for each in root.iter("compression") if each.get("supported") == "1"]
    severe += ["renegotiation" for each in root.iter("renegotiation") if each.get("supported") == "1"]
    return Seen("sslscan", protocols, suites, groups, None, tuple(severe))


def _group(name: str) -> str:
    return NAMES.get(name.lower(), name.lower())


def testssl(target: Attacked) -> Seen:
    """Version 3.0 knows no client certificates, so it is given an `openssl` that brings one along."""
    program = shutil.which("testssl") or shutil.which("testssl.sh") or ""
    with tempfile.TemporaryDirectory() as folder:
        openssl, out = Path(folder) / "openssl", Path(folder) / "out.json"
        papers, real = target.caller, shutil.which("openssl")
        openssl.write_text(
            f'#!/bin/sh\nif [ "$1" = s_client ]; then shift; exec {real} s_client -cert {papers.certificate} -key {papers.key} "$@"; fi\n'
            f'exec {real} "$@"\n'
        )
        openssl.chmod(0o700)
        command = [
            program,
            "--quiet",
            "--color",
            "0",
            "--warnings",
            "batch",
            "--openssl",
            str(openssl),
            "--jsonfile",
            str(out),
        ]
        command += [
            "--openssl-timeout",
            "10",
            "--connect-timeout",
            "10",
            "-p",
            "-P",
            "-S",
            "-h",
            "-U",
            "--grease",
            "--fs",
        ]
        _run([*command, f"localhost:{target.port}"])
        return read_testssl(out.read_text())


PROTOCOLS = {
    "SSLv2": "SSLv2",
    "SSLv3": "SSLv3",
    "TLS1": "TLSv1.0",
    "TLS1_1": "TLSv1.1",
    "TLS1_2": "TLSv1.2",
    "TLS1_3": "TLSv1.3",
}


def read_testssl(text: str) -> Seen:
    told = json.loads(text)
    found: Mapping[str, str] = {each["id"]: each["finding"] for each in told}
    if "scanTime" not in found or found["scanTime"] == "Scan interrupted":
        raise RuntimeError(f"testssl.sh did not get to its end: {found}")
    protocols = frozenset(name for id_, name in PROTOCOLS.items() if found[id_].startswith("offered"))
    resumed = not (
        found["sessionresumption_ticket"].startswith("not supported")
        and "no resumption" in found["sessionresumption_ID"]
    )
    severe = tuple(
        f"{each['id']}: {each['finding']}"
        for each in told
        if each["severity"] in ("HIGH", "CRITICAL") and each["id"] not in OURS
    )
    groups = frozenset(_group(name) for name in found["PFS_ECDHE_curves"].split())
    return Seen("testssl.sh", protocols, frozenset(found["PFS_ciphers"].split()), groups, resumed, severe)


def openssl(target: Attacked) -> Seen:
    """One handshake for each group, each older version, and one that wants to come back with its session."""
    groups = {
        name for name in ("X25519", "P-256", "P-384", *OTHER_GROUPS) if _shakes(target, "-tls1_3", "-groups", name)
    }
    versions = {"TLSv1.3": "-tls1_3", "TLSv1.2": "-tls1_2", "TLSv1.1": "-tls1_1", "TLSv1.0": "-tls1"}
    protocols = frozenset(name for name, option in versions.items() if _shakes(target, option))
    named = frozenset({"P-256": "secp256r1", "P-384": "secp384r1"}.get(name, name.lower()) for name in groups)
    again = _client(target, "-tls1_3", "-reconnect").stdout
    return Seen("openssl s_client", protocols, None, named, "Reused," in again)


def _shakes(target: Attacked, *options: str) -> bool:
    return "Cipher is TLS_" in (told := _client(target, *options).stdout) or "Cipher is ECDHE" in told


def _client(target: Attacked, *options: str) -> subprocess.CompletedProcess[str]:
    papers = target.caller
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{target.port}", "-servername", "localhost"]
    return _run([*command, "-cert", str(papers.certificate), "-key", str(papers.key), *options])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=SECONDS, errors="replace")


SCANNERS: Mapping[str, Callable[[Attacked], Seen]] = {"sslscan": sslscan, "testssl": testssl, "openssl": openssl}


def main() -> int:
    there = {name: scan for name, scan in SCANNERS.items() if shutil.which(name)}
    if not there:
        print("no scanner is installed; hint: apt install sslscan testssl.sh")
        return 2
    with tempfile.TemporaryDirectory() as folder, attacked(Path(folder)) as target:
        seen = [scan(target) for scan in there.values()]
        alive = target.alive() and target.answers()
    wrong = [what for each in seen for what in faults(each)] + ([] if alive else ["the gateway did not outlive it"])
    result = {
        "faults": wrong,
        "seen": {each.scanner: _plain(each) for each in seen},
        "not_installed": sorted(set(SCANNERS) - set(there)),
        "versions": {name: _version(name) for name in there},
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 1 if wrong else 0


def _plain(seen: Seen) -> dict[str, object]:
    lists = {
        "protocols": sorted(seen.protocols),
        "suites": sorted(seen.suites or ()),
        "groups": sorted(seen.groups or ()),
    }
    return {**lists, "resumption": seen.resumption, "severe": list(seen.severe)}


def _version(name: str) -> str:
    told = _run([name, "version" if name == "openssl" else "--version"])
    found = re.search(
        r"(?:OpenSSL |testssl\s+|^\S*\s*)(\d+\.\d+\.\d+\S*)",
        re.sub(r"\x1b\[[\d;]*m", "", told.stdout + told.stderr),
        re.M,
    )
    return found[1] if found else "?"


if __name__ == "__main__":
    sys.exit(main())
