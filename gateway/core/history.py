"""A conversation's messages, which every further turn sends again, and names to know them by.

What a stage saw in them it remembers itself; that they were all seen before is worth one look in place of one each. A name is a
keyed hash with the tenant: of no use to anybody who has no key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from gateway.core.exchange import Kind, Passage
from gateway.core.facts import fact

LEAST = 6  # messages: fewer are looked up one by one as fast
NEWEST = 3  # messages a turn may add: a tool's result, an answer and a question, or both
LIKELIEST = (2, 1, 3)  # how many it did add: what was there before is looked for in this order


@fact(frozen=True, slots=True)
class Past:
    """The places of messages that were all seen before, and had nothing in them; and names to remember if the rest has
    nothing in it either.
    """

    known: frozenset[int] = frozenset()
    new: tuple[bytes, ...] = ()


NO_PAST = Past()


class Names:
    """Names of texts under one key. `person` tells one use of the key from another."""

    def __init__(self, key: bytes, person: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=person).digest()

    def of(self, tenant: str, what: str, text: str) -> bytes:
        """Of one text; `what` says what else a name depends on."""
        framed = f"{len(tenant)}:{tenant}{len(what)}:{what}{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(framed, digest_size=20, key=self._key).digest()

    def after_each(self, tenant: str, what: str, pieces: Sequence[str]) -> list[bytes]:
        """Of a text that grows: one after each piece. They depend on the joined text alone, not on how it was cut."""
        framed = f"{len(tenant)}:{tenant}{len(what)}:{what}"
        so_far = hashlib.blake2b(framed.encode("utf-8", "surrogatepass"), digest_size=20, key=self._key)
        names = []
        for piece in pieces:
            so_far.update(piece.encode("utf-8", "surrogatepass"))
            names.append(so_far.copy().digest())
        return names


def messages(passages: Sequence[Passage]) -> list[int]:
    """The places of what was said, in order: prose in messages. None where there is too little of it to be a history."""
    if len(passages) < LEAST:
        return []
    places = [at for at, one in enumerate(passages) if one.kind is Kind.PROSE and one.where.startswith("messages[")]
    return places if len(places) >= LEAST else []


def growing(passages: Sequence[Passage], places: Sequence[int]) -> list[str]:
    """The messages as a text that grows: all but the newest, then each of those. The last piece ends the whole history."""
    said = [passages[at] for at in places]
    each = [f"{one.role}:{len(one.text)}:{one.text}" for one in said]
    return ["".join(each[:-NEWEST]), *each[-NEWEST:]]


def past(places: Sequence[int], names: Sequence[bytes], knows: Callable[[bytes], bool]) -> Past:
    """What of these messages is known. `names` are those of `growing`.

    A turn that grows the history finds the one before by all that was said in it; a question that is put in other words, by all
    that stood before the question.
    """
    *_, without_last, whole = names
    for new in LIKELIEST:
        if knows(names[-1 - new]):
            return Past(frozenset(places[:-new]), (whole,) if new == 1 else (without_last, whole))
    return Past(new=(without_last, whole))
