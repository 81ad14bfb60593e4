"""`hangu policy`: what security people see and what scripts get back."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import policies
from gateway.audit import record
from gateway.audit.journal import Journal
from gateway.audit.query import Entry, Filter
from gateway.audit.record import Opened
from gateway.cli import policy_candidate, policy_diff, policy_explain, policy_request
from gateway.cli.main import main
from gateway.cli.policy_candidate import Candidate
from gateway.cli.policy_replay import Recorded, exchange_of, replay
from gateway.core.exchange import Exchange, Parameters, Principal
from gateway.core.pipeline import Gate, judge
from gateway.stages.access import Access
from gateway.stages.routing import Routing
from policies import bundle
from policies.cases import Caller, Case, Outcome
from tests.make import Says, a_gate, an_exchange
from tgi.wire import TgiWire

DEFAULT = Path(policies.__file__).parent / "default"
ANA = Principal("ana", "demo", ("analyst",), "ana", "certificate+token")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT, tmp_path / "new"))


def add(directory: Path, file: str, text: str) -> None:
    path = directory / file
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def swap(directory: Path, file: str, old: str, new: str) -> None:
    path = directory / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def light(directory: Path) -> Candidate:
    """The policies with a gate whose dear stages are open: what access and routing decide, in no time."""
    read = bundle.load(directory)
    gate = a_gate(Access(read.access, read.routing), Routing(read.routing), digest=read.digest)
    return Candidate(directory, read, gate, TgiWire(default_model=read.routing.default.name))


class TestCheck:
    def test_good_policies_are_summed_up(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["policy", "check", str(directory)]) == 0
        out = capsys.readouterr().out
        assert "these policies can be used" in out
        assert policy_candidate.load(directory).bundle.digest in out

    def test_every_problem_is_told_and_the_exit_is_one(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add(directory, "access/policy.csv", "p, x\n")
        add(directory, "routing.yaml", "more: 1\n")
        assert main(["policy", "check", str(directory)]) == 1
        err = capsys.readouterr().err
        assert "access/policy.csv: line" in err
        assert "routing.yaml: more" in err
        assert "2 problem(s)" in err

    def test_a_model_that_cannot_be_indexed_is_a_problem_too(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        swap(directory, "access/model.conf", "m = g(", 'm = r.sub == "root" || g(')
        assert main(["policy", "check", str(directory)]) == 1
        assert "does not require a role by itself" in capsys.readouterr().err

    def test_what_is_hardly_meant_is_noted_but_no_problem(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add(directory, "access/policy.csv", "p, role:x, *, gone, chat, allow, look\ng, user:a, role:nobody, demo\n")
        add(directory, "access/policy.csv", "p, role:root, *, *, *, allow, look\n")
        add(directory, "access/profiles.yaml", "  unused: {max_tokens: 1}\n")
        swap(directory, "limits.yaml", "assign: []", "assign: [{role: batsh, bounds: standard}]")
        assert main(["policy", "check", str(directory)]) == 0
        out = capsys.readouterr().out
        assert "no access rule knows the role batsh" in out
        for said in ("no model is called gone", "no rule is about role:nobody", "least privilege", "profile unused"):
            assert said in out

    def test_a_directory_that_is_not_there_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["policy", "check", str(tmp_path / "absent")]) == 1
        assert "is not a directory" in capsys.readouterr().err


class TestCases:
    def test_the_shipped_policies_do_what_their_cases_say(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["policy", "test", str(DEFAULT)]) == 0, capsys.readouterr().out

    def test_a_case_that_does_not_hold_is_told_with_what_happened(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        swap(directory, "access/policy.csv", "p, role:analyst, *, *, chat,     allow, standard\n", "")
        assert main(["policy", "test", str(directory)]) == 1
        out = capsys.readouterr().out
        assert "FAILS cases/access.yaml: analysts may chat\n        expected allow, got block (not_permitted)" in out


class TestExplain:
    def said(self, content: str, *arguments: str) -> tuple[Outcome, str]:
        """The same as the verb, but for reading the file and building the dear stages."""
        parser = argparse.ArgumentParser()
        policy_explain.configure(parser)
        args = parser.parse_args([str(DEFAULT), "-", *arguments])
        lines, outcome = policy_explain.told(light(DEFAULT), policy_request.case_of(args, content))
        return outcome, "\n".join(lines)

    def test_the_rule_that_decides_is_told_with_its_place(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "text").write_text("What is a mountain pass?")
        assert main(["policy", "explain", str(DEFAULT), str(tmp_path / "text")]) == 0
        out = capsys.readouterr().out
        assert "role:analyst,*,*,chat,allow,standard  [exchange]  ← access/policy.csv line 9" in out
        assert "goes to smollm2 on embedded" in out

    def test_why_nothing_is_permitted_is_told(self) -> None:
        outcome, out = self.said("hello", "--caller", "guest", "--tenant", "acme")
        assert outcome is Outcome.BLOCK
        assert "no rule lets user:guest, role:guest in tenant acme chat with smollm2" in out
        assert "refused: not_permitted" in out

    def test_a_body_is_read_as_the_route_reads_it(self) -> None:
        outcome, out = self.said(json.dumps({"inputs": "hello", "parameters": {"max_new_tokens": 5000}}))
        assert outcome is Outcome.BLOCK
        assert "by /generate" in out
        line = (DEFAULT / "access" / "profiles.yaml").read_text().splitlines().index("  standard:") + 2
        assert f"standard.max_tokens  [parameters.max_tokens]  ← access/profiles.yaml line {line}" in out

    def test_a_request_may_tell_its_route(self) -> None:
        assert (
            "by /v1/completions" in self.said(json.dumps({"route": "/v1/completions", "text": "hello", "id": "x"}))[1]
        )
        assert "by /generate" in self.said(json.dumps({"body": {"inputs": "hello"}}))[1]
        assert "by /generate" in self.said("hello", "--route", "/generate")[1]

    def test_a_body_the_wire_refuses_is_told(self) -> None:
        outcome, out = self.said(json.dumps({"messages": "hello"}))
        assert outcome is Outcome.BLOCK
        assert out.startswith("refused: ")

    def test_a_stage_that_failed_is_told(self) -> None:
        candidate = light(DEFAULT)
        broken = replace(candidate, gate=a_gate(Says("waf", RuntimeError("gone"))))
        case = Case(name="x", caller=Caller(name="ana"), text="hi", expect=Outcome.ALLOW)
        lines, outcome = policy_explain.told(broken, case)
        assert outcome is Outcome.BLOCK
        assert "failed: RuntimeError" in "\n".join(lines)

    def test_a_reply_is_told_as_it_leaves(self) -> None:
        assert self.said("hello", "--stage", "response")[1].endswith("leaves as it is: hello")

    def test_a_caller_of_the_site_has_the_roles_of_its_token(self, tmp_path: Path) -> None:
        file = tmp_path / "clients" / "kim" / "token.jwt"
        file.parent.mkdir(parents=True)
        claims = base64.urlsafe_b64encode(json.dumps({"tenant": "acme", "roles": ["guest"]}).encode()).rstrip(b"=")
        file.write_bytes(b"e30." + claims + b".x")
        parser = argparse.ArgumentParser()
        policy_explain.configure(parser)
        case = policy_request.case_of(parser.parse_args([str(tmp_path), "-", "--caller", "kim"]), "hello")
        assert (case.caller.tenant, case.caller.roles) == ("acme", ("guest",))

    @pytest.mark.parametrize(
        "refusal",
        [
            "rate_limited",
            '{"error": {"message": "…", "type": "…", "code": "rate_limited", "param": null}}',
            '{"error": "…", "error_type": "rate_limited"}',
        ],
    )
    def test_a_refusal_a_caller_got_is_resolved(
        self, refusal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "refusal").write_text(refusal)
        file = refusal if refusal == "rate_limited" else str(tmp_path / "refusal")
        assert main(["policy", "explain", str(DEFAULT), file]) == 0
        assert "rate_limited: too many requests" in capsys.readouterr().out

    def test_a_reader_of_chinese_is_told_in_chinese(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
        _, out = self.said("hello", "--caller", "guest")
        assert "是否允许？" in out
        assert "拒绝: not_permitted: 策略不允许此操作" in out

    def test_what_cannot_be_read_is_not_judged(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["policy", "explain", str(DEFAULT), str(tmp_path / "absent")]) == 2
        (tmp_path / "bytes").write_bytes(b"\xff\xfe")
        assert main(["policy", "explain", str(DEFAULT), str(tmp_path / "bytes")]) == 2


class TestDiff:
    def test_the_same_policies_do_not_differ(self) -> None:
        one, other = light(DEFAULT), light(DEFAULT)
        for found in (policy_diff.files(one, other), policy_diff.grants(one, other), policy_diff.outcomes(one, other)):
            assert list(found) == []
        assert list(policy_diff.profiles(one.bundle.access, other.bundle.access)) == []

    def test_what_changes_is_told_for_whom(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        add(
            directory,
            "access/policy.csv",
            "p, role:guest, *, *, chat, allow, standard\n"
            "p, role:analyst, acme, *, generate, deny, -\n"
            "g, user:lin, role:analyst, acme\n",
        )
        swap(directory, "access/profiles.yaml", "max_tokens: 2048", "max_tokens: 4096")
        assert main(["policy", "diff", str(DEFAULT), str(directory), "--exit-code"]) == 1
        out = capsys.readouterr().out
        for said in (
            "changed access/policy.csv",
            "role:guest (any other tenant) may now chat: smollm2",
            "role:analyst (acme) may no longer generate: smollm2",
            "user:lin (acme) may now chat: smollm2",
            "standard.max_tokens: 2048 → 4096  (role:analyst, role:guest, role:reader)",
            "guests may not chat: block (not_permitted) → allow",
        ):
            assert said in out
        assert "user:lin (acme) may now generate" not in out

    def test_a_model_that_is_no_longer_served_is_taken_from_everybody(self, directory: Path) -> None:
        old = light(directory)
        swap(directory, "routing.yaml", "smollm2 ", "smollm3 ")
        changes = list(policy_diff.grants(old, light(directory)))
        assert {change.model for change in changes if not change.given} == {"smollm2"}
        assert {change.model for change in changes if change.given} == {"smollm3"}


class Record:
    """A record held in memory, answering what replay asks."""

    def __init__(self, *records: Opened) -> None:
        self._records = records

    def find(self, wanted: Filter) -> Iterator[Entry]:
        assert wanted.kinds == ("opened",)
        for number, one in enumerate(self._records):
            yield Entry("w0", number, one)


def opened(exchange: Exchange, gate: Gate | None = None) -> Opened:
    """As the gateway records it: judged, then written down."""
    given = gate or a_gate()
    judged = judge(given.stages[1:], exchange, lambda: 0.0)
    return record.opened(exchange, judged, "digest", exchange.received_at)


class TestReplay:
    WANTED = Filter(kinds=("opened",))

    def test_an_exchange_comes_back_from_the_record_as_it_was(self) -> None:
        exchange = an_exchange("hello", principal=ANA, parameters=Parameters(max_tokens=5, tools=("search",)))
        again = exchange_of(opened(exchange))
        assert replace(again, id=exchange.id, peer=exchange.peer) == replace(exchange, backend="", mark=0)

    def test_what_a_stricter_policy_would_refuse_is_found(self, directory: Path) -> None:
        swap(directory, "access/policy.csv", "p, role:analyst, *, *, chat,     allow, standard\n", "")
        recorded: Recorded = Record(opened(an_exchange("hello", principal=ANA, id="a")))
        found = replay(recorded, self.WANTED, light(directory).gate)
        (difference,) = found.differences
        assert (difference.id, difference.then, difference.now) == ("a", "allowed", "not_permitted")
        assert (difference.who, difference.rule) == ("ana (demo: analyst)", "default-deny")

    def test_what_a_wider_policy_would_allow_is_found(self, directory: Path) -> None:
        guest = Principal("gil", "demo", ("guest",), "gil")
        before = light(directory).gate
        exchange = an_exchange("hello", principal=guest)
        judged = judge(before.stages[1:], exchange, lambda: 0.0)
        kept = record.opened(exchange, judged, "d", 0.0, redacted=exchange.passages)
        add(directory, "access/policy.csv", "p, role:guest, *, *, chat, allow, standard\n")
        found = replay(Record(kept), self.WANTED, light(directory).gate)
        assert [(one.then, one.now) for one in found.differences] == [("not_permitted", "allowed")]

    def test_the_same_policy_would_have_decided_the_same(self, directory: Path) -> None:
        gate = light(directory).gate
        exchanges = [an_exchange(text, principal=ANA) for text in ("hello", "What is a pass?")]
        found = replay(Record(*[opened(one, gate) for one in exchanges]), self.WANTED, gate)
        assert (found.judged, found.differences) == (2, ())

    def test_what_cannot_be_judged_again_is_counted(self) -> None:
        stranger = opened(an_exchange("hello", principal=None))
        withheld = replace(opened(an_exchange("hello", principal=ANA)), withheld=True, code="attack_detected")
        found = replay(Record(stranger, withheld), self.WANTED, a_gate())
        assert (found.judged, found.without_text, found.not_identified) == (1, 1, 1)
        assert found.differences == ()  # without its text nothing says that it would be allowed

    def test_a_candidate_with_a_broken_stage_refuses_everything(self) -> None:
        gate = a_gate(Says("waf", RuntimeError("detector gone")))
        found = replay(Record(opened(an_exchange("hello", principal=ANA))), self.WANTED, gate)
        assert [one.now for one in found.differences] == ["stage_failed"]

    async def test_a_site_s_own_record_is_replayed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "gateway.toml").write_text(SETTINGS)
        async with Journal.open(tmp_path / "audit") as journal:
            for name in ("a", "b"):
                await journal.append(opened(an_exchange("hello", principal=ANA, id=name)))
        new = Path(shutil.copytree(DEFAULT, tmp_path / "new"))
        swap(new, "access/policy.csv", "p, role:analyst, *, *, chat,     allow, standard\n", "")
        arguments = ["policy", "replay", str(tmp_path), "--against", str(new), "--exit-code", "--since", "2026-01-01"]
        assert await asyncio.to_thread(main, arguments) == 1
        out = capsys.readouterr().out
        assert "2 recorded exchanges judged again" in out
        assert "      2  allowed → not_permitted" in out
        assert "a  ana (demo: analyst)  allowed → not_permitted  default-deny" in out


SETTINGS = """
[tls]
certificate = "server.pem"
key = {file = "server.key"}
client_ca = "ca.pem"
[identity]
issuer = "https://issuer"
keys = ["tokens.pem"]
[audit]
signing_key = {file = "audit.key"}
[watermark]
master_key = {file = "marks.key"}
[policies]
[pii]
pseudonym_key = {file = "pii.key"}
"""
