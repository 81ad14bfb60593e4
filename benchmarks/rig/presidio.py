"""A named peer's sidecar: stock Presidio with spaCy's small English model, over the two routes that LiteLLM's guardrail asks.

The images that Presidio publishes put the same engines behind Flask; aiohttp is put here because it costs less.
`python -m benchmarks.rig.presidio`.
"""

from __future__ import annotations

import asyncio
import logging

import uvloop
from aiohttp import web
from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_anonymizer import AnonymizerEngine

SPACY = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_sm"}]}


def app() -> web.Application:
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    analyzer = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=SPACY).create_engine())
    anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]

    async def analyze(request: web.Request) -> web.Response:
        asked = await request.json()
        found = analyzer.analyze(asked["text"], "en", score_threshold=asked.get("score_threshold"))
        return web.json_response([result.to_dict() for result in found])

    async def anonymize(request: web.Request) -> web.Response:
        asked = await request.json()
        found = [
            RecognizerResult(each["entity_type"], each["start"], each["end"], each["score"])
            for each in asked["analyzer_results"]
        ]
        done = anonymizer.anonymize(asked["text"], found)  # type: ignore[arg-type]
        return web.json_response({"text": done.text, "items": [item.to_dict() for item in done.items]})

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
