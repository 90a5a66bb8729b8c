"""One text and one key per request, so that the same question is the same question on every wire."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from honing.llm.base import Finish, Message, ModelReply, ModelRequest, Role, ToolCall, Usage


def prompt_text(request: ModelRequest) -> str:
    """The conversation as plain text: each turn's role on its own line, then its text; turns parted by a
    blank line.

    Tool calls are shown as `-> name arguments`. Parts that are not text are left out (`request_key` covers
    them).
    """
    return "\n\n".join(_turn(message) for message in request.messages)


def _turn(message: Message) -> str:
    calls = [f"-> {call.name} {call.arguments}" for call in message.tool_calls]
    return "\n".join([f"{message.role.value}:", *([message.text] if message.text else []), *calls])


def last_user_text(request: ModelRequest) -> str:
    """The text of the last user message, "" where there is none."""
    return next((m.text for m in reversed(request.messages) if m.role is Role.USER), "")


def message_dict(message: Message) -> dict[str, Any]:
    """A message as plain data, fields that are empty left out."""
    found: dict[str, Any] = {"role": message.role.value, "text": message.text}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    if message.parts:
        found["parts"] = [dict(part) for part in message.parts]
    return found


def reply_dict(reply: ModelReply) -> dict[str, Any]:
    """A reply as plain data, for a recording."""
    found = asdict(reply)
    found["usage"] = {name: n for name, n in asdict(reply.usage).items() if n is not None}
    return found


def reply_from(found: Mapping[str, Any]) -> ModelReply:
    """The reply that `reply_dict` wrote."""
    values = dict(found)
    values["finish"] = Finish(found["finish"])
    values["tool_calls"] = [ToolCall(**call) for call in found["tool_calls"]]
    values["usage"] = Usage(**found["usage"])
    return ModelReply(**values)


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_parts(request: ModelRequest) -> dict[str, str]:
    """Digests of what makes two requests the same: model, sampling, prompt, tools.

    Ids of tool calls are chosen at random by providers and clients, so calls and their results are matched by
    order of first appearance instead. Whether the reply is streamed is left out: it does not change the
    answer.
    """
    return {
        "model": request.model,
        "sampling": digest([request.sampling.as_dict(), list(request.uncarried)]),
        "prompt": digest(_renumbered(request)),
        "tools": digest([list(request.tools), request.tool_choice, request.response_format]),
    }


def request_key(request: ModelRequest) -> str:
    """The key under which a request's answers are recorded and found again (64 hexadecimal digits)."""
    return digest(key_parts(request))


def estimate_tokens(text: str) -> int:
    """A rough count, for servers that do not count: one token per four characters, rounded up."""
    return (len(text) + 3) // 4


def _renumbered(request: ModelRequest) -> list[dict[str, Any]]:
    numbers: dict[str, str] = {}

    def number(call_id: str) -> str:
        return numbers.setdefault(call_id, f"call-{len(numbers)}")

    turns = [message_dict(message) for message in request.messages]
    for turn in turns:
        for call in turn.get("tool_calls", ()):
            call["id"] = number(call["id"])
        if "tool_call_id" in turn:
            turn["tool_call_id"] = number(turn["tool_call_id"])
    return turns
