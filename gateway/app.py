"""The wiring: settings and policies in, a gate out. The only place that names every stage and the backend's room.

What runs (sockets, journal, tasks) is put together in `works`; nothing here opens a socket or writes a file.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import policies.bundle
import tgi.client
import tgi.guard
import tgi.pool
import tgi.reply
import tgi.wire
import watermark
from gateway import cases, crs, jwks, settings, smoke
from gateway import keys as key_room
from gateway.cases import CaseResult
from gateway.core.errors import PolicyError, SettingsError
from gateway.core.pipeline import Gate
from gateway.core.ports import Wire
from gateway.core.stage import Stage
from gateway.detect.crs.residue import Crs
from gateway.detect.waf.classifier import Guarded
from gateway.http import tls
from gateway.settings import Settings
from gateway.stages.access import Access
from gateway.stages.identity import Alone, Identity, IdentityRules, KeySet, VerifiedTokens
from gateway.stages.limits import Limits, Meter
from gateway.stages.marking import Marking
from gateway.stages.output import Output
from gateway.stages.pii import MemoryVault, Redaction, SharedVault, Vault
from gateway.stages.routing import Routing
from gateway.stages.waf import Waf
from gateway.stages.waf.dull import Dull
from policies.bundle import Bundle
from policies.problem import PolicyInvalid
from watermark import sampler


@dataclass(frozen=True, slots=True)
class Site:
    """A site's directory and what its settings say."""

    directory: Path
    settings: Settings

    def trust(self) -> tls.Trust:
        """The TLS files as they are now."""
        files = self.settings.tls
        key = files.key.file
        if key is None:
            raise SettingsError("the TLS key is read from a file only", "[tls] key")
        return tls.read(tls.Files(files.certificate, key, files.client_ca, files.crl))


@dataclass(frozen=True, slots=True)
class Lasting:
    """What outlives a policy: keys, memories and meters that a reload must not forget."""

    keys: Callable[[], KeySet]
    marks: watermark.Keys
    pseudonym_key: bytes
    vault: Vault = field(default_factory=MemoryVault)
    unknown_key: Callable[[], None] = lambda: None
    core_rules: Crs | None = None
    guard: Guarded | None = None
    verified: VerifiedTokens = field(default_factory=VerifiedTokens)
    meter: Meter = field(default_factory=Meter)


def open_site(directory: Path, *, complete: bool = True) -> Site:
    """Raises SettingsError with every problem. `complete` False needs none of the files that settings point to."""
    return Site(directory, settings.load(directory, complete=complete))


def lasting(site: Site, *, share: float = 1.0) -> Lasting:
    """Keys from files, fresh memories. A JWKS address needs the network: `works` puts that in its place."""
    wanted = site.settings.identity
    keys = jwks.read_files(tuple(map(Path, wanted.keys)), wanted.algorithms) if wanted.keys else KeySet(())
    return Lasting(
        keys=lambda: keys,
        marks=key_room.marks(site.settings.watermark),
        pseudonym_key=site.settings.pii.pseudonym_key.key(),
        vault=open_vault(site.settings),
        core_rules=crs.of_site(site.settings.crs),
        guard=open_guard(site.settings),
        meter=Meter(share),
    )


def open_vault(site: Settings) -> Vault:
    """Where pseudonyms are remembered: in this process, or in the Redis that the settings name."""
    shared = site.pseudonyms
    if shared is None:
        return MemoryVault()
    from gateway import redis_store  # a tenth of a second that most sites need not wait

    address = redis_store.Address(
        shared.url,
        shared.username,
        shared.password.text() if shared.password else "",
        shared.ca,
        shared.certificate,
        shared.key.file if shared.key else None,
        shared.timeout_seconds,
    )
    store = redis_store.RedisStore(address, time.monotonic)
    return SharedVault(store, site.pii.pseudonym_key.key(), os.urandom)


def open_guard(site: Settings) -> Guarded | None:
    """The site's guard model behind its deadline and its breaker, or None. It is asked when somebody asks."""
    one = guard_of(site)
    return Guarded(one, one.seconds, time.monotonic) if one else None


