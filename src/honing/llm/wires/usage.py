"""Token counts as servers state them, checked before anyone adds them up or multiplies them by a price."""

from __future__ import annotations

from honing.llm.base import Usage
from honing.llm.wires.fields import Fields

MOST_TOKENS = 100_000_000
"""More than this for one call is not a count but a fault (the longest contexts hold some 10 million
tokens)."""


def tokens(fields: Fields, name: str) -> int | None:
    """One count; None where the server did not say."""
    return fields.count(name, most=MOST_TOKENS)


def added(*counts: int | None) -> int | None:
    """The sum of the counts that were stated; None where none was."""
    stated = [count for count in counts if count is not None]
    return sum(stated) if stated else None


def checked(fields: Fields, usage: Usage) -> Usage:
    """The usage, unless a part is greater than its whole.

    Raises:
        ModelReplyError: It is.
    """
    for part, whole, kind in (
        (added(usage.cached_tokens, usage.cache_written_tokens), usage.input_tokens, "cached"),
        (usage.reasoning_tokens, usage.output_tokens, "reasoning"),
    ):
        if part is not None and whole is not None and part > whole:
            raise fields.failure(
                f"{fields.where}: {part} {kind} tokens cannot be part of {whole}; expected a part no greater "
                "than its whole"
            )
    return usage
