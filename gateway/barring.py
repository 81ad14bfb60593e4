"""An alarm's sanction at the door: who is slowed, who must sign in again, who is kept out. Who is under one, `audit.alarms` knows."""

from __future__ import annotations

from gateway.audit.alarms import Sanction, Sanctions
from gateway.core.exchange import Exchange
from gateway.core.verdict import Code, Finding, Refuse
from gateway.http.turnstile import Caller, caller_of


def barred(sanctions: Sanctions, exchange: Exchange) -> Refuse | None:
    """The refusal of a caller under a sanction, its own or its certificate's. Time is the exchange's."""
    if not sanctions:
        return None
    for key in (caller_of(exchange), _certificate(exchange)):
        held = sanctions.on(*key, exchange.received_at)
        if held is not None and (refusal := _refusal(sanctions, key, held, exchange)) is not None:
            return refusal
    return None


def _refusal(sanctions: Sanctions, key: Caller, held: Sanction, exchange: Exchange) -> Refuse | None:
    """Slowed callers come now and then; a token issued after the alarm lifts the doubt about who holds the old one."""
    seen = (Finding("anomaly", held.why, "exchange"),)
    match held.action:
        case "block":
            return Refuse(Code.NOT_PERMITTED, seen, "an alarm bars this caller for now")
        case "step_up":
            who = exchange.principal
            fresh = who is not None and who.since > held.since
            return None if fresh else Refuse(Code.STEP_UP_REQUIRED, seen, "an alarm asks for a token issued after it")
        case _:
            wait = sanctions.wait(*key, held, exchange.received_at)
            return Refuse(Code.RATE_LIMITED, seen, "an alarm slows this caller", retry_after=wait) if wait else None


def _certificate(exchange: Exchange) -> Caller:
    """As `anomalies.identities` names it: many users behind one certificate are the certificate's doing."""
    who, certificate = exchange.principal, exchange.peer.certificate
    name = who.certificate if who is not None else ""
    return "", name or (certificate.common_name or certificate.thumbprint if certificate is not None else "")
