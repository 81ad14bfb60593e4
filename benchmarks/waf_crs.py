"""The core rule set's own regression tests through the adapter: `python -m benchmarks.waf_crs CHECKOUT [--library FILE]`.

CHECKOUT is a checkout of github.com/coreruleset/coreruleset (rules/ and tests/regression/). Every test's request goes
through the same worker process, pipe and rule reader that serve a site, at paranoia level 4. A test passes when it has the
outcome it asks for, or the one that the rule set's own list of deviations gives for this library (nginx-overrides.yaml).
What the adapter cannot show is said in the results: tests that ask for a web server's status alone are left out, and those
that ask for the wording of a log line pass when the rule under test fired.
"""

from __future__ import annotations

import argparse
import base64
import json
import platform
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway.detect.crs.engine import Request, library
from gateway.detect.crs.ruleset import Options, read
from gateway.detect.crs.workers import Workers

RESULTS = Path(__file__).parent / "results" / "waf_crs.json"
SECONDS = 30.0  # for one test; how fast the rules are is measured elsewhere
# What the rule set's own containers set for its tests, and the body readers a web server's configuration has.
SETUP = r"""
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]json" "id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecAction "id:900300,phase:1,pass,nolog,setvar:tx.arg_length=400,setvar:tx.total_arg_length=6400,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
SecAction "id:900005,phase:1,pass,nolog,setvar:tx.crs_validate_utf8_encoding=1"
"""


@dataclass
class Tally:
    passed: Counter[str] = field(default_factory=Counter)
    failed: dict[str, list[str]] = field(default_factory=dict)
    left_out: int = 0
    by_wording: int = 0


def tests(suite: Path) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """File, rule, number and stage of every test; one stage each."""
    for file in sorted(suite.glob("**/*.y*ml")):
        told = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
        if told is None:  # a file of comments
            continue
        rule = told.get("rule_id") or int(file.stem)
        for number, test in enumerate(told["tests"], 1):
            for stage in test["stages"]:
                yield file.stem, int(rule), int(test.get("test_id", number)), stage.get("stage", stage)


def deviations(checkout: Path) -> dict[tuple[int, int], dict[str, Any]]:
    told = yaml.safe_load((checkout / "tests/regression/nginx-overrides.yaml").read_text("utf-8"))
    return {
        (one["rule_id"], number): one.get("output", {}) for one in told["test_overrides"] for number in one["test_ids"]
    }


def request(asked: dict[str, Any]) -> Request:
    """A test's input as a web server hands it to the library."""
    if "encoded_request" in asked:
        return _parsed(base64.b64decode(asked["encoded_request"]))
    headers = [
        (str(name).encode("utf-8"), str(value).encode("utf-8")) for name, value in asked.get("headers", {}).items()
    ]
    body = (
        base64.b64decode(asked["encoded_data"])
        if "encoded_data" in asked
        else str(asked.get("data") or "").encode("utf-8")
    )
    known = {name.lower() for name, _ in headers}
    if asked.get("autocomplete_headers", True):
        if (body or asked.get("method") in ("POST", "PUT", "PATCH")) and b"content-length" not in known:
            headers.append((b"Content-Length", str(len(body)).encode()))
        if body and b"content-type" not in known:
            headers.append((b"Content-Type", b"application/x-www-form-urlencoded"))
        if b"connection" not in known:
            headers.append((b"Connection", b"close"))
    version = str(asked.get("version", "HTTP/1.1")).removeprefix("HTTP/")
    uri = str(asked.get("uri", "/"))
    plain = Request(str(asked.get("method", "GET")).encode(), uri.encode("utf-8"), version.encode(), headers, body)
    return _reflected(plain) if uri.startswith("/reflect") else plain


def _parsed(raw: bytes) -> Request:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    method, _, rest = line.partition(b" ")
    uri, _, version = rest.rpartition(b" ")
    headers = [(name, value.strip()) for name, _, value in (one.partition(b":") for one in lines)]
    return Request(method, uri, version.removeprefix(b"HTTP/"), headers, body)


def _reflected(asked: Request) -> Request:
    """The tests' own backend answers with what the request's body says."""
    try:
        told = json.loads(asked.body)
        body = base64.b64decode(told["encodedBody"]) if "encodedBody" in told else str(told.get("body", "")).encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", **told.get("headers", {})}
        status = int(told.get("status", 200))
    except (ValueError, AttributeError):
        return asked
    reply_headers = [(name.encode(), str(value).encode()) for name, value in headers.items()]
    return Request(asked.method, asked.uri, asked.version, asked.headers, asked.body, status, reply_headers, body)


def holds(output: dict[str, Any], rule: int, fired: set[int], tally: Tally) -> bool | None:
    """Whether the outcome is the one asked for; None where nothing is asked of the rules."""
    log = output.get("log") or {}
    wanted = set(log.get("expect_ids", ()))
    unwanted = set(log.get("no_expect_ids", ()))
    wording, no_wording = log.get("match_regex"), log.get("no_match_regex")
    if not (wanted or unwanted or wording or no_wording):
        return None
    if wording:
        tally.by_wording += 1
        wanted |= {int(number) for number in re.findall(r'id "(\d+)"', wording)} or {rule}
    if no_wording:
        named = {int(number) for number in re.findall(r'id "(\d+)"', no_wording)}
        unwanted |= named or {number for number in fired if number >= 911000}
    return wanted <= fired and not unwanted & fired


def run(checkout: Path, path: str) -> tuple[Tally, dict[str, Any]]:
    rules = read(checkout, "", (), Options(paranoia=4, whole=True, setup=SETUP))
    workers = Workers(path, 1)
    known, tally = deviations(checkout), Tally()
    with tempfile.TemporaryDirectory() as copies:
        workers.load(rules.key, rules.write(Path(copies)))
        for file, rule, number, stage in tests(checkout / "tests/regression/tests"):
            fired = set(workers.ask(rules.key, [request(stage["input"])], SECONDS)[0])
            outcomes = [stage["output"], *([known[rule, number]] if (rule, number) in known else [])]
            verdicts = [holds(one, rule, fired, tally) for one in outcomes]
            if all(verdict is None for verdict in verdicts):
                tally.left_out += 1
            elif any(verdicts):
                tally.passed[file] += 1
            else:
                tally.failed.setdefault(file, []).append(str(number))
        workers.close()
    return tally, {"rules": len(rules.rules)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--library", default=library())
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/waf_crs.json")
    args = parser.parse_args()
    tally, more = run(args.checkout, args.library)
    passed, failed = sum(tally.passed.values()), sum(map(len, tally.failed.values()))
    figures = {
        "library": Path(args.library).name,
        "rules": more["rules"],
        "passed": passed,
        "failed": failed,
        "percent": round(100 * passed / (passed + failed), 2),
        "misses": tally.failed,
        "left out: a web server's status alone": tally.left_out,
        "judged by the rule, not by the wording of its log line": tally.by_wording,
    }
    print(json.dumps(figures, indent=1))
    if args.save:
        kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        kept.setdefault("figures", {})[figures["library"]] = figures
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        how = "python -m benchmarks.waf_crs CHECKOUT [--library FILE] --save"
        RESULTS.write_text(json.dumps({"how": how, "machine": machine, **kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
