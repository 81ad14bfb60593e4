"""Which model answers, and how is it asked? Turns the name that was asked for into a model and its backend.

Whether one may is access's matter. How equal prompts are kept from getting equal answers, and who is asked to mark them,
is the marks' policy: written into the request here, the last place where it can be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from gateway.core.exchange import Action, Exchange
from gateway.core.verdict import Amend, Code, Finding, Refuse, Verdict
from policies.marks import Answers, Manner, MarksPolicy, Metadata, Visible
from policies.routing import RoutingPolicy

GATEWAY_S_OWN = frozenset({Action.MODELS})  # answered from the policy: no one model is meant
ANSWERED = frozenset({Action.CHAT, Action.COMPLETE, Action.GENERATE})  # a model writes the reply
MAX_REMEMBERED = 4096  # callers' manners; one depends on nothing but the policy
SEED_BYTES = 4  # half of what TGI takes, and as much as every backend does
DRAWN = "do_sample"  # the sampling parameter that says so

LABELLED = {Metadata.PLAIN: "label:plain", Metadata.SIGNED: "label:signed"}  # notes, for the record
LABELLED_VISIBLY = "label:visible"


@dataclass(frozen=True, slots=True)
class Routing:
    """The exchange goes on under the model's own name, so that records and rules never differ by an alias.

    `user_key` (tenant, name) gives the key that a user's tokens are drawn by, in hexadecimal.
    """

    policy: RoutingPolicy
    marks: MarksPolicy | None = None
    user_key: Callable[[str, str], str] | None = field(default=None, repr=False)
    name: str = "routing"
    _manner: Callable[[str, tuple[str, ...], str], tuple[Manner, tuple[str, ...]]] | None = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        marks = self.marks

        def manner(tenant: str, roles: tuple[str, ...], route: str) -> tuple[Manner, tuple[str, ...]]:
            assert marks is not None
            found = marks.manner(tenant, roles, route)
            return found, _notes(found)

        object.__setattr__(self, "_manner", lru_cache(MAX_REMEMBERED)(manner) if marks is not None else None)

    def judge(self, exchange: Exchange) -> Verdict:
        asked = "" if exchange.action in GATEWAY_S_OWN else exchange.model
        model = self.policy.resolve(asked)
        if model is None:
            return Refuse(Code.MODEL_NOT_FOUND, (Finding("routing", "no-such-model", "model"),))
        if self._manner is None or exchange.action not in ANSWERED:
            return Amend(exchange.routed_to(model.name, model.backend))
        who = exchange.principal
        manner, notes = self._manner(who.tenant if who else "", who.roles if who else (), exchange.route)
        if LABELLED_VISIBLY in notes and exchange.parameters.structured:
            notes = tuple(note for note in notes if note != LABELLED_VISIBLY)
        routed = exchange.routed_to(model.name, model.backend, *notes)
        return Amend(self._drawn(_asked(routed, manner), manner) if manner.changes_request else routed)

    def _drawn(self, exchange: Exchange, manner: Manner) -> Exchange:
        """By a key of the user's, where policy wants the answer drawn so."""
        who = exchange.principal
        if not manner.keyed_draw or self.user_key is None or who is None:
            return exchange
        return exchange.drawn_by(self.user_key(who.tenant, who.name))


def _notes(manner: Manner) -> tuple[str, ...]:
    metadata = (LABELLED[manner.metadata],) if manner.metadata in LABELLED else ()
    return metadata if manner.visible is Visible.OFF else (*metadata, LABELLED_VISIBLY)


def _asked(exchange: Exchange, manner: Manner) -> Exchange:
    """How the tokens are drawn, where policy has a say in it."""
    said = exchange.parameters
    seed = said.seed if manner.answers is Answers.AS_ASKED else seed_of(exchange.id)
    sampling = said.sampling
    if manner.answers is Answers.SAMPLED and DRAWN not in sampling:
        sampling = (*sampling, DRAWN)
    watermark = True if manner.backend_mark else said.watermark
    return exchange.asking(said.drawn(seed, watermark, sampling))


def seed_of(exchange_id: str) -> int:
    """An exchange's own seed: whoever has the record can draw the same answer again."""
    return int.from_bytes(blake2b(exchange_id.encode(), digest_size=SEED_BYTES).digest()) >> 1
