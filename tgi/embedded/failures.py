"""What can go wrong with a request, in TGI's own words and kinds. Which status each kind has is decided here alone.

Wordings of `validation` errors sit beside the rules, in `validation`; bodies that are not even a request of the right
shape are `intake.BadBody`.
"""

from __future__ import annotations

STATUS = {
    "validation": 422,
    "template_error": 422,
    "tool_error": 422,
    "suffix not supported": 422,
    "batch size exceeded": 422,
    "generation": 424,
    "overloaded": 429,
    "incomplete_generation": 500,
    "incomplete_generation_stream": 500,
    "healthcheck": 503,
}


class InferError(Exception):
    """A request that gets no answer. `kind` is TGI's `error_type`; the text is TGI's `error`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def status(self) -> int:
        return STATUS[self.kind]


def invalid(message: str) -> InferError:
    """A parameter or text that TGI's validation refuses."""
    return InferError("validation", f"Input validation error: {message}")


def overloaded() -> InferError:
    return InferError("overloaded", "Model is overloaded")


def failed(message: str) -> InferError:
    return InferError("generation", f"Request failed during generation: {message}")


def tool_error(message: str) -> InferError:
    return InferError("tool_error", f"Tool error: {message}")
