"""Anthropic's conversation: two roles that alternate, tool results inside the user's turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.llm.base import Message, Role, ToolCall
from honing.llm.wires.arguments import arguments_object, arguments_text
from honing.llm.wires.fields import Fields
from honing.llm.wires.parts import parts_for, uncarried_parts

_Part = tuple[str, Mapping[str, Any]]
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


def read_system(fields: Fields, uncarried: list[str]) -> Iterator[Message]:
    """One system turn for a text, one for each block of a list."""
    if isinstance(fields.body.get("system"), str):
        yield Message(Role.SYSTEM, fields.text("system"))
        return
    for block in fields.each("system"):
        if block.text("type") == "text":
            yield Message(Role.SYSTEM, block.text("text"))
        else:
            uncarried.append(f"{block.where} ({block.text('type')})")


def read_turns(fields: Fields, uncarried: list[str]) -> Iterator[Message]:
    """The neutral turns: a user's turn with tool results gives one for each result and one for the rest."""
    for message in fields.each("messages"):
        role = _ROLES.get(message.text("role"))
        if role is None:
            message.refuse("role", f"one of {', '.join(_ROLES)}")
        if isinstance(message.body.get("content"), str):
            yield Message(role, message.text("content"))
        elif role is Role.ASSISTANT:
            yield _assistant(message, uncarried)
        else:
            yield from _user(message, role, uncarried)


def _assistant(message: Fields, uncarried: list[str]) -> Message:
    texts: list[str] = []
    calls: list[ToolCall] = []
    parts: list[_Part] = []
    for block in message.each("content"):
        match block.text("type"):
            case "text":
                texts.append(block.text("text"))
            case "tool_use":
                arguments = arguments_text(block.mapping("input"))
                calls.append(ToolCall(block.text("id"), block.text("name"), arguments))
            case _:
                parts.append((block.where, block.body))
    uncarried.extend(uncarried_parts(parts))
    return Message(
        Role.ASSISTANT, "".join(texts), tool_calls=tuple(calls), parts=tuple(part for _, part in parts)
    )


def _user(message: Fields, role: Role, uncarried: list[str]) -> Iterator[Message]:
    texts: list[str] = []
    parts: list[_Part] = []
    answered = False
    for block in message.each("content"):
        match block.text("type"):
            case "text":
                texts.append(block.text("text"))
            case "tool_result":
                answered = True
                yield _result(block, uncarried)
            case _:
                parts.append((block.where, block.body))
    uncarried.extend(uncarried_parts(parts))
    if texts or parts or not answered:
        yield Message(role, "\n".join(texts), parts=tuple(part for _, part in parts))


def _result(block: Fields, uncarried: list[str]) -> Message:
    content = block.body.get("content")
    texts = [content] if isinstance(content, str) else []
    parts: list[_Part] = []
    for inner in block.each("content") if not isinstance(content, str) else ():
        if inner.text("type") == "text":
            texts.append(inner.text("text"))
        else:
            parts.append((inner.where, inner.body))
    uncarried.extend(uncarried_parts(parts))
    return Message(
        Role.TOOL,
        "\n".join(texts),
        tool_call_id=block.text("tool_use_id"),
        parts=tuple(part for _, part in parts),
    )


def written_turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The turns of a request, its system turns left out; results that follow each other share one turn."""
    turns: list[dict[str, Any]] = []
    answering = False
    for index, message in enumerate(messages):
        if message.role is Role.SYSTEM:
            continue
        blocks = _blocks(message, parts_for("anthropic_messages", message, index))
        if message.role is Role.TOOL and answering:
            turns[-1]["content"] += blocks
        elif message.role is Role.ASSISTANT:
            turns.append({"role": "assistant", "content": blocks or message.text})
        else:
            turns.append({"role": "user", "content": blocks or message.text})
        answering = message.role is Role.TOOL
    return turns


def _blocks(message: Message, parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    text = [{"type": "text", "text": message.text}] if message.text else []
    if message.role is Role.TOOL:
        content = [*text, *parts] if parts else message.text
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_object(call.arguments)}
        for call in message.tool_calls
    ]
    # Thinking stands before what it led to, and an image before the question about it.
    return [*parts, *text, *calls]
