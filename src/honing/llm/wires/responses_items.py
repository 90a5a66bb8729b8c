"""Input items of the responses interface: a conversation as a flat list of messages, calls and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.llm.base import Message, Role, ToolCall
from honing.llm.wires.fields import Fields
from honing.llm.wires.parts import uncarried_parts

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_TEXT = {"input_text", "output_text", "text"}


def read_items(fields: Fields, uncarried: list[str]) -> list[Message]:
    """The turns that a request's `input` holds; paths of what has no neutral form are added to `uncarried`.

    A turn's tool calls stand in items of their own; they join the assistant's message before them.
    """
    if isinstance(fields.body.get("input"), str):
        return [Message(Role.USER, fields.text("input"))]
    messages: list[Message] = []
    for item in fields.each("input"):
        match item.text_or("type", "message"):
            case "message":
                messages.append(_message(item, uncarried))
            case "function_call":
                _join(messages, _call(item, "arguments"))
            case "custom_tool_call":
                _join(messages, _call(item, "input"))
            case "function_call_output" | "custom_tool_call_output":
                messages.append(_result(item, uncarried))
            case "reasoning":
                # What the model wrote for itself, encrypted: no other server can read it.
                pass
            case other:
                uncarried.append(f"{item.where} ({other})")
    return messages


def _call(item: Fields, arguments: str) -> ToolCall:
    return ToolCall(id=item.text("call_id"), name=item.text("name"), arguments=item.text_or(arguments, ""))


def _join(messages: list[Message], call: ToolCall) -> None:
    if messages and messages[-1].role is Role.ASSISTANT:
        messages[-1] = replace(messages[-1], tool_calls=(*messages[-1].tool_calls, call))
    else:
        messages.append(Message(Role.ASSISTANT, "", tool_calls=(call,)))


def _message(item: Fields, uncarried: list[str]) -> Message:
    role = _ROLES.get(item.text("role"))
    if role is None:
        item.refuse("role", f"one of {', '.join(_ROLES)}")
    text, parts = _content(item, "content", uncarried, joint="" if role is Role.ASSISTANT else "\n")
    return Message(role, text, parts=parts)


def _result(item: Fields, uncarried: list[str]) -> Message:
    text, parts = _content(item, "output", uncarried)
    return Message(Role.TOOL, text, tool_call_id=item.text("call_id"), parts=parts)


def _content(
    item: Fields, name: str, uncarried: list[str], *, joint: str = "\n"
) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    content = item.body.get(name)
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    parts: list[tuple[str, Mapping[str, Any]]] = []
    for part in item.each(name):
        kind = part.text("type")
        if kind in _TEXT:
            texts.append(part.text("text"))
        elif kind == "refusal":
            texts.append(part.text("refusal"))
        else:
            parts.append((part.where, part.body))
    uncarried.extend(uncarried_parts(parts))
    return joint.join(texts), tuple(part for _, part in parts)


def written_item(message: Message, parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A turn as input items.

    Args:
        message: The turn.
        parts: Its parts that are not text, as this wire writes them.
    """
    if message.role is Role.TOOL:
        output: Any = _written_content(message, parts, "input_text") if parts else message.text
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": output}]
    kind = "output_text" if message.role is Role.ASSISTANT else "input_text"
    items: list[dict[str, Any]] = []
    if message.text or parts or not message.tool_calls:
        content = _written_content(message, parts, kind)
        items.append({"type": "message", "role": message.role.value, "content": content})
    items += [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    return items


def _written_content(
    message: Message, parts: Sequence[Mapping[str, Any]], kind: str
) -> list[Mapping[str, Any]]:
    text = [{"type": kind, "text": message.text}] if message.text or not parts else []
    return [*text, *parts]
