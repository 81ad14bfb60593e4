"""TGI's own routes: `/`, `/generate` and `/generate_stream`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from aiohttp import web

from tgi.embedded import replies, sse
from tgi.embedded.failures import InferError, invalid
from tgi.embedded.generation import Event
from tgi.embedded.requests import Generate
from tgi.embedded.service import Service, complete, record, running


@dataclass(frozen=True, slots=True)
class Streamed:
    """One token of a stream, with what the last one needs to know."""

    index: int
    event: Event
    input_length: int


async def compat(service: Service, http: web.Request, request: Generate) -> web.StreamResponse:
    """`POST /`: the prompt is repeated unless told otherwise, and a whole answer is a list of one."""
    if request.parameters.return_full_text is None:
        request = replace(request, parameters=replace(request.parameters, return_full_text=True))
    if request.stream:
        return await generate_stream(service, http, request)
    body, headers = await _generated(service, request)
    return json_reply([body], headers)


async def generate(service: Service, request: Generate) -> web.Response:
    body, headers = await _generated(service, request)
    return json_reply(body, headers)


async def generate_stream(service: Service, http: web.Request, request: Generate) -> web.StreamResponse:
    return await sse.send(http, replies.stream_headers(len(request.inputs)), _chunks(service, request))


async def tokens(service: Service, request: Generate) -> AsyncGenerator[Streamed, None]:
    """The answer as it comes, the last with its `end`; raises `InferError`."""
    service.meter.requests += 1
    async with running(service, request) as run:
        index = 0
        async for event in run.events:
            index += 1
            if event.end:
                record(service, run.timings(event))
            yield Streamed(index, event, run.input_length)


def json_reply(body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=replies.dump(body), headers=headers, content_type="application/json")


async def _generated(service: Service, request: Generate) -> tuple[replies.Json, dict[str, str]]:
    service.meter.requests += 1
    answer = await complete(service, request)
    p = request.parameters
    prompt = request.inputs if p.return_full_text else ""
    body = replies.generation(answer, prompt, details=p.details or p.decoder_input_details)
    return body, replies.timing_headers(answer.timings, len(request.inputs), answer.input_length)


async def _chunks(service: Service, request: Generate) -> AsyncGenerator[bytes, None]:
    """Events; an error is an event too, because the status went out before anything was checked."""
    refused = _not_in_streams(request)
    if refused:
        service.meter.requests += 1
        for failure in (refused, InferError("incomplete_generation_stream", "Incomplete generation stream")):
            service.meter.failures[failure.kind] += 1
            yield sse.event(replies.dump(replies.error(failure)))
        return
    prompt = request.inputs if request.parameters.return_full_text else ""
    try:
        async with aclosing(tokens(service, request)) as stream:
            async for t in stream:
                end = t.event.end if request.parameters.details else None
                details = replies.stream_details(end, t.input_length) if end else None
                yield sse.event(replies.dump(replies.stream_event(t.index, t.event, prompt, details)))
    except InferError as failure:
        yield sse.event(replies.dump(replies.error(failure)))


def _not_in_streams(request: Generate) -> InferError | None:
    if request.parameters.best_of not in (None, 1):
        return invalid("`best_of` != 1 is not supported when streaming tokens")
    if request.parameters.decoder_input_details:
        return invalid("`decoder_input_details` == true is not supported when streaming tokens")
    return None
