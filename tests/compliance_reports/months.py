"""A small month in which everything is as it should be, to plant violations in. Facts by value; no files."""

from __future__ import annotations

from dataclasses import replace

from compliance_reports.facts import Facts, Log, Paper, Passed, Rules, Surroundings, Told, Verification
from compliance_reports.model import Period
from gateway.audit.query import Head
from gateway.audit.record import Event, event

DAY = 86_400_000
SINCE = 1_790_000_000_000  # Unix milliseconds, in 2026
UNTIL = SINCE + 31 * DAY
POLICY = "d" * 64
STAGES = ("identity", "access", "limits", "waf", "pii", "routing")
CHAT = ("role:analyst", "*", "smollm2", "chat", "allow", "standard")
LOOK = ("role:guest", "*", "*", "info", "allow", "look")
COMPLETE = ("role:analyst", "*", "smollm2", "complete", "allow", "standard")


def an_exchange(n: int) -> Passed:
    """One allowed, answered, marked and labelled chat."""
    at = SINCE + n * DAY // 4
    return Passed(
        id=f"x{n}", origin="w0", seq=2 * n + 2, at=at, tenant="acme", user="ana", roles=("analyst",),
        method="certificate+token", certificate="analyst", address="10.0.0.1", tls="1.3", route="/v1/chat/completions",
        action="chat", model="smollm2", policy=POLICY, code="", stages=STAGES, rule=",".join(CHAT), notes=("label:signed",), found=(),
        structured=False, withheld=False, kept=True, fault="", outcome="answered", ended=at + 1500, answered=200,
        labelled=True, mark=1000 + n, tokens=80,
    )  # fmt: skip


def a_refusal(n: int) -> Passed:
    """A guest who may look, and asked to chat."""
    asked = replace(an_exchange(n), user="gus", roles=("guest",), certificate="guest", rule="default-deny")
    return replace(asked, code="not_permitted", stages=("identity", "access"), outcome="", ended=0, answered=0, mark=0,
                   tokens=-1, labelled=False, kept=False, withheld=True)  # fmt: skip


def a_look(n: int) -> Passed:
    """The same guest, looking."""
    asked = replace(an_exchange(n), user="gus", roles=("guest",), certificate="guest", rule=",".join(LOOK))
    return replace(asked, action="info", route="/info", answered=0, labelled=False, mark=0, tokens=-1)


def decide(user: str, roles: tuple[str, ...], tenant: str, model: str, action: str) -> tuple[bool, tuple[str, ...]]:
    """What the three grants above say."""
    matched = [
        ",".join(grant)
        for grant in (CHAT, LOOK, COMPLETE)
        if grant[0].removeprefix("role:") in roles and grant[3] == action and grant[2] in ("*", model)
    ]
    return bool(matched), tuple(matched)


def told(kind: str, seq: int, at: int = SINCE, **facts: object) -> Told:
    who = {name: str(facts.pop(name)) for name in ("actor", "tenant", "subject") if name in facts}
    return Told("w0", seq, event(kind, at / 1000, facts, **who))  # type: ignore[arg-type]


def happened(one: Event, seq: int) -> Told:
    return Told("w0", seq, one)


def a_good_month() -> Facts:
    """Everything in order, and at least one of everything that a clause wants to see."""
    passed = tuple(a_refusal(n) if n % 10 == 9 else a_look(n) if n % 10 == 8 else an_exchange(n) for n in range(100))
    events = (
        told("journal.started", 0, first=0, origins="w0"),
        told("gateway.started", 1, policy=POLICY),
        told("policy.loaded", 300, policy=POLICY, actor="sam"),
        told("clock.checked", 301, offset_ms=3),
        told("subject.requested", 302, SINCE, what="erasure", tenant="acme", subject="bob"),
        told("record.erased", 303, SINCE + 5 * DAY, reason="asked by the person", actor="aud", tenant="acme", subject="bob"),
        told("record.revealed", 304, reason="incident 12", actor="aud", tenant="acme", subject="ana", exchange="x1"),
        told("backup.restored", 305),
        told("evaluation.finished", 306, name="bank", cases=2000, passed=1960),
    )  # fmt: skip
    rules = Rules(POLICY, (CHAT, LOOK), (("user:ana", "role:analyst", "acme"),), ("smollm2",),
                  {"waf": "enforce", "output": "enforce"}, decide)  # fmt: skip
    log = Log("w0", 310, 310, 3, 0, "hangu/w0\n310\n…")
    around = Surroundings(
        Verification((log,), copies=1), rules, (Paper("server.pem", SINCE - DAY, UNTIL + 90 * DAY),), "site"
    )
    return Facts(Period(SINCE, UNTIL), 310, {"w0": (0, 309, 310)}, passed, (), events, (), (Head("w0", 310, 310, ""),),
                 SINCE - 200 * DAY, around)  # fmt: skip


def changed(facts: Facts, n: int, **changes: object) -> Facts:
    """The month with one exchange otherwise."""
    passed = list(facts.passed)
    passed[n] = replace(passed[n], **changes)  # type: ignore[arg-type]
    return replace(facts, passed=tuple(passed))
