"""What would happen to a text: judged by the gate in force through `gateway.cases`, and forgotten.

Nothing of it reaches the gateway: it counts on a meter of its own, so that it uses up nobody's allowance, and hides
personal data under a key and in a vault of its own, so that no tag of a real conversation is made or undone here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from gateway import cases
from gateway.cases import Seen
from gateway.console import way
from gateway.console.standing import Standing
from gateway.console.way import Stop
from gateway.core.exchange import Principal
from gateway.core.pipeline import Gate
from gateway.core.ports import Wire
from gateway.core.stage import Stage
from gateway.stages.limits import Limits, Meter
from gateway.stages.pii import Redaction
from policies.bundle import Bundle
from policies.cases import Caller, Case, Outcome, Side

NOBODY_S_KEY = bytes(32)  # what is replaced under it stands for nothing anywhere else
PASSAGE_ROLES = ("user", "system", "assistant", "tool")
MAX_ROLES = 20  # of one caller


@dataclass(frozen=True, slots=True)
class Tried:
    """What was filled in, as it was typed."""

    name: str = "playground"
    tenant: str = "default"
    roles: str = "analyst"
    route: str = "/v1/chat/completions"
    model: str = ""
    role: str = "user"
    stage: str = "request"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of it: the way, stop by stop, and the text as it went on."""

    seen: Seen
    asked: list[Stop] = field(default_factory=list)
    answered: list[Stop] = field(default_factory=list)


def filled(given: Mapping[str, str], who: Principal) -> Tried:
    """A form's fields; what is not there is as in a fresh form, which asks for the visitor's own tenant."""
    fresh = Tried(tenant=who.tenant or Tried().tenant)
    return replace(fresh, **{one.name: given[one.name] for one in fields(Tried) if one.name in given})


def case_of(tried: Tried) -> Case | None:
    """The case that the form describes, in the words of `hangu inspect`; None where it is none."""
    roles = tuple(tried.roles.replace(",", " ").split())
    text = tried.text.replace("\r\n", "\n")  # a browser sends every line's end as two characters
    if len(roles) > MAX_ROLES or not text:
        return None
    try:
        caller = Caller(name=tried.name.strip(), tenant=tried.tenant.strip(), roles=roles)
        return Case(
            name="tried",
            caller=caller,
            route=tried.route,
            model=tried.model.strip(),
            role=tried.role,
            stage=Side(tried.stage),
            text=text,
            expect=Outcome.ALLOW,
        )
    except ValueError:  # pydantic's ValidationError is one, and so is a stage that there is not
        return None


def attempt(standing: Standing, case: Case, wire: Wire, at: float) -> Shown:
    """Judge it. Takes as long as the gate does: call it where that may be waited for. `at` is Unix seconds."""
    seen = cases.look(apart(standing.gate, standing.bundle), case, wire, at)
    if case.stage is Side.REQUEST:
        return Shown(seen, asked=way.of_rulings(seen.rulings))
    return Shown(seen, answered=way.answered(seen.findings, seen.code, reached=True, marked=None))


def apart(gate: Gate, bundle: Bundle) -> Gate:
    """The same gate with memories of its own: the same policy, detectors and rules, another meter, key and vault."""
    detectors = next((one.detectors for one in gate.stages if isinstance(one, Redaction)), None)
    redaction = Redaction(bundle.pii, NOBODY_S_KEY, detectors)
    own: dict[str, Stage] = {one.name: one for one in (Limits(bundle.limits, Meter()), redaction)}
    return replace(
        gate,
        stages=tuple(own.get(stage.name, stage) for stage in gate.stages),
        rewriters=tuple(redaction if one.name == redaction.name else one for one in gate.rewriters),
    )
