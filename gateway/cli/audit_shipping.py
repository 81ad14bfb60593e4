"""`hangu audit ship` and `reconcile`: carry a site's record to the cluster its settings name, in a process of its own.

A process beside the gateway, so that a slow cluster costs no exchange anything. What is sent lives in `gateway.audit`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.audit.elastic import Access, Cluster, connect
from gateway.audit.reconcile import reconcile
from gateway.audit.shipping import Pace, Shipper
from gateway.cli.words import say
from gateway.core.errors import AuditError
from gateway.settings import load

if TYPE_CHECKING:
    from gateway.cli.audit import Place, Verbs

RECONCILE_SECONDS = 3600.0  # how often what the cluster lost is looked for


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
        else:
            await _until_stopped(shipper)
    finally:
        await cluster.close()
    shipped, aside = shipper.counts.shipped, shipper.counts.quarantined
    print(say(f"shipped {shipped} records, {aside} in quarantine", f"已发送 {shipped} 条记录，隔离 {aside} 条"))
    return 1 if aside else 0


async def _until_stopped(shipper: Shipper) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    work = [asyncio.ensure_future(one) for one in (shipper.run(), _hourly(shipper), stopped.wait())]
    done, left = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()


async def _hourly(shipper: Shipper) -> None:
    while True:
        await asyncio.sleep(RECONCILE_SECONDS)
        with suppress(AuditError):  # a cluster that is away is shipping's trouble already; the next hour looks again
            await reconcile(shipper)


def _reconcile(args: argparse.Namespace, place: Place) -> int:
    return asyncio.run(_reconciling(args, place))


async def _reconciling(args: argparse.Namespace, place: Place) -> int:
    shipper, cluster = _shipper(args, place)
    try:
        found = await reconcile(shipper)
    finally:
        await cluster.close()
    for one in found:
        english = f"{one.origin}: {one.produced} produced, {one.indexed} indexed, {one.reshipped} sent again, {one.doubled} doubled"
        chinese = f"{one.origin}：产生 {one.produced} 条，已索引 {one.indexed} 条，补发 {one.reshipped} 条，重复 {one.doubled} 条"
        print(say(english, chinese))
    return 1 if any(one.reshipped or one.doubled for one in found) else 0


def _shipper(args: argparse.Namespace, place: Place) -> tuple[Shipper, Cluster]:
    wanted = load(args.site).elasticsearch
    if wanted is None:
        raise AuditError(
            "no cluster is set up", f"{args.site}/gateway.toml", "add a section [elasticsearch] with its url"
        )
    access = Access(
        wanted.url,
        api_key=wanted.api_key.text() if wanted.api_key else "",
        username=wanted.username,
        password=wanted.password.text() if wanted.password else "",
        ca=str(wanted.ca or ""),
        timeout=wanted.timeout_seconds,
    )
    cluster = Cluster(connect(access), wanted.index)
    pace = Pace(records=wanted.batch_records, poll=wanted.batch_seconds)
    return Shipper(place.directory, cluster, index=wanted.index, with_text=args.with_text, pace=pace), cluster
