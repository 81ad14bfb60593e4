"""`/v1/completions`: one or several prompts, answered whole or as streams that take turns."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

from aiohttp import web

from tgi.embedded import replies, sse
from tgi.embedded.failures import InferError
from tgi.embedded.requests import Completion, Generate, Parameters
from tgi.embedded.route_generate import Streamed, json_reply, tokens
from tgi.embedded.service import Answer, Service, Timings, complete, together


async def completions(service: Service, http: web.Request, request: Completion) -> web.StreamResponse:
    """Raises `InferError` for what is refused before the first token."""
    service.meter.requests += 1
    _check(service, request)
    runs = [_as_generate(request, prompt) for prompt in request.prompt]
    characters = sum(len(prompt) for prompt in request.prompt)
    if request.stream:
        return await sse.send(http, replies.stream_headers(characters), _chunks(service, runs))
    answers = await together([complete(service, run) for run in runs])
    return _whole(service, answers, characters)


def _check(service: Service, request: Completion) -> None:
    if request.suffix is not None:
        message = "Suffix is not supported and can be achieved by preprocessing the prompt."
        raise InferError("suffix not supported", message)
    most = service.limits.max_client_batch_size
    if len(request.prompt) > most:
        message = f"Number of prompts exceeds the maximum allowed batch size of {most}"
        raise InferError("batch size exceeded", message)


def _as_generate(request: Completion, prompt: str) -> Generate:
    greedy = request.temperature == 0.0  # TGI: zero means greedy here, and is an error on its own routes
    parameters = Parameters(
        temperature=None if greedy else request.temperature,
        do_sample=not greedy,
        repetition_penalty=request.repetition_penalty,
        frequency_penalty=request.frequency_penalty,
        top_p=request.top_p,
        max_new_tokens=request.max_tokens,
        stop=request.stop or [],
        seed=request.seed,
        watermark_key=request.watermark_key,
        details=True,
    )
    return Generate(prompt, parameters)


def _whole(service: Service, answers: list[Answer], characters: int) -> web.Response:
    choices = [
        replies.completion_choice(i, answer.end.text, replies.openai_reason(answer.end))
        for i, answer in enumerate(answers)
    ]
    prompt_tokens = sum(answer.input_length for answer in answers)
    used = replies.usage(prompt_tokens, sum(answer.end.generated for answer in answers))
    body = replies.completion(service.engine.card.model_id, int(service.now()), choices, used)
    headers = replies.timing_headers(_summed([answer.timings for answer in answers]), characters, prompt_tokens)
    del headers["x-compute-time"]  # TGI sums it as a whole number, loses it, and does not send it
    return json_reply(body, headers)


def _summed(timings: list[Timings]) -> Timings:
    return Timings(
        sum(t.total for t in timings),
        sum(t.validation for t in timings),
        sum(t.queue for t in timings),
        sum(t.inference for t in timings),
        sum(t.tokens for t in timings),
    )


async def _chunks(service: Service, runs: list[Generate]) -> AsyncGenerator[bytes, None]:
    """One event of each prompt in turn, until all have ended."""
    async with AsyncExitStack() as stack:
        streams = {i: await stack.enter_async_context(aclosing(tokens(service, run))) for i, run in enumerate(runs)}
        while streams:
            for index, stream in list(streams.items()):
                try:
                    streamed = await anext(stream)
                except StopAsyncIteration:
                    del streams[index]
                    continue
                except InferError as failure:
                    del streams[index]
                    yield sse.event(replies.dump(replies.openai_error(failure)))
                    continue
                yield sse.event(replies.dump(_event(service, index, streamed)))
    yield sse.DONE


def _event(service: Service, index: int, streamed: Streamed) -> replies.Json:
    model, created, end = service.engine.card.model_id, int(service.now()), streamed.event.end
    text = streamed.event.token.text
    if end is None:
        return replies.completion_chunk(model, created, replies.completion_choice(index, text, ""))
    # The reason is TGI's raw word here (`eos_token`), while a whole answer says `stop`.
    choice = replies.completion_choice(index, text, end.reason)
    return replies.completion(model, created, [choice], replies.usage(streamed.input_length, end.generated))
