"""One process at work: journal, backend, data port, admin port, reload and drain. What is made of what lives in `app`.

Several workers are several of these, started by `cli.serve`; each has its own port socket (SO_REUSEPORT) and log origin.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from gateway import logbook, observe
from gateway.app import Site
from gateway.audit import record
from gateway.carrying import carry, follow
from gateway.core.errors import GatewayError
from gateway.http import listener
from gateway.http.listener import Address, Listening
from gateway.reload import Watch
from gateway.works import Task, Works, open_works

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Which of the workers this is; the first one also has the admin port."""

    number: int = 0
    of: int = 1

    @property
    def origin(self) -> str:
        return f"w{self.number}"

    @property
    def is_first(self) -> bool:
        return self.number == 0


@dataclass(slots=True)
class Running:
    """The parts that signals reach."""

    works: Works
    data: Listening
    admin: Listening | None
    watch: Watch
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


async def serve(site: Site, worker: Worker, ready: Callable[[int, int | None], None]) -> None:
    """Until SIGTERM or SIGINT. `ready` is told the data port and the admin port once both answer."""
    observe.start_logging(site.settings.observe.log_level)
    async with AsyncExitStack() as stack:
        made = await open_works(site, worker.origin, 1 / worker.of, stack, first=worker.is_first)
        running = await _listen(site, made, worker)
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(each())
                for each in (
                    running.watch.run,
                    *made.background,
                    *_carrying(site, made, worker),
                    *_finishing(made, worker),
                )
            ]
            _on_signals(running, tasks)
            await made.journal.append(record.event("gateway.started", time.time(), policy=made.current.gate.digest))
            settle_memory()
            ready(running.data.port, running.admin.port if running.admin else None)
            await running.stopping.wait()
            await _drain(site, running)
            for task in background:
                task.cancel()


def _carrying(site: Site, made: Works, worker: Worker) -> list[Task]:
    """The first worker sees to it that the record of all is shipped, where the settings name a cluster."""
    if not worker.is_first or site.settings.elasticsearch is None:
        return []
    return [partial(carry, site.directory), partial(follow, Path(site.settings.audit.directory), made.metrics.carried)]


def _finishing(made: Works, worker: Worker) -> list[Task]:
    """The first worker gives an end to logs of workers that there are no longer; those of today look after themselves."""
    ours = {Worker(number, worker.of).origin for number in range(worker.of)}
    return [partial(logbook.finish_orphans, made.site, made.journal, ours)] if worker.is_first else []


def settle_memory() -> None:
    """What was made at the start stays to the end: take it out of the collector's rounds, and make those rarer.

    An exchange leaves no cycles behind; with the default threshold a tenth of its time went into looking for some. What
    compiling the policies took and gave back goes to the system: a tenth of a worker's memory.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU C library's own; others have none
    if trim is not None:
        trim(0)
    gc.set_threshold(20_000, 50, 100)


async def _listen(site: Site, made: Works, worker: Worker) -> Running:
    limits, listen, admin = site.settings.limits, site.settings.listen, site.settings.admin
    shared = worker.of > 1
    data = await listener.start(
        made.proxy.handle,
        site.trust,
        limits,
        Address(listen.host, listen.port, listen.backlog, shared),
        refuse=made.proxy.turn_away,
        notice=made.noticed,
    )
    made.listens("data", data.port)
    operations = None
    if worker.is_first:
        operations = await listener.start(
            made.admin.handle,
            site.trust,
            limits,
            Address(admin.host, admin.port),
            refuse=made.admin.turn_away,
            notice=made.noticed,
        )
        made.listens("admin", operations.port)
    watch = Watch(
        Path(site.settings.policies.directory),
        site.settings.policies.reload_seconds,
        made.current,
        made.build,
        made.tell,
    )
    return Running(made, data, operations, watch)


def _on_signals(running: Running, tasks: asyncio.TaskGroup) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: tasks.create_task(_reload(running)) and None)


async def _reload(running: Running) -> None:
    """SIGHUP: policies, certificates, revocations and the signing key anew. What cannot be used is named, and the old stays."""
    await running.watch.reload()
    try:
        await logbook.take_key(running.works.site, running.works.journal)
    except GatewayError as error:
        _log.error("signing_key_refused", error=str(error))
    for listening in (running.data, running.admin):
        if listening is None:
            continue
        try:
            listening.reload_tls()
        except GatewayError as error:
            _log.error("tls_refused", error=str(error))


async def _drain(site: Site, running: Running) -> None:
    """Take nothing new, let what is under way finish, then stop."""
    running.works.turnstile.closed = True
    running.works.ready.draining = True
    cut = await running.data.drain(site.settings.listen.drain_seconds)
    if running.admin is not None:
        await running.admin.close()
    await running.works.journal.append(record.event("gateway.stopped", time.time(), cut=cut))
