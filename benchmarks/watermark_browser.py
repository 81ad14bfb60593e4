"""A real Chromium for `watermark_channels`: pages shown, everything selected, copied and pasted; pictures taken.

Spoken to over its own debugging socket on the loopback. Not here: what comes of it, any measurement.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

START_SECONDS = 60  # a loaded machine takes its time
_SELECT, _COPY, _PASTE = "selectAll", "copy", "paste"
_SHOW = (
    'document.documentElement.innerHTML = \'<head><style>body{font:16px/1.6 "Noto Sans CJK SC",sans-serif;'
    "width:720px;margin:16px;background:#fff;color:#000}</style></head><body></body>';"
    "document.body.innerHTML = %s; getSelection().removeAllRanges(); document.body.getBoundingClientRect().height"
)
_FIELD = "document.body.innerHTML = '<textarea id=t></textarea>'; document.getElementById('t').focus(); 1"


def program() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass
class Tab:
    """One page of the browser. Raises RuntimeError where the browser refuses a command."""

    socket: aiohttp.ClientWebSocketResponse
    sent: int = field(default=0)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.sent += 1
        await self.socket.send_json({"id": self.sent, "method": method, "params": params})
        while True:
            message = json.loads((await self.socket.receive(timeout=START_SECONDS)).data)
            if message.get("id") == self.sent:
                if "error" in message:
                    raise RuntimeError(f"chromium: {method}: {message['error']}")
                return dict(message["result"])

    async def value(self, script: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=script))["result"].get("value")

    async def press(self, command: str) -> None:
        """The editing command that a key would give; Control and A, C or V, as the browser understands them."""
        key = {_SELECT: "a", _COPY: "c", _PASTE: "v"}[command]
        for kind in ("rawKeyDown", "keyUp"):
            commands = [command] if kind == "rawKeyDown" else []
            code = ord(key.upper())
            await self.ask(
                "Input.dispatchKeyEvent",
                type=kind,
                modifiers=2,
                key=key,
                windowsVirtualKeyCode=code,
                commands=commands,
            )

    async def copied(self, page: str) -> tuple[str, str]:
        """What arrives in a text field when all of the page is selected, copied and pasted; and its innerText."""
        await self.value(_SHOW % json.dumps(page))
        shown = await self.value("document.body.innerText")
        await self.press(_SELECT)
        await self.press(_COPY)
        await self.value(_FIELD)
        await self.press(_PASTE)
        return str(await self.value("document.getElementById('t').value")), str(shown)

    async def picture(self, page: str) -> bytes:
        """A PNG of the page at twice the usual density."""
        height = await self.value(_SHOW % json.dumps(page))
        clip = {"x": 0, "y": 0, "width": 752, "height": float(height) + 32, "scale": 2}
        answer = await self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A headless browser of its own, ended at the end. Raises RuntimeError when none starts."""
    name = program()
    if name is None:
        raise RuntimeError("no chromium on this machine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            name,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            f"--user-data-dir={home}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session:
                address = await _address(session, Path(home))
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            process.terminate()
            await process.wait()


async def _address(session: aiohttp.ClientSession, home: Path) -> str:
    for _ in range(10 * START_SECONDS):
        await asyncio.sleep(0.1)
        told = home / "DevToolsActivePort"
        if not told.exists() or not (lines := told.read_text().split()):
            continue
        async with session.get(f"http://127.0.0.1:{lines[0]}/json/list") as answer:
            pages = [page for page in await answer.json() if page["type"] == "page"]
        if pages:
            return str(pages[0]["webSocketDebuggerUrl"])
    raise RuntimeError(f"chromium did not open its debugging port in {START_SECONDS} s")
