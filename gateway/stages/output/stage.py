"""The output stage: makes the transform of each channel, and turns what its parts saw into findings and one end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from gateway.core.exchange import Exchange
from gateway.core.reply import Channel, Kind
from gateway.core.stage import Piece, Transform
from gateway.core.verdict import Code
from gateway.detect.waf.arguments import Typed, of_tools, wrongs
from gateway.stages.output.leakage import Recital, shingles
from gateway.stages.output.lexer import Grammar, Lexer
from gateway.stages.output.markup import Markup
from gateway.stages.output.watch import Watch, canary
from policies.output import OutputPolicy, OutputRule

_new = tuple.__new__  # a named tuple's own constructor is one call more, for every token
MAX_REMEMBERED = 1024  # sets of roles: a site has some dozens


@lru_cache(maxsize=4)
def _grammar(patterns: tuple[str, ...], cases: tuple[bool, ...]) -> Grammar:
    """Made once: a reload that leaves the patterns alone costs nothing."""
    return Grammar(patterns, cases)


class Output:
    """Rewrites answers by one policy. The grammars are made once, when it is loaded."""

    name = "output"

    def __init__(self, policy: OutputPolicy) -> None:
        self._policy = policy
        canaries = [canary(word, policy.leakage.effect) for word in policy.leakage.canaries]
        self._flat = [(rule, pattern) for rule in (*policy.rules, *canaries) for pattern in rule.any]
        patterns, cases = [pattern for _, pattern in self._flat], [rule.case for rule, _ in self._flat]
        self._rules_for = lru_cache(MAX_REMEMBERED)(self._seen_by)
        self._grammar = _grammar(tuple(patterns), tuple(cases)) if patterns else None
        self._types = [Typed(one.tool, one.parameter, one.type.value, one.deny) for one in policy.tools]

    def transform(self, exchange: Exchange, channel: Channel) -> Transform:
        if channel.kind is Kind.ARGUMENTS:
            return Arguments(self, exchange, channel)
        return Prose(self, exchange, channel)

    def rules_for(self, exchange: Exchange) -> tuple[OutputRule | None, ...]:
        """The rule of each pattern of the grammar; None where this caller may see what it finds."""
        return self._rules_for(exchange.principal.roles if exchange.principal else ())

    def _seen_by(self, roles: tuple[str, ...]) -> tuple[OutputRule | None, ...]:
        own = set(roles)
        return tuple(rule if own.isdisjoint(rule.except_roles) else None for rule, _ in self._flat)

    @property
    def grammar(self) -> Grammar | None:
        return self._grammar

    @property
    def policy(self) -> OutputPolicy:
        return self._policy

    @property
    def types(self) -> Sequence[Typed]:
        return self._types


class Prose:
    """An answer or a thought: secrets and phrases, then the system prompt followed along, then markup."""

    def __init__(self, stage: Output, exchange: Exchange, channel: Channel) -> None:
        self._watch = Watch(stage.rules_for(exchange), str(channel), shadow=stage.policy.mode == "shadow")
        self._words = Lexer(stage.grammar, self._watch.found) if stage.grammar else None
        self._markup = Markup(stage.policy, self._watch.later)
        self._leakage = stage.policy.leakage
        known = shingles(exchange) if self._leakage.words else frozenset()
        self._recital = Recital(known, self._leakage.words) if known else None
        self._over = False

    def feed(self, text: str) -> Piece:
        if self._over:
            return Piece()
        words = self._words.feed(text) if self._words else text
        return self._piece(words, ended=self._words.ended if self._words else False)

    def finish(self) -> Piece:
        return Piece() if self._over else self._piece(self._words.finish() if self._words else "", ended=True)

    def _piece(self, words: str, *, ended: bool) -> Piece:
        """What the markup lets through of these words. `ended`: no more of them will come."""
        if self._recital is not None:
            self._follow(self._recital, words, ended=ended)
        text = self._markup.feed(words)
        if ended and not self._markup.ended:
            text += self._markup.finish()
        if self._markup.ended:
            self._watch.refused = True
        self._over = ended or self._markup.ended
        refusal = Code.OUTPUT_BLOCKED if self._watch.refused else None
        return _new(Piece, (text, self._watch.take() if self._watch.findings else (), refusal))

    def _follow(self, recital: Recital, words: str, *, ended: bool) -> None:
        if recital.feed(words, final=ended):
            self._recital = None
            self._watch.recited(self._leakage.effect)


class Arguments:
    """A tool call's arguments: held until they are whole where policy types them, and judged as what they are."""

    def __init__(self, stage: Output, exchange: Exchange, channel: Channel) -> None:
        self._watch = Watch(stage.rules_for(exchange), str(channel), shadow=stage.policy.mode == "shadow")
        self._words = Lexer(stage.grammar, self._watch.found) if stage.grammar else None
        self._tools = (channel.tool,) if channel.tool else exchange.parameters.tools
        self._types = of_tools(stage.types, self._tools)
        self._held: list[str] = []
        self._over = False

    def feed(self, text: str) -> Piece:
        if self._over:
            return Piece()
        words = self._words.feed(text) if self._words else text
        self._over = self._words is not None and self._words.ended
        if self._types and not self._over:
            self._held.append(words)
            words = ""
        return self._piece(words)

    def finish(self) -> Piece:
        if self._over:
            return Piece()
        text = "".join([*self._held, self._words.finish() if self._words else ""])
        for wrong in wrongs(text, self._tools, self._types) if text else ():
            self._watch.mistyped(wrong, len(text))
        return self._piece(text)

    def _piece(self, text: str) -> Piece:
        return Piece(text, self._watch.take(), Code.OUTPUT_BLOCKED if self._watch.refused else None)