def guard_of(site: Settings) -> tgi.guard.Guard | None:
    """The site's guard model by itself."""
    wanted = site.classifier
    if wanted is None:
        return None
    key = wanted.api_key.text() if wanted.api_key else None
    return tgi.guard.Guard(
        str(wanted.url), wanted.kind, wanted.model, wanted.deadline_seconds, wanted.grammar, key, client_tls(wanted.ca)
    )


def open_gate(directory: Path) -> Gate:
    """The gate of a site, for verbs that judge without serving: the same pipeline, from the same places."""
    site = open_site(directory)
    return build_gate(load_bundle(site), site.settings, lasting(site))


def load_bundle(site: Site) -> Bundle:
    """The site's policies. Raises PolicyError naming every problem."""
    try:
        return policies.bundle.load(Path(site.settings.policies.directory))
    except PolicyInvalid as invalid:
        raise PolicyError(str(invalid), hint="mend these; the policies in force stay until then") from invalid


def build_gate(bundle: Bundle, site: Settings, kept: Lasting) -> Gate:
    """One policy, ready to use. Raises PolicyError where a section cannot be compiled."""
    try:
        redaction = Redaction(bundle.pii, kept.pseudonym_key, vault=kept.vault)
        _must_have_guard(bundle, site)
        core, dull = crs.in_force(bundle.waf, kept.core_rules), Dull(os.urandom(32))
        waf = Waf(bundle.waf, kept.guard, core, kept.marks, dull, kept.pseudonym_key)
        stages = (
            Identity(identity_rules(site), kept.keys, kept.verified, kept.unknown_key),
            Access(bundle.access, bundle.routing),
            Limits(bundle.limits, kept.meter),
            waf,
            redaction,
            Routing(bundle.routing, bundle.marks, partial(_user_key, kept.marks)),
        )
        marking = Marking(kept.marks, bundle.marks, site.watermark.provider_code or site.watermark.provider)
        rewriters = (redaction, Output(bundle.output), marking)
    except PolicyInvalid as invalid:
        raise PolicyError(str(invalid), hint="mend these; the policies in force stay until then") from invalid
    return Gate(
        stages,
        rewriters,
        bundle.digest,
        label=marking.label,
        slow=redaction.slow or kept.guard is not None,
        slow_replies=redaction.slow_replies,
        waits=waf.waits if kept.core_rules else None,
        keeps=_keeps(bundle, site),
    )


def _must_have_guard(bundle: Bundle, site: Settings) -> None:
    """A control that policy calls required and that is not there must not go unnoticed."""
    if bundle.waf.settings.classifier.required and site.classifier is None:
        hint = "name its server under [classifier] in gateway.toml, or do not require it"
        raise PolicyError("a classifier is required, and this site has none", "waf/settings.yaml: classifier", hint)


def _keeps(bundle: Bundle, site: Settings) -> Callable[[str, tuple[str, ...]], bool] | None:
    """Whose originals are kept; None where nobody's are, so that nothing is asked for each request."""
    if not bundle.originals.keeps_some:
        return None
    if site.audit.sealing_key is None:
        hint = "name a key as [audit] sealing_key in gateway.toml, or keep no originals"
        raise PolicyError("originals are to be sealed, and this site has no key for that", "originals.yaml", hint)
    return bundle.originals.keeps


def _user_key(marks: watermark.Keys, tenant: str, name: str) -> str:
    return sampler.user_key(marks.current, sampler.user_of(tenant, name)).hex()


UNMET_HINT = "a case says what the policy promises: mend either"


def run_cases(gate: Gate, bundle: Bundle, site: Settings) -> list[CaseResult]:
    """The policy's own cases through its gate, with a meter and a vault of their own: they use up nobody's allowance.

    No outside classifier is asked: what a policy promises by itself must not depend on another server's being there.
    """
    fresh = Limits(bundle.limits, Meter())
    stages = tuple(_for_cases(stage, fresh) for stage in gate.stages)
    return cases.run(replace(gate, stages=stages), bundle.cases, wire(site, bundle.routing.default.name))


