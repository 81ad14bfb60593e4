"""`hangu audit ship` and `reconcile`: carry a site's record to the cluster its settings name, in a process of its own.

A process beside the gateway, so that a slow cluster costs no exchange anything. What is sent lives in `gateway.audit`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.audit import progress
from gateway.audit.elastic import Access, Cluster
from gateway.audit.reconcile import reconcile
from gateway.audit.shipping import Completeness, Pace, Shipper
from gateway.cli.words import say
from gateway.core.errors import AuditError
from gateway.settings import load
from gateway.settings.inside import Elasticsearch

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

NOTE_SECONDS = 5.0  # how old what is said of shipping may be


def configure(verbs: Verbs[argparse.ArgumentParser]) -> None:
    """Arguments of both."""
    from gateway.cli.audit import add_verb

    one = add_verb(verbs, "ship", _ship, say("carry the record to Elasticsearch", "将记录发送到 Elasticsearch"))
    one.add_argument("--once", action="store_true", help=say("what is there now, then stop", "发送现有记录后结束"))
    text = say("make prompts and answers searchable there", "使提示与回答可在集群中检索")
    one.add_argument("--with-text", action="store_true", help=text)
    words = say("find and send again what the cluster lost", "查找并补发集群丢失的记录")
    one = add_verb(verbs, "reconcile", _reconcile, words)
    one.add_argument("--with-text", action="store_true")


def _ship(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_shipping(args, place))


async def _shipping(args: argparse.Namespace, place: Place) -> int:
    shipper, cluster = _shipper(args, place)
    try:
        if args.once:
            await shipper.catch_up()
            _note(shipper, caught_up=time.time())
        else:
            await _until_stopped(shipper, _wanted(args).reconcile_seconds)
    finally:
        await cluster.close()
    shipped, aside = shipper.counts.shipped, shipper.counts.quarantined
    print(say(f"shipped {shipped} records, {aside} in quarantine", f"已发送 {shipped} 条记录，隔离 {aside} 条"))
    return 1 if aside else 0


async def _until_stopped(shipper: Shipper, every: float) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    endless = (shipper.run(), _noting(shipper), _reconciling_every(shipper, every), stopped.wait())
    work = [asyncio.ensure_future(one) for one in endless]
    done, left = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()


async def _noting(shipper: Shipper) -> None:
    """Also while the cluster is away: that is when somebody looks."""
    while True:
        _note(shipper)
        await asyncio.sleep(NOTE_SECONDS)


async def _reconciling_every(shipper: Shipper, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        with suppress(AuditError):  # a cluster that is away is shipping's trouble already; the next time looks again
            await _compared(shipper)


async def _compared(shipper: Shipper) -> list[Completeness]:
    found = await reconcile(shipper)
    await shipper.tell(found, time.time())
    _note(shipper, reconciled=time.time(), complete=progress.by_origin(found))
    return found


def _note(shipper: Shipper, **more: Any) -> None:
    known = progress.load(shipper.directory)
    caught_up = max(known.caught_up, shipper.counts.caught_up)
    news = {"caught_up": caught_up, "trouble": shipper.counts.trouble, **more}
    aside = progress.quarantined(shipper.directory)
    progress.save(shipper.directory, replace(known, at=time.time(), quarantined=aside, **news))


def _reconcile(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_reconciling(args, place))


async def _reconciling(args: argparse.Namespace, place: Place) -> int:
    shipper, cluster = _shipper(args, place)
    try:
        found = await _compared(shipper)
    finally:
        await cluster.close()
    for one in found:
        english = f"{one.origin}: {one.produced} produced, {one.indexed} indexed, {one.reshipped} sent again, {one.doubled} doubled"
        chinese = f"{one.origin}：产生 {one.produced} 条，已索引 {one.indexed} 条，补发 {one.reshipped} 条，重复 {one.doubled} 条"
        print(say(english, chinese))
    return 1 if any(one.reshipped or one.doubled for one in found) else 0


def _shipper(args: argparse.Namespace, place: Place) -> tuple[Shipper, Cluster]:
    wanted = _wanted(args)
    cluster = Cluster.at(access_of(wanted), wanted.index)
    pace = Pace(records=wanted.batch_records, poll=wanted.batch_seconds)
    texts = wanted.texts or args.with_text
    return Shipper(place.directory, cluster, index=wanted.index, with_text=texts, pace=pace), cluster


def _wanted(args: argparse.Namespace) -> Elasticsearch:
    wanted = load(args.site).elasticsearch
    if wanted is None:
        raise AuditError(
            "no cluster is set up", f"{args.site}/gateway.toml", "add a section [elasticsearch] with its url"
        )
    return wanted


def access_of(wanted: Elasticsearch) -> Access:
    """How the settings say that the cluster is reached."""
    return Access(
        wanted.url,
        api_key=wanted.api_key.text() if wanted.api_key else "",
        username=wanted.username,
        password=wanted.password.text() if wanted.password else "",
        ca=str(wanted.ca or ""),
        certificate=str(wanted.certificate or ""),
        key=str(wanted.key.file) if wanted.key else "",
        timeout=wanted.timeout_seconds,
        opensearch=wanted.kind == "opensearch",
    )
