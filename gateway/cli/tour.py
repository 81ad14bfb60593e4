"""`hangu tour DIR`: a site, the embedded backend, the gateway, and everything the product does, once. What is shown lives in `touring`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from gateway.cli.touring import HANGU, Trip, stops
from gateway.cli.touring import run as command
from gateway.cli.words import say
from gateway.core.errors import GatewayError

NAME = "tour"
HELP = {"en": "send the tour of the product through a site", "zh": "用一组示例请求演示整个产品"}
READY_SECONDS = 120  # loading the model on a slow disk


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        help=say("the site; made if it is not there", "站点目录；不存在时自动创建"),
    )
    parser.add_argument("--once", action="store_true", help=say("stop after the tour", "演示结束后停止"))


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_tour(args.directory, args.once))


async def _tour(directory: Path, once: bool) -> int:
    if not (directory / "gateway.toml").exists():
        code, out = await command("init", str(directory))
        print(out.strip())
        if code != 0:
            return 2
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(_started("backend"))
        url = await stack.enter_async_context(_started("serve", str(directory)))
        print(f"{say('backend', '后端')} {backend}\n{say('gateway', '网关')} {url}\n")
        failed = await _visit(stack, directory, url)
        if not once:
            _how_to_go_on(directory, url)
            await _until_stopped()
    return 1 if failed else 0


async def _visit(stack: AsyncExitStack, directory: Path, url: str) -> int:
    session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)))
    work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hangu-tour-")))
    trip = Trip(directory, url, work, session)
    failed = 0
    for number, (title, stop) in enumerate(stops(), 1):
        print(f"{number:2}. {title}")
        seen = await stop(trip)
        failed += not seen.fine
        for line in seen.lines:
            print(f"    {line}")
        print(f"    {'✓' if seen.fine else '✗ ' + say('not as it should be', '与预期不符')}")
    print(
        say("\nall as it should be", "\n一切符合预期")
        if not failed
        else say(f"\n{failed} stops went wrong", f"\n{failed} 处与预期不符")
    )
    return failed


@asynccontextmanager
async def _started(*verb: str) -> AsyncIterator[str]:
    """A server of ours as a process, once it says `ready URL`; ended again on the way out."""
    process = await asyncio.create_subprocess_exec(*HANGU, *verb, stdout=asyncio.subprocess.PIPE)
    try:
        yield await asyncio.wait_for(_ready(process, verb[0]), READY_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process, verb: str) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"ready "):
            return line.split()[1].decode()
    raise GatewayError(f"`hangu {verb}` ended before it was ready", hint="its own message is above; is the port taken?")


def _how_to_go_on(directory: Path, url: str) -> None:
    client = directory / "clients" / "analyst"
    print(
        say(
            "\nleft running; paste this (Ctrl-C stops everything):\n",
            "\n保持运行；可粘贴以下命令（按 Ctrl-C 停止）：\n",
        )
    )
    print(
        f"curl --cacert {directory}/pki/ca.pem --cert {client}/cert.pem --key {client}/key.pem \\\n"
        f'  -H "Authorization: Bearer $(cat {client}/token.jwt)" -H "Content-Type: application/json" \\\n'
        f"  {url}/v1/chat/completions \\\n"
        """  -d '{"model":"smollm2","messages":[{"role":"user","content":"Hello!"}],"stream":true}'"""
    )
    sys.stdout.flush()


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
