"""`/v1/chat/completions` and `/chat_tokenize`: messages become a prompt, tokens become a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from aiohttp import web

from tgi.embedded import replies, sse
from tgi.embedded.chat_stream import ChatState, Look
from tgi.embedded.failures import InferError, tool_error
from tgi.embedded.requests import Chat, Generate, Grammar, Parameters
from tgi.embedded.route_generate import json_reply, tokens
from tgi.embedded.service import Service, complete, tokenize
from tgi.embedded.templates import render
from tgi.embedded.tools import NO_TOOL, next_call_id, offered, parse_call, schema

# TGI's default for `tool_prompt` (router/src/lib.rs, default_tool_prompt): part of what the model reads.
TOOL_PROMPT = (
    "\nGiven the functions available, please respond with a JSON for a function call with its proper arguments that "
    "best answers the given prompt. Respond in the format {name: function name, parameters: dictionary of argument "
    "name and its value}.Do not use variables.\n"
)


async def chat_completions(service: Service, http: web.Request, chat: Chat) -> web.StreamResponse:
    """Raises `InferError` for what is refused before the first token."""
    service.meter.requests += 1
    request, using_tools = as_generate(service, chat)
    if chat.stream:
        headers = replies.stream_headers(len(request.inputs))
        return await sse.send(http, headers, _chunks(service, chat, request, using_tools))
    return await _whole(service, chat, request, using_tools)


async def chat_tokenize(service: Service, chat: Chat) -> web.Response:
    service.meter.requests += 1
    request, _ = as_generate(service, chat)
    pieces = await tokenize(service, request.inputs)
    listed = replies.simple_tokens(pieces, request.inputs)
    return json_reply({"tokenize_response": listed, "templated_text": request.inputs})


def as_generate(service: Service, chat: Chat) -> tuple[Generate, bool]:
    """The chat as a prompt with parameters, and whether tools bind the answer; raises `InferError`."""
    if chat.response_format is not None and chat.tools is not None:
        raise tool_error("Grammar and tools are mutually exclusive")
    tools = offered(chat.tools, chat.tool_choice) if chat.tools else []
    grammar = Grammar("json", schema(tools)) if tools else chat.response_format
    inputs = render(service.template, chat.messages, tools, chat.tool_prompt or TOOL_PROMPT)
    return Generate(inputs, _parameters(chat, grammar)), bool(tools)


def _parameters(chat: Chat, grammar: Grammar | None) -> Parameters:
    greedy = chat.temperature == 0.0
    return Parameters(
        temperature=None if greedy else chat.temperature,
        do_sample=not greedy,
        repetition_penalty=None if chat.presence_penalty is None else chat.presence_penalty + 2.0,
        frequency_penalty=chat.frequency_penalty,
        top_p=chat.top_p,
        max_new_tokens=chat.max_tokens,
        stop=chat.stop or [],
        details=True,
        seed=chat.seed,
        watermark_key=chat.watermark_key,
        top_n_tokens=chat.top_logprobs,
        grammar=grammar,
    )


def _without_tools(chat: Chat) -> Chat:
    return replace(chat, tools=None, response_format=None)


def _model(service: Service, chat: Chat) -> str:
    """TGI repeats whatever name the client gave, unless it is `tgi`."""
    return service.engine.card.model_id if chat.model in (None, "tgi") else str(chat.model)


async def _whole(service: Service, chat: Chat, request: Generate, using_tools: bool) -> web.Response:
    answer = await complete(service, request)
    message = replies.said(answer.end.text)
    if using_tools:
        call = parse_call(answer.end.text)
        if call is None:
            raise tool_error(f"Failed to parse generated text: {answer.end.text!r}")
        if call.name == NO_TOOL:
            request, _ = as_generate(service, _without_tools(chat))
            answer = await complete(service, request)
            message = replies.said(answer.end.text)
        else:
            message = replies.called(call)
    body = replies.chat_completion(
        _model(service, chat), int(service.now()), message, answer, with_logprobs=bool(chat.logprobs)
    )
    return json_reply(body, replies.timing_headers(answer.timings, len(request.inputs), answer.input_length))


async def _chunks(service: Service, chat: Chat, request: Generate, using_tools: bool) -> AsyncGenerator[bytes, None]:
    """Events up to [DONE]; `no_tool` throws the first answer away and asks once more without tools."""
    look = Look(_model(service, chat), bool(chat.logprobs), chat.stream_options.include_usage, service.now)
    state = ChatState.begin(look, next_call_id(chat.messages), using_tools)
    try:
        async with aclosing(_events(service, request, state)) as chunks:
            async for chunk in chunks:
                yield chunk
        if state.no_tool:
            request, _ = as_generate(service, _without_tools(chat))
            again = ChatState.begin(look, "", using_tools=False)
            async with aclosing(_events(service, request, again)) as chunks:
                async for chunk in chunks:
                    yield chunk
    except InferError as failure:
        yield sse.event(replies.dump(replies.openai_error(failure)))
    yield sse.DONE


async def _events(service: Service, request: Generate, state: ChatState) -> AsyncGenerator[bytes, None]:
    async with aclosing(tokens(service, request)) as stream:
        async for streamed in stream:
            for chunk in state.push(streamed):
                yield sse.event(replies.dump(chunk))
            if state.no_tool:
                return
