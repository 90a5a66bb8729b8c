"""Sampling parameters that a server refuses: which one a refusal names."""

from __future__ import annotations

import re

from honing.llm.base import Sampling
from honing.llm.wires import Wire
from honing.llm.wires.refusals import Refusal

_DROPPABLE = ("temperature", "top_p", "seed", "stop", "logprobs")
"""In the order in which they are kept: where a refusal names several, the last goes first. `max_tokens` is
not among them, because without it an answer may cost more than its asker allowed."""
_UNSUPPORTED = re.compile(
    r"unsupported|n[o']t support|deprecated|not permitted|not allowed|unrecogni[sz]ed|unexpected|no longer"
    r"|unknown (?:name|field|parameter|argument|key)|both be (?:specified|set)|not (?:available|enabled)",
    re.IGNORECASE,
)
_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}


def refused_sampling(refusal: Refusal, wire: Wire, sampling: Sampling) -> str | None:
    """The sampling parameter that a refusal names as unsupported; None where it names none that was sent.

    A value out of range is the caller's to correct: its refusal has other words, and nothing is dropped.
    """
    if refusal.status not in (400, 422):
        return None
    if refusal.code not in _CODES and not _UNSUPPORTED.search(refusal.message):
        return None
    named = [
        name
        for name in _DROPPABLE
        if getattr(sampling, name) is not None
        and any(_names(refusal, field) for field in wire.sampling_fields(name))
    ]
    return named[-1] if named else None


def _names(refusal: Refusal, field: str) -> bool:
    if refusal.param:
        return refusal.param.rpartition(".")[2] == field
    return (
        re.search(rf"(?<![A-Za-z]){re.escape(field)}(?![A-Za-z])", refusal.message, re.IGNORECASE) is not None
    )


def wants_completion_limit(refusal: Refusal) -> bool:
    """Whether a server of the chat wire wants the limit of tokens under its newer name."""
    return refusal.status in (400, 422) and "max_completion_tokens" in refusal.message
