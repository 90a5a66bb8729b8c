"""Ids for replies and calls: digests of what they belong to, so that equal calls give equal bytes."""

from __future__ import annotations

import hashlib

from honing.llm.base import ModelReply, ModelRequest


def reply_id(reply: ModelReply, request: ModelRequest) -> str:
    """24 hexadecimal digits. A conversation's turns differ, because its number of messages does."""
    last = request.messages[-1] if request.messages else None
    return _digest(request.model, len(request.messages), last, reply.text, reply.tool_calls)


def call_id(name: str, arguments: str, index: int) -> str:
    """An id for a call that the server gave none: the same call at the same place has the same id."""
    return f"call_{_digest(name, arguments, index)}"


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).hexdigest()[:24]