def _for_cases(stage: Stage, fresh: Limits) -> Stage:
    if isinstance(stage, Redaction):
        return stage.apart()
    if isinstance(stage, Waf):
        return stage.alone()
    return fresh if stage.name == fresh.name else stage


def unmet_cases(bundle: Bundle, gate: Gate, site: Settings) -> list[str]:
    """One line a case that does not hold; none when the policy keeps its promises."""
    results = run_cases(gate, bundle, site)
    unmet = [f"{each.file}: {each.case.name}: {'; '.join(each.wrong)}" for each in results if not each.passed]
    return unmet + smoked(bundle, gate)


def smoked(bundle: Bundle, gate: Gate) -> list[str]:
    """Harmless texts that a policy refuses, if they are more than it says it may. No outside classifier is asked."""
    stages = [stage.alone() if isinstance(stage, Waf) else stage for stage in gate.stages]
    refused = smoke.refused(replace(gate, stages=tuple(stages)))
    return refused if len(refused) > bundle.waf.settings.smoke.refused_at_most else []


def identity_rules(site: Settings) -> IdentityRules:
    """What the site demands of a caller's papers."""
    wanted = site.identity
    return IdentityRules(
        issuers=(wanted.issuer,),
        audiences=(wanted.audience,),
        algorithms=wanted.algorithms,
        leeway_seconds=wanted.leeway_seconds,
        require_bound_tokens=wanted.require_bound_tokens,
        certificates_alone=wanted.certificates_alone,
        certificate_names=site.tls.identity_from,
        certificates={each.name: Alone(each.tenant, each.roles) for each in wanted.certificates},
        subject_claim=wanted.claims.subject,
        tenant_claim=wanted.claims.tenant,
        roles_claim=wanted.claims.roles,
        default_tenant=wanted.default_tenant,
    )


def wire(site: Settings, default_model: str) -> Wire:
    """How the backend's kind of request is read and answered."""
    limits = tgi.wire.Limits(
        max_body_bytes=site.limits.body_bytes, max_depth=site.limits.json_depth, max_nodes=site.limits.json_nodes
    )
    shown = tgi.wire.Shown.SPLIT if site.backend.reasoning == "split" else tgi.wire.Shown.INLINE
    thinking = tgi.wire.Thinking(site.backend.thinking)
    if site.backend.kind == "openai":
        served = site.backend.served_model or None
        return tgi.wire.OpenAIWire(default_model, served, limits, thinking, shown_in_chat=shown)
    return tgi.wire.TgiWire(default_model, limits, thinking, shown_in_chat=shown)


def admin_identity(site: Settings, kept: Lasting) -> Identity:
    """Who may come to the operations port: a token as on the data port, or a certificate that the settings name."""
    rules = replace(identity_rules(site), certificates_alone=bool(site.identity.certificates))
    return Identity(rules, kept.keys, kept.verified, kept.unknown_key)


async def open_backend(site: Settings, stack: AsyncExitStack) -> tgi.pool.Watched:
    """The model's server, watched. Connections are made when somebody asks."""
    wanted = site.backend
    key = wanted.api_key.text() if wanted.api_key else None
    patience = tgi.reply.Patience(
        wanted.connect_seconds, wanted.first_byte_seconds, wanted.silence_seconds, wanted.total_seconds
    )
    bounds = tgi.reply.Bounds(patience, wanted.reply_bytes)
    context = client_tls(wanted.ca, wanted.certificate, wanted.key.file if wanted.key else None)
    one = tgi.client.HttpBackend(wanted.name, wanted.url, bounds, key, context, wanted.connections)
    return tgi.pool.Watched(await stack.enter_async_context(one), time.monotonic, retries=wanted.retries)


def client_tls(ca: Path | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext | None:
    """A context for connections that the gateway makes; None where the system's authorities do."""
    if ca is None and certificate is None:
        return None
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
