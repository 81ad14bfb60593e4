"""Everything one serving process is made of, opened in order and closed in reverse. What a gate is made of is `app`'s matter."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp.web import BaseRequest

from gateway import app, aside, building, gpu, jwks, keys, logbook, outward
from gateway.app import Lasting, Site
from gateway.audit import record, watches
from gateway.audit.alarms import Alarms, Notify, Sanctions
from gateway.audit.anomalies import WATCHES, Detectors
from gateway.audit.commit import Watcher
from gateway.audit.journal import Journal
from gateway.audit.originals import Originals
from gateway.audit.reuse import Reuse, owners_on_record
from gateway.audit.webhook import webhook
from gateway.barring import barred
from gateway.console.console import Console
from gateway.console.reading import Archive
from gateway.console.standing import Standing
from gateway.core.errors import PolicyError
from gateway.core.pipeline import Gate
from gateway.core.ports import Backend
from gateway.core.verdict import Refuse
from gateway.http.admin import Admin
from gateway.http.door import peer_of
from gateway.http.house import Notice
from gateway.http.intake import Intake
from gateway.http.proxy import Apart, Judge, Proxy
from gateway.http.strict import Head, Strictness, check, hosts
from gateway.http.turnstile import Turnstile
from gateway.http.values import unproved
from gateway.instruments import CONTENT_TYPE
from gateway.observe import Metrics
from gateway.recording import Recording
from gateway.reload import CurrentGate
from gateway.settings import Settings
from policies.bundle import Bundle
from policies.problem import PolicyInvalid
from tgi.pool import Watched

Task = Callable[[], Coroutine[Any, Any, None]]

MARK_BITS = 34  # what a mark carries; 1.7e10 ids, so that a random one is almost surely unused

_log = structlog.get_logger()


@dataclass(slots=True)
class Works:
    """The parts of one process. `background` begins its endless tasks, once the doors are open."""

    site: Site
    journal: Journal
    metrics: Metrics
    current: CurrentGate
    turnstile: Turnstile
    proxy: Proxy
    admin: Admin
    build: Callable[[], Gate]
    strictness: dict[str, Strictness]
    ready: Readiness
    background: list[Task] = field(default_factory=list)

    def listens(self, door: str, port: int) -> None:
        """A port is known only once it is taken; from then on its Host values are."""
        names = self.site.settings.listen.server_names if door == "data" else self.site.settings.admin_names
        self.strictness[door] = Strictness(hosts(names, port), queries=door == "admin", forms=door == "admin")

    def noticed(self, notice: Notice) -> None:
        self.metrics.noticed(notice.value)

    async def tell(self, result: str, what: str) -> None:
        """A policy was loaded or refused: on the record, counted, and in the log."""
        self.metrics.loaded(result)
        if result == "loaded":
            _log.info("policy_loaded", digest=what)
        else:
            _log.error("policy_refused", problems=what)
        await self.journal.append(record.event(f"policy.{result}", time.time(), policy=self.current.gate.digest))


async def open_works(site: Site, origin: str, share: float, stack: AsyncExitStack, *, first: bool = True) -> Works:
    """Open everything. Raises GatewayError naming what cannot be opened; the stack closes what was.

    The `first` of several workers keeps the process ready that tries changed policies.
    """
    metrics = Metrics()
    stack.callback(metrics.fold)  # a worker's last exchanges count too
    trials = building.trials(site, stack, ready=first and site.settings.policies.trial_ready)
    kept, fetching = await _lasting(site, share, stack)
    if kept.core_rules is not None:
        stack.callback(kept.core_rules.close)
    built: dict[str, Bundle] = {}
    current = CurrentGate(await asyncio.to_thread(building.begin, site, kept, built))
    bundle = app.load_bundle(site)
    backend = await app.open_backend(site.settings, stack)
    alarms = _alarms(site)
    reuse = Reuse(owners_on_record(Path(site.settings.audit.directory)))
    journal = await _journal(site, origin, [alarms, reuse], stack)
    strictness: dict[str, Strictness] = {}
    turnstile = Turnstile(bundle.limits.exchanges_per_client, barred=partial(barred, alarms.sanctions))
    originals = keys.originals(site.settings.audit)
    ready = Readiness(journal, kept, lambda: backend.health.fault, originals)
    intake = _intake(site.settings, app.wire(site.settings, bundle.routing.default.name), strictness)
    recording = Recording(journal, metrics, time.time)
    waiting = aside.judging(stack), aside.apart(stack)
    proxy = _proxy(intake, current, backend, recording, turnstile, waiting, originals)
    standing = partial(_standing, current, built)
    admin = _admin(site, kept, _console(site, standing, backend, ready, journal), ready, metrics, strictness)
    background: list[Task] = [
        partial(alarms.run, journal, await _told(site.settings, stack)),
        partial(reuse.run, journal),
        metrics.keep_folding,
        partial(backend.watch, site.settings.backend.health_seconds),
        *fetching,
        *_gpu(site.settings, metrics),
        partial(building.prepare, trials),
    ]
    trials.trust(current.gate.digest)
    build = partial(building.change, site, kept, built, trials)
    return Works(site, journal, metrics, current, turnstile, proxy, admin, build, strictness, ready, background)


@dataclass(slots=True)
class Readiness:
    """What `/readyz` looks at. `draining` is set once and never taken back."""

    journal: Journal
    kept: Lasting
    backend_fault: Callable[[], str]
    originals: Originals | None = None
    draining: bool = False

    def missing(self) -> Mapping[str, str]:
        """What is not ready, by name, and why."""
        found = {
            "draining": "the gateway is shutting down" if self.draining else "",
            "backend": self.backend_fault(),
            "audit": "the disk is nearly full" if self.journal.low else "",
            "keys": "" if self.kept.keys().keys else "no verification keys",
        }
        return {name: why for name, why in found.items() if why}

    def worries(self) -> Mapping[str, str]:
        """What is wrong without anybody being turned away yet, by name."""
        found = {"checkpoints": self.journal.fault, "originals": self.originals.fault if self.originals else ""}
        return {name: why for name, why in found.items() if why}


def new_id() -> str:
    """An exchange's name: 80 random bits after the time, so that ids sort by when they were given."""
    return f"hx-{int(time.time() * 1000):012x}{os.urandom(10).hex()}"


