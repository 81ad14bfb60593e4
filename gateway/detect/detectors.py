"""What looks for things in each direction, as policy asks for it. Which engines those are is known here alone."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.detect.own import own
from gateway.detect.patterns import Patterns
from gateway.detect.watch import Source
from policies.pii import PiiPolicy


@dataclass(frozen=True, slots=True)
class Detectors:
    """`slow`: a request may take longer to judge than an event loop should wait."""

    request: Source
    response: Source
    slow: bool = False


def detectors(policy: PiiPolicy) -> Detectors:
    """The detectors a policy needs. Compiling them takes a few tenths of a second."""
    patterns = Patterns(own(policy.recognizers))
    return Detectors(patterns, patterns)
