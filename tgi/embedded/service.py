"""One request through the backend: a permit, validation, tokens, the answer, and what is counted on the way.

What TGI calls `infer`. No HTTP and no reply shapes: routes turn what comes from here into bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from tgi.embedded.engine import Engine, EngineFailed, Piece
from tgi.embedded.failures import InferError, failed, overloaded
from tgi.embedded.generation import End, Event, Token, events
from tgi.embedded.metrics import Meter
from tgi.embedded.requests import Generate
from tgi.embedded.templates import ChatTemplate
from tgi.embedded.validation import Limits, check_best_of, check_parameters, validate


@dataclass(slots=True)
class Service:
    """What every route shares. Clocks and seeds are handed in; `in_flight` is the semaphore's count."""

    engine: Engine
    limits: Limits
    template: ChatTemplate
    clock: Callable[[], float]  # seconds, monotonic
    now: Callable[[], float]  # seconds since the epoch
    new_seed: Callable[[], int]  # 64 bits
    meter: Meter = field(default_factory=Meter)
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one answer went, in seconds, and over how many tokens."""

    total: float
    validation: float
    queue: float
    inference: float
    tokens: int

    @property
    def per_token(self) -> float:
        return self.inference / self.tokens


@dataclass(frozen=True, slots=True)
class Run:
    """An answer under way. `timings` is asked at its end."""

    input_length: int
    events: AsyncGenerator[Event, None]
    timings: Callable[[Event], Timings]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `others` are best_of's losers."""

    tokens: list[Token]
    top_tokens: list[list[Token]]
    end: End
    input_length: int
    timings: Timings
    others: tuple[Answer, ...] = ()


async def tokenize(service: Service, text: str) -> list[Piece]:
    """Raises `InferError`."""
    try:
        return await service.engine.tokenize(text)
    except EngineFailed as error:
        raise failed(str(error)) from error


@asynccontextmanager
async def running(service: Service, request: Generate) -> AsyncIterator[Run]:
    """Admits and validates, then hands out the answer under way; leaving frees permit and seat. Raises `InferError`."""
    began = service.clock()
    with _counted(service), _permit(service):
        check_parameters(request.parameters, request.inputs, service.limits)
        pieces = await tokenize(service, request.inputs)
        seed = request.parameters.seed
        ids = [piece.id for piece in pieces]
        valid = validate(request.parameters, ids, service.new_seed() if seed is None else seed, service.limits)
        service.meter.observe("input_length", len(valid.ids))
        service.meter.observe("max_new_tokens", valid.max_new_tokens)
        queued = service.clock()

        def timings(last: Event) -> Timings:
            ended, start = service.clock(), queued + last.waited_s
            count = last.end.generated if last.end else 1
            return Timings(ended - began, queued - began, last.waited_s, ended - start, count)

        async with aclosing(events(service.engine, valid)) as stream:
            yield Run(len(valid.ids), stream, timings)


async def complete(service: Service, request: Generate) -> Answer:
    """The whole answer, or the likeliest of several with `best_of`; raises `InferError`."""
    best_of = request.parameters.best_of or 1
    if best_of == 1:
        return await _one(service, request)
    with _counted(service):
        check_best_of(best_of, service.limits)
    answers = await together([_one(service, request) for _ in range(best_of)])
    best = max(range(best_of), key=lambda i: _mean_logprob(answers[i]))
    others = tuple(answer for i, answer in enumerate(answers) if i != best)
    won = answers[best]
    return Answer(won.tokens, won.top_tokens, won.end, won.input_length, won.timings, others)


async def together(asked: Sequence[Coroutine[None, None, Answer]]) -> list[Answer]:
    """All of them at once; the first to be refused ends the others. Raises `InferError`."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as failures:
        refused, others = failures.split(InferError)
        if refused is not None and others is None:
            raise refused.exceptions[0] from None
        raise
    return [task.result() for task in tasks]


def record(service: Service, timings: Timings) -> None:
    """Counts one answer that reached its end."""
    service.meter.successes += 1
    service.meter.observe("duration", timings.total)
    service.meter.observe("validation_duration", timings.validation)
    service.meter.observe("queue_duration", timings.queue)
    service.meter.observe("inference_duration", timings.inference)
    service.meter.observe("mean_time_per_token_duration", timings.per_token)
    service.meter.observe("generated_tokens", timings.tokens)


async def _one(service: Service, request: Generate) -> Answer:
    tokens, tops = [], []
    async with running(service, request) as run:
        async for event in run.events:
            tokens.append(event.token)
            tops.append(list(event.top))
            if event.end:
                timings = run.timings(event)
                record(service, timings)
                wanted = tops if request.parameters.top_n_tokens else []
                return Answer(tokens, wanted, event.end, run.input_length, timings)
    raise InferError("incomplete_generation", "Incomplete generation")


def _mean_logprob(answer: Answer) -> float:
    return sum(token.logprob for token in answer.tokens) / len(answer.tokens)


@contextmanager
def _permit(service: Service) -> Iterator[None]:
    """TGI's semaphore: no queue, the request over the limit is turned away at once."""
    if service.in_flight >= service.limits.max_concurrent_requests:
        raise overloaded()
    service.in_flight += 1
    try:
        yield
    finally:
        service.in_flight -= 1


@contextmanager
def _counted(service: Service) -> Iterator[None]:
    try:
        yield
    except InferError as error:
        service.meter.failures[error.kind] += 1
        raise
