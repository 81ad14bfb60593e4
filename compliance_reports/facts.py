"""What one pass over the record found, compact enough to hold a month. Reading lives in `gathering`; nothing is judged here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compliance_reports.model import Period, Sample
from gateway.audit.query import Head
from gateway.audit.record import Event

Grant = tuple[
    str, str, str, str, str, str
]  # subject, tenant, model, action, effect, profile: a rule as policy writes it


@dataclass(frozen=True, slots=True)
class Log:
    """What verifying one origin came to. `first` is the time of its first record, Unix milliseconds."""

    origin: str
    records: int
    sealed: int
    checkpoints: int
    erased: int
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Was the record checked, and is it whole? `problems` and `fault` are plain sentences."""

    logs: tuple[Log, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""  # why it could not be checked
    copies: int = 0  # places elsewhere whose checkpoints were compared

    @property
    def trusted(self) -> bool:
        return not self.problems and not self.fault


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate, key or token of the site: when it was made and when it ends, in Unix milliseconds (0: not said)."""

    name: str
    made: int
    ends: int


Decide = Callable[[str, tuple[str, ...], str, str, str], tuple[bool, tuple[str, ...]]]
"""User, roles, tenant, model, action → allowed, and every rule that matched."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy as it is on disk now. Records made under another digest are not covered by it."""

    digest: str
    grants: tuple[Grant, ...] = ()
    members: tuple[tuple[str, str, str], ...] = ()  # member, role, tenant
    models: tuple[str, ...] = ()
    modes: Mapping[str, str] = field(default_factory=dict)  # section → "enforce" or "shadow"
    decide: Decide | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the records, handed in by whoever may read it. None: not known."""

    verification: Verification
    rules: Rules | None = None
    papers: tuple[Paper, ...] | None = None
    directory: str = (
        "DIR"  # how commands shown to the reader name the site: its path on this machine is nobody's business
    )


@dataclass(frozen=True, slots=True)
class Passed:
    """One exchange as its records tell it, both together. `outcome` is empty while it has no end on record.

    `stages` are those that ruled; `found` pairs a finding's kind with its entity or rule. Times are Unix milliseconds.
    """

    id: str
    origin: str
    seq: int
    at: int
    tenant: str
    user: str
    roles: tuple[str, ...]
    method: str
    certificate: str
    address: str
    tls: str
    route: str
    action: str
    model: str
    policy: str
    code: str
    stages: tuple[str, ...]
    rule: str
    notes: tuple[str, ...]
    found: tuple[tuple[str, str], ...]
    structured: bool
    withheld: bool
    kept: bool  # some text of the prompt is on record
    fault: str
    outcome: str = ""
    ended: int = 0
    end_code: str = ""
    answered: int = 0  # code points of text that left in content channels
    labelled: bool = False
    mark: int = 0
    tokens: int = -1
    answer_found: tuple[tuple[str, str], ...] = ()

    @property
    def let_in(self) -> bool:
        return not self.code

    @property
    def sample(self) -> Sample:
        return Sample(self.origin, self.seq, self.id, self.code or self.outcome)


@dataclass(frozen=True, slots=True)
class Told:
    """An event and where it stands."""

    origin: str
    seq: int
    event: Event

    def fact(self, name: str) -> str:
        return dict(self.event.facts).get(name, "")

    @property
    def sample(self) -> Sample:
        return Sample(self.origin, self.seq, self.fact("exchange"), self.event.kind)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything evidence is computed from. `fault` is why reading stopped early, if it did."""

    period: Period
    records: int
    spans: Mapping[str, tuple[int, int, int]]  # origin → first sequence number, last, and how many
    passed: tuple[Passed, ...]
    orphans: tuple[Sample, ...]  # ends without a beginning anywhere in the record
    events: tuple[Told, ...]
    before: tuple[Told, ...]  # policy and start events from before the period
    heads: tuple[Head, ...]
    begins: int  # time of the very first record, Unix milliseconds
    around: Surroundings
    fault: str = ""
