"""All frameworks over a month of 200,000 records: time, memory, and every figure counted again by SQL over the raw segments.

    python -m benchmarks.reports [--records 200000]

The month is seeded and policy-true: access decides each exchange as the shipped policy does. A few of everything that a
report looks for is mixed in, so that the counted figures are not all nought. The second reader shares no code with the
first: it unpacks the documented frames and leaves the counting to SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.audit_rig import report
from gateway.audit.journal import Journal
from gateway.audit.record import Answer, Closed, Decision, Event, Opened, Outcome, Record, Text, event
from gateway.audit.seal import FileSigner
from gateway.cli.report_site import decider
from gateway.core.exchange import Parameters
from gateway.core.reply import Usage
from gateway.core.verdict import Finding
from gateway.site import create
from policies import bundle

SEED = 6
BEGIN = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
MONTH = 31 * 86_400.0  # seconds
STAGES = ("identity", "access", "limits", "waf", "pii", "routing")
CALLERS = [(f"user{n}", "analyst" if n % 7 else "guest", f"tenant{n % 5}") for n in range(400)]
ACTIONS = ("chat", "chat", "chat", "generate", "complete", "info", "models")
REFUSED_LATER = ("prompt_injection", "attack_detected", "rate_limited", "personal_data_blocked")

# figure → an SQL count over the heads of the raw frames. o: opened, c: closed
COUNTS = {
    "E1.unended": "o.code = '' AND c.id IS NULL",
    "E2.incomplete": "o.address = '' OR o.route = '' OR o.action = '' OR o.policy = '' OR (o.user = '' AND o.code = '')",
    "E6.one_factor": "o.code = '' AND o.method != 'certificate+token'",
    "E6.failures": "o.code IN ('token_missing', 'token_invalid', 'token_expired', 'token_not_bound', 'certificate_rejected')",
    "E7.uncovered": "o.code = '' AND o.stages NOT LIKE '%access%'",
    "E7.refused": "o.code IN ('not_permitted', 'parameter_not_permitted', 'model_not_found')",
    "E9.attacks": "o.code IN ('attack_detected', 'prompt_injection', 'control_token_forged', 'url_not_allowed', 'schema_too_complex')",
    "E9.shadowed": "o.notes LIKE '%waf:shadow%'",
    "E10.stopped": "c.code IN ('output_blocked', 'personal_data_blocked', 'tool_undeclared')",
    "E11.degraded": "o.notes LIKE '%pii:degraded%'",
    "E11.personal": "o.kinds LIKE '%\"pii\"%' OR c.kinds LIKE '%\"pii\"%'",
    "E13.limited": "o.code IN ('rate_limited', 'too_many_streams', 'too_large')",
    "E13.unmetered": "c.content > 0 AND c.outcome = 'answered' AND c.tokens IS NULL",
    "E15.weak": "o.tls NOT IN ('1.3', 'TLSv1.3')",
    "E18.unmarked": "c.content > 0 AND NOT o.structured AND c.mark = 0",
    "E20.unknown": "c.outcome = 'unknown'",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=200_000)
    wanted = options.parse_args().records
    with TemporaryDirectory(prefix="reports-bench-") as made:
        folder = Path(made)
        site = folder / "site"
        create(site, datetime.fromtimestamp(BEGIN - 86_400, UTC))
        count = asyncio.run(write(site, wanted))
        figures: dict[str, Any] = {"records": count, **timed(site, folder)}
        figures |= compare(site, *sorted((folder / "pack").glob("*.json")))
        figures["frameworks"] = len(list((folder / "pack").glob("*.html")))
    report(
        "reports",
        figures,
        "one process, HTML, OSCAL and CSV of every framework; first run makes the projection; two cores shared: niced at a load of 5 to 6 the first run took 81 to 97 s of wall time, with the same CPU time",
    )


async def write(site: Path, wanted: int) -> int:
    signer = FileSigner.load(site / "keys" / "audit.key")
    now = [BEGIN]
    async with Journal.open(site / "audit", signer=signer, clock=lambda: now[0]) as journal:
        batch: list[Any] = []
        count = 1  # the journal's own start
        for one in islice(month(site, wanted), wanted - 1):
            now[0] = one.at / 1000
            batch.append(journal.submit(one))
            count += 1
            if len(batch) == 10_000:
                await asyncio.gather(*batch)
                batch = []
        await asyncio.gather(*batch)
    return count


def month(site: Path, wanted: int) -> Iterator[Record]:
    """Records in order of time, decided by the policy that the site has."""
    chance = random.Random(SEED)
    policy = bundle.load(site / "policies")
    decide = decider(policy)
    yield event("gateway.started", BEGIN, policy=policy.digest)
    for n in range(wanted):
        at = BEGIN + min(MONTH - 60, MONTH * n / (0.54 * wanted))  # about 1.85 records an exchange
        name, role, tenant = chance.choice(CALLERS)
        asked = (name, (role,), tenant, "smollm2", chance.choice(ACTIONS))
        allowed, rules = decide(*asked)
        yield from exchange(n, at, asked, allowed, rules[0] if rules else "default-deny", policy.digest, chance)


def exchange(
    n: int, at: float, asked: tuple[str, tuple[str, ...], str, str, str], allowed: bool, rule: str, policy: str,
    chance: random.Random,
) -> Iterator[Opened | Closed | Event]:  # fmt: skip
    user, roles, tenant, model, action = asked
    opened = an_opened(n, at, (user, roles, tenant), (model, action), rule, policy)
    if not allowed:
        yield replace(opened, code="not_permitted", rulings=opened.rulings[:2], passages=(), withheld=True, backend="")
        return
    odd = chance.random()
    if odd < 0.03:
        yield replace(opened, code=chance.choice(REFUSED_LATER[:3]), backend="")
        return
    if odd < 0.035:
        yield replace(opened, code="token_expired", user="", tenant="", roles=(), method="", rulings=opened.rulings[:1])
        return
    yield _spoilt(opened, chance)
    if chance.random() < 0.9995:
        yield a_closed(n, at + 0.5 + chance.random(), (user, tenant), action, chance)


def _spoilt(one: Opened, chance: random.Random) -> Opened:
    """Rarely, something that a report must find."""
    changes: list[dict[str, Any]] = [
        {"tls": (("version", "1.2"),)}, {"method": "token"}, {"notes": ("waf:shadow",)}, {"notes": ("pii:degraded",)},
        {"address": ""}, {"rulings": one.rulings[:1] + one.rulings[2:]}, {"parameters": Parameters(structured=True)},
    ]  # fmt: skip
    return replace(one, **chance.choice(changes)) if chance.random() < 0.001 else one


def an_opened(
    n: int, at: float, who: tuple[str, tuple[str, ...], str], what: tuple[str, str], rule: str, policy: str
) -> Opened:
    found = (Finding("pii", "cn_mobile", "messages[0].content", 3, 14, 0.85, "PHONE"),) if n % 6 == 0 else ()
    rulings = tuple(
        Decision(stage, "allow", "", {"access": (Finding("access", rule, "exchange"),), "pii": found}.get(stage, ()), "", 90)
        for stage in STAGES
    )  # fmt: skip
    text = "请总结以下文件的要点，并列出三条建议。" * 12
    return Opened(
        f"hx-{n:012d}", round(at * 1000), who[2], who[0], who[1], "certificate+token", who[0], "t" * 43, "10.1.2.3",
        (("version", "1.3"),), f"/v1/{what[1]}", what[1], what[0], "embedded", n % 2 == 0,
        (Text("messages[0].content", "user", "prose", len(text), text),), False, Parameters(max_tokens=256), rulings,
        "", "", policy, n + 1, (),
    )  # fmt: skip


def a_closed(n: int, at: float, who: tuple[str, str], action: str, chance: random.Random) -> Closed:
    text = "好的，这份文件的要点如下：第一……" * 20
    answers = (Answer("choices[0].content", len(text), text),) if action in ("chat", "generate", "complete") else ()
    odd = chance.random()
    outcome, code = (Outcome.REFUSED, "output_blocked") if odd < 0.002 else (Outcome.ANSWERED, "")
    if 0.002 <= odd < 0.0025:
        outcome, answers = Outcome.UNKNOWN, ()
    found = (Finding("pii", "email", "choices[0].content", 1, 9, 1.0, "EMAIL"),) if odd > 0.99 else ()
    usage = None if 0.01 < odd < 0.011 else Usage(240, 160)
    mark = 0 if not answers or 0.02 < odd < 0.021 else n + 1
    return Closed(
        f"hx-{n:012d}", round(at * 1000), who[1], who[0], outcome, code, answers, found, usage,
        (("total", 900_000),), mark,
    )  # fmt: skip


def timed(site: Path, folder: Path) -> dict[str, Any]:
    """The command as a person types it, twice: without the projection and with it."""
    figures: dict[str, Any] = {}
    for run in ("first", "again"):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "gateway.cli.main", "report", str(site), "all", "--lang", "zh", "--out", str(folder / "pack")]  # fmt: skip
        until = datetime.fromtimestamp(BEGIN + MONTH, UTC).isoformat()
        done = subprocess.run([*command, "--from", "2026-10-01", "--to", until], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures[f"{run}_seconds"] = round(time.perf_counter() - began, 1)
        figures[f"{run}_cpu_seconds"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    figures["load_when_taken"] = os.getloadavg()[0]
    return figures


def compare(site: Path, *packs: Path) -> dict[str, Any]:
    """Every figure that can be counted by SQL, against what the reports say."""
    told = {name: value for pack in packs for name, value in _told(pack).items()}
    db = _tables(site / "audit")
    joined = "FROM opened o LEFT JOIN closed c ON c.id = o.id"
    counted = {
        name: db.execute(f"SELECT COUNT(*) {joined} WHERE {where}").fetchone()[0] for name, where in COUNTS.items()
    }
    compared = {name: (told[name], count) for name, count in counted.items() if name in told}
    differ = {name: both for name, both in compared.items() if both[0] != both[1]}
    return {"figures_compared": len(compared), "figures_that_differ": differ, "counted": {n: b[1] for n, b in compared.items()}}  # fmt: skip


def _told(file: Path) -> dict[str, int]:
    result = json.loads(file.read_text())["assessment-results"]["results"][0]
    figures = {}
    for one in result["observations"]:
        props = {prop["name"]: prop["value"] for prop in one["props"]}
        if props.get("value", "-") != "-":
            figures[one["title"].split()[0]] = int(float(props["value"].replace(",", "")))
    return figures


def _tables(directory: Path) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE TABLE opened (id, user, code, address, route, action, policy, method, tls, notes, stages, kinds, structured)"
    )
    db.execute("CREATE TABLE closed (id PRIMARY KEY, outcome, code, content, tokens, mark, kinds)")
    for kind, head in _heads(directory):
        if kind == 1:
            stages = ",".join(ruling["stage"] for ruling in head["rulings"])
            kinds = json.dumps([f["kind"] for ruling in head["rulings"] for f in ruling.get("findings", ())])
            plain = [head[name] for name in ("id", "user", "code", "address", "route", "action", "policy", "method")]
            last = (
                dict(head["tls"])["version"],
                ",".join(head["notes"]),
                stages,
                kinds,
                head["parameters"].get("structured", False),
            )
            db.execute(f"INSERT INTO opened VALUES ({','.join('?' * 13)})", (*plain, *last))
        elif kind == 2:
            content = sum(length for channel, length in head["answers"] if channel.endswith("content"))
            tokens = sum(head["usage"]) if head["usage"] else None
            kinds = json.dumps([finding["kind"] for finding in head["findings"]])
            db.execute(
                "INSERT INTO closed VALUES (?,?,?,?,?,?,?)",
                (head["id"], head["outcome"], head["code"], content, tokens, head["mark"], kinds),
            )
    return db  # fmt: skip


def _heads(directory: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The documented format, read from scratch: magic, header, then length, length, number, kind, two sums, head, body."""
    for path in sorted(directory.glob("seg-*.wal")):
        data = path.read_bytes()
        assert data[:8] == b"HANGUAJ1"
        at = 16 + struct.unpack_from("<I", data, 8)[0]
        while at + 28 <= len(data):
            head, body, _number, kind = struct.unpack_from("<IIQI", data, at)
            if not head:
                break
            yield kind, json.loads(data[at + 28 : at + 28 + head])
            at += 28 + head + body


if __name__ == "__main__":
    main()
