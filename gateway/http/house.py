"""What all connections of one listener share, and the words for what may happen to one of them. Connections are `door`'s."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp.web import BaseRequest, StreamResponse

from gateway.core.verdict import Refuse
from gateway.settings.outside import Limits

if TYPE_CHECKING:
    from gateway.http.door import Door

Handler = Callable[[BaseRequest], Awaitable[StreamResponse]]
Refuser = Callable[[BaseRequest, Refuse], Awaitable[StreamResponse]]


class Notice(StrEnum):
    """What a listener did to a connection without an exchange; bounded words, for counting."""

    CONNECTIONS_FULL = "connections_full"
    ADDRESS_FULL = "address_full"
    CLIENT_FULL = "client_full"
    NO_DESCRIPTORS = "no_descriptors"
    HANDSHAKE_FAILED = "handshake_failed"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    CERTIFICATE_REJECTED = "certificate_rejected"
    HEADER_TIMEOUT = "header_timeout"
    BODY_TIMEOUT = "body_timeout"
    WRITE_TIMEOUT = "write_timeout"
    HANDLER_FAILED = "handler_failed"


@dataclass(frozen=True, slots=True)
class House:
    """What all connections of one listener share. `refuse` answers requests the handler must not see."""

    limits: Limits
    refuse: Refuser
    notice: Callable[[Notice], None]
    clock: Callable[[], float]  # Unix seconds
    enter: Callable[[Door], bool]  # False: this client has too many connections
    leave: Callable[[Door], None]


@dataclass(slots=True)
class Place:
    """A connection's place among those of its address, from before its handshake; given back once."""

    address: str
    give_back: Callable[[str], None]
    taken: bool = True

    def leave(self) -> None:
        if self.taken:
            self.taken = False
            self.give_back(self.address)
