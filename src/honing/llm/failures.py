"""How a call through the gateway can fail, one name for each way, and the status its caller sees."""

from __future__ import annotations

from enum import StrEnum

from honing.errors import (
    BudgetExhaustedError,
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)


class ErrorKind(StrEnum):
    """Why a call failed. Exactly one holds for a failed call; a call that succeeded has none."""

    BAD_TOKEN = "bad_token"
    """The caller showed no valid token of this gateway. Never forwarded."""
    CLOSED = "closed"
    """The caller's channel is closed. Never forwarded."""
    NOT_FOUND = "not_found"
    """No such endpoint here. Never forwarded."""
    BAD_REQUEST = "bad_request"
    """The caller's body is not a request of its wire. Never forwarded."""
    BUDGET = "budget"
    """A budget of the channel or the gateway is spent. Never forwarded."""
    REPLAY_MISS = "replay_miss"
    """The recording holds no answer for this call. Never a live call."""
    CALLER_GONE = "caller_gone"
    """The caller left before the reply was complete."""
    AUTHENTICATION = "authentication"
    """The server refused our key (401, 403)."""
    RATE_LIMIT = "rate_limit"
    """The server kept answering 429."""
    REFUSED = "refused"
    """The server understood the request and rejected it (other 4xx)."""
    SERVER = "server"
    """The server failed (5xx)."""
    UNREACHABLE = "unreachable"
    """No connection to the server."""
    TIMEOUT = "timeout"
    """The server did not answer, or not to the end, in time."""
    TRUNCATED = "truncated"
    """The reply or stream ended before its end."""
    REPLY = "reply"
    """The reply is not what its wire promises: malformed JSON, unknown shapes, impossible numbers."""
    REDIRECT = "redirect"
    """The server answered with a redirect, which is never followed."""
    TOO_LARGE = "too_large"
    """The reply is longer than allowed."""
    ANSWERER = "answerer"
    """An answerer (script, oracle, control) or source raised something that is not a model error."""
    RECORDING = "recording"
    """The answer could not be written to the recording, so it was not given."""


STATUS = {
    ErrorKind.BAD_TOKEN: 401,
    ErrorKind.CLOSED: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.BUDGET: 429,
    ErrorKind.REPLAY_MISS: 502,
    ErrorKind.CALLER_GONE: 499,
    ErrorKind.AUTHENTICATION: 401,
    ErrorKind.RATE_LIMIT: 429,
    ErrorKind.REFUSED: 400,
    ErrorKind.SERVER: 500,
    ErrorKind.UNREACHABLE: 502,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.TRUNCATED: 502,
    ErrorKind.REPLY: 502,
    ErrorKind.REDIRECT: 502,
    ErrorKind.TOO_LARGE: 502,
    ErrorKind.ANSWERER: 500,
    ErrorKind.RECORDING: 500,
}
"""What the caller is answered, where the server's own status does not say better."""

FINAL = frozenset(
    {ErrorKind.BAD_TOKEN, ErrorKind.CLOSED, ErrorKind.BUDGET, ErrorKind.REPLAY_MISS, ErrorKind.NOT_FOUND}
)
"""Kinds that no repetition can mend."""

_OF_ERROR: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (ModelAuthenticationError, ErrorKind.AUTHENTICATION),
    (ModelRateLimitError, ErrorKind.RATE_LIMIT),
    (ModelTimeoutError, ErrorKind.TIMEOUT),
    (ModelReplyError, ErrorKind.REPLY),
    (ModelRequestError, ErrorKind.REFUSED),
    (ModelServerError, ErrorKind.SERVER),
    (BudgetExhaustedError, ErrorKind.BUDGET),
)


class CallFailedError(ModelError):
    """One call failed in a way that has a kind.

    Args:
        kind: Why.
        detail: One sentence for the caller and the log; never holds a key.
        status: What the server answered, where the caller should see the same.
        retry_after_s: How long the server asked to wait.
    """

    def __init__(
        self, kind: ErrorKind, detail: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = status or STATUS[kind]
        self.retry_after_s = retry_after_s
        self.final = kind in FINAL
        """Whether the caller is told (header `x-should-retry: false`) that asking again is of no use."""


def as_call_failed(error: Exception) -> CallFailedError:
    """The same failure with a kind: a model error keeps its meaning, anything else is the answerer's."""
    if isinstance(error, CallFailedError):
        return error
    for known, kind in _OF_ERROR:
        if isinstance(error, known):
            return CallFailedError(kind, str(error))
    return CallFailedError(ErrorKind.ANSWERER, f"the answerer failed: {type(error).__name__}: {error}")
