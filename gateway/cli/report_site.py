"""What a report needs to know of a site beside its records: is the log whole, what does the policy grant, how old are the papers.

Reads files and hands over values. `compliance_reports` itself sees nothing of a site.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography import x509

from compliance_reports.facts import Log, Paper, Rules, Surroundings, Verification
from compliance_reports.model import Sample
from gateway import settings
from gateway.audit import frames
from gateway.audit.checkpoint import split
from gateway.audit.proof import prove
from gateway.audit.verify import verify
from gateway.cli.audit import Place
from gateway.core.errors import AuditError, GatewayError
from gateway.core.exchange import Action, Principal
from gateway.stages.access import Access
from policies import bundle
from policies.bundle import Bundle
from policies.problem import PolicyInvalid
from policies.routing import UNNAMED


def surroundings(site: Path, place: Place) -> Surroundings:
    """Everything that could be found out; what could not is None, and the report says so."""
    told = _settings(site)
    return Surroundings(
        verification=verification(place),
        rules=rules_of(Path(told.policies.directory)) if told else None,
        papers=tuple(papers_of(told)) if told else None,
    )


def verification(place: Place) -> Verification:
    """The log checked as `hangu audit verify` checks it. That it could not be checked is a result too."""
    kept = [path for path in place.copies if path.exists()]
    try:
        found = verify(place.directory, place.publics, kept)
    except AuditError as error:
        return Verification(fault=str(error))
    logs = tuple(
        Log(log.origin, log.records, log.sealed, log.checkpoints, log.erased, _latest(place.directory, log.origin))
        for log in found.logs
    )
    return Verification(logs, tuple(map(str, found.problems)), found.notes, copies=len(kept))


def rules_of(directory: Path) -> Rules | None:
    """The policy on disk, or None where there is none that can be read."""
    try:
        found = bundle.load(directory)
    except (PolicyInvalid, GatewayError, OSError):
        return None
    return Rules(
        digest=found.digest,
        grants=tuple(rule.fields for rule in found.access.rules),
        members=tuple((one.member, one.role, one.tenant) for one in found.access.memberships),
        models=(*found.routing.by_name, *sorted(UNNAMED)),
        modes={"waf": found.waf.settings.mode, "output": found.output.mode},
        decide=decider(found),
    )


def decider(found: Bundle) -> Callable[[str, tuple[str, ...], str, str, str], tuple[bool, tuple[str, ...]]]:
    """Access as the gateway decides it, asked with what a record holds. Listing models asks about each of them."""
    access = Access(found.access, found.routing)
    every = tuple(model.name for model in found.routing.models)

    def decide(user: str, roles: tuple[str, ...], tenant: str, model: str, action: str) -> tuple[bool, tuple[str, ...]]:
        served = found.routing.resolve(model)
        names = every if action == "models" else (served.name,) if served else ()
        principal = Principal(user, tenant, roles)
        decisions = [access.decide(principal, name, Action(action)) for name in names]
        matched = {str(rule) for one in decisions for rule in one.matched if rule.effect == "allow"}
        return any(one.allowed for one in decisions), tuple(sorted(matched))

    return decide


def papers_of(told: settings.Settings) -> Iterator[Paper]:
    """The site's own certificates and its revocation list; one that cannot be read has ended long ago."""
    for file in (told.tls.certificate, told.tls.client_ca):
        yield from _certificates(Path(file))
    if told.tls.crl is not None:
        yield _crl(Path(told.tls.crl))


def proofs(place: Place, samples: Sequence[Sample]) -> Mapping[str, str]:
    """Inclusion proofs by place, for the records that are sealed. Damage leaves the rest without: the report says so."""
    found: dict[str, str] = {}
    wanted = {(one.origin, one.seq) for one in samples}
    for origin in sorted({origin for origin, _ in wanted}):
        with suppress(AuditError, frames.Damage):
            for seq, head in _heads(place.directory, origin, {seq for name, seq in wanted if name == origin}):
                proof = prove(place.directory, [(origin, seq, head)], place.publics)
                found[f"{origin}:{seq}"] = json.dumps(proof, ensure_ascii=False, indent=1)
    return found


def _heads(directory: Path, origin: str, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """The heads of these records. Only segments that hold one of them are read."""
    listed = frames.segments(directory, origin)
    for n, (first, path) in enumerate(listed):
        stop = listed[n + 1][0] if n + 1 < len(listed) else None
        inside = {seq for seq in wanted if first <= seq and (stop is None or seq < stop)}
        if inside:
            yield from ((frame.seq, frame.head) for frame in frames.read(path, stop) if frame.seq in inside)


def _settings(site: Path) -> settings.Settings | None:
    return settings.load(site, complete=False) if (site / settings.FILE_NAME).exists() else None


def _latest(directory: Path, origin: str) -> str:
    path = directory / f"checkpoint-{origin}"
    notes = list(split(path.read_bytes())) if path.exists() else []
    return notes[-1].decode() if notes else ""


def _certificates(file: Path) -> Iterator[Paper]:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        yield Paper(f"{file.name}: cannot be read", 1, 1)
        return
    for one in found:
        name = f"{file.name}: {one.subject.rfc4514_string()}"
        yield Paper(name, _millis(one.not_valid_before_utc), _millis(one.not_valid_after_utc))


def _crl(file: Path) -> Paper:
    try:
        found = x509.load_pem_x509_crl(file.read_bytes())
    except (OSError, ValueError):
        return Paper(f"{file.name}: cannot be read", 1, 1)
    ends = found.next_update_utc
    return Paper(f"{file.name}: revocation list", 0, _millis(ends) if ends else 0)


def _millis(when: datetime) -> int:
    return round(when.timestamp() * 1000)