def new_mark() -> int:
    return int.from_bytes(os.urandom(8)) >> (64 - MARK_BITS)  # as `secrets` does, without its three calls


async def _lasting(site: Site, share: float, stack: AsyncExitStack) -> tuple[Lasting, list[Task]]:
    """Keys from files, or fetched from the issuer's address before the first caller comes."""
    kept = app.lasting(site, share=share)
    wanted = site.settings.identity
    if wanted.jwks_url is None:
        return kept, []
    session = await stack.enter_async_context(outward.open_session())
    renewal = jwks.Renewal(seconds=wanted.jwks_seconds, stale_seconds=wanted.jwks_stale_seconds)
    fetch = jwks.from_address(session, wanted.jwks_url, app.client_tls(wanted.jwks_ca))
    keys = jwks.Keys(fetch, time.time, renewal, wanted.algorithms, lambda what, why: _log.info(what, why=why))
    await keys.renew()
    return replace(kept, keys=keys.current, unknown_key=keys.want), [keys.run]


async def _journal(site: Site, origin: str, watchers: Sequence[Watcher], stack: AsyncExitStack) -> Journal:
    """The journal, sealed by the site's key, with copies of each head where the settings say."""
    opening = await asyncio.to_thread(logbook.opening, site)
    return await stack.enter_async_context(await asyncio.to_thread(opening, origin, watchers=watchers))


def _alarms(site: Site) -> Alarms:
    """What a site watches for: its own file's list, or the usual one."""
    path = site.settings.audit.anomalies
    try:
        watched = watches.parse(Path(path).read_bytes(), str(path)) if path else WATCHES
    except (PolicyInvalid, OSError) as error:
        raise PolicyError(str(error), str(path), "see docs/explanation/the-record.md") from error
    return Alarms(Detectors(watched), Sanctions())


async def _told(site: Settings, stack: AsyncExitStack) -> Notify | None:
    if site.audit.alarm_url is None:
        return None
    return webhook(await stack.enter_async_context(outward.open_session()), site.audit.alarm_url)


def _intake(site: Settings, wire: Any, strictness: dict[str, Strictness]) -> Intake:
    return Intake(
        wire,
        partial(_check, strictness, "data"),
        peer_of,
        site.limits.body_bytes,
        new_id,
        new_mark,
        time.time,
        unproved,
    )


def _proxy(
    intake: Intake,
    current: CurrentGate,
    backend: Backend,
    recording: Recording,
    turnstile: Turnstile,
    waiting: tuple[Judge, Apart],
    originals: Originals | None,
) -> Proxy:
    judge, apart = waiting
    return Proxy(
        intake,
        lambda: current.gate,
        judge,
        partial(_named, backend),
        recording,
        turnstile,
        time.perf_counter,
        apart,
        originals,
    )


def _standing(current: CurrentGate, built: Mapping[str, Bundle]) -> Standing:
    return Standing(current.gate, built[current.gate.digest], current.generation)


def _console(
    site: Site, standing: Callable[[], Standing], backend: Watched, ready: Readiness, journal: Journal
) -> Console:
    return Console(
        Archive(Path(site.settings.audit.directory)),
        standing,
        partial(app.wire, site.settings),
        lambda: (backend.name, backend.health),
        ready.missing,
        site.settings.tls,
        journal.append,
        time.time,
    )


def _admin(
    site: Site, kept: Lasting, console: Console, ready: Readiness, metrics: Metrics, strictness: dict[str, Strictness]
) -> Admin:
    return Admin(
        partial(_check, strictness, "admin"),
        app.admin_identity(site.settings, kept),
        peer_of,
        ready.missing,
        ready.worries,
        lambda: (metrics.render(), CONTENT_TYPE),
        new_id,
        time.time,
        console.pages(),
        console.forms(),
    )


def _check(strictness: Mapping[str, Strictness], door: str, request: BaseRequest) -> Refuse | None:
    head = Head(request.method, request.raw_path, request.version, request.raw_headers)
    return check(head, strictness[door])


def _named(backend: Backend, name: str) -> Backend:
    """The backend that routing chose. Raises KeyError for one that the settings do not have: a failure, not a refusal."""
    if name != backend.name:
        raise KeyError(name)
    return backend


def _gpu(site: Settings, metrics: Metrics) -> list[Task]:
    url = site.observe.gpu_metrics_url
    return [partial(gpu.watch, url, site.observe.gpu_metrics_seconds, metrics.gpus)] if url else []
