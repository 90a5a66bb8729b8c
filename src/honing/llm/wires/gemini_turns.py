"""Gemini's conversation: contents of two roles whose parts are text, function calls and their responses."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.errors import ModelRequestError
from honing.llm.base import Message, Role, ToolCall
from honing.llm.wires.arguments import arguments_object, arguments_text
from honing.llm.wires.fields import Fields
from honing.llm.wires.parts import parts_for, uncarried_parts

_TYPES = {"OBJECT", "ARRAY", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "NULL"}
_UNDERSCORE = re.compile(r"_([a-z])")


def camel(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object's own names in the spelling of the reference; this interface takes snake_case as well."""
    return {_UNDERSCORE.sub(lambda match: match[1].upper(), name): value for name, value in body.items()}


def read_schema(fields: Fields, name: str) -> dict[str, Any] | None:
    """A JSON schema, given as one or in this interface's own dialect; None where neither is there.

    Args:
        fields: The object that holds it, its names in camel case.
        name: "parameters" (of a function) or "response".
    """
    plain = f"{name}JsonSchema"
    if fields.has(plain):
        return dict(fields.mapping(plain))
    own = name if name == "parameters" else f"{name}Schema"
    return _lowered(fields.mapping(own)) if fields.has(own) else None


def _lowered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: inner.lower()
            if name == "type" and isinstance(inner, str) and inner in _TYPES
            else _lowered(inner)
            for name, inner in value.items()
        }
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value


def read_system(fields: Fields, uncarried: list[str]) -> Iterator[Message]:
    """One system turn for each text of the system instruction."""
    for part in fields.within_or_empty("systemInstruction").each("parts"):
        if part.has("text"):
            yield Message(Role.SYSTEM, part.text("text"))
        else:
            uncarried.append(part.where)


class _CallIds:
    """Ids for calls that carry none: calls are numbered; a response answers the oldest call of its name."""

    def __init__(self) -> None:
        self._count = 0
        self._open: defaultdict[str, deque[str]] = defaultdict(deque)

    def call(self, part: Fields) -> str:
        found = part.text_or("id", "") or f"call_{self._count}"
        self._count += 1
        self._open[part.text("name")].append(found)
        return found

    def answer(self, part: Fields) -> str:
        waiting = self._open[part.text("name")]
        if part.has("id"):
            found = part.text("id")
            if found in waiting:
                waiting.remove(found)
            return found
        if not waiting:
            part.refuse("name", "the name of a function that was called before")
        return waiting.popleft()


def read_contents(fields: Fields, uncarried: list[str]) -> Iterator[Message]:
    """The neutral turns: a user's turn with function responses gives one for each and one for the rest."""
    ids = _CallIds()
    for content in fields.each("contents"):
        role = content.text_or("role", "user")
        if role not in ("user", "model", "function"):
            content.refuse("role", "user or model")
        yield from _content(content, Role.ASSISTANT if role == "model" else Role.USER, ids, uncarried)


def _content(content: Fields, role: Role, ids: _CallIds, uncarried: list[str]) -> Iterator[Message]:
    texts: list[str] = []
    calls: list[ToolCall] = []
    parts: list[tuple[str, Mapping[str, Any]]] = []
    answered = False
    for raw in content.each("parts"):
        part = Fields(camel(raw.body), raw.where, raw.failure)
        if part.has("functionCall"):
            call = part.within("functionCall")
            arguments = arguments_text(call.within_or_empty("args").body)
            calls.append(ToolCall(ids.call(call), call.text("name"), arguments))
        elif part.has("functionResponse"):
            answered = True
            yield _answer(part.within("functionResponse"), ids)
        elif part.has("text") and not part.flag("thought"):
            texts.append(part.text("text"))
        else:
            parts.append((part.where, part.body))
    uncarried.extend(uncarried_parts(parts))
    if texts or calls or parts or not answered:
        yield Message(
            role,
            ("" if role is Role.ASSISTANT else "\n").join(texts),
            tool_calls=tuple(calls),
            parts=tuple(part for _, part in parts),
        )


def _answer(part: Fields, ids: _CallIds) -> Message:
    response = part.within_or_empty("response").body
    known = [response[name] for name in ("output", "result", "error") if name in response]
    plain = len(response) == 1 and known and isinstance(known[0], str)
    text = known[0] if plain else json.dumps(response, ensure_ascii=False)
    return Message(Role.TOOL, str(text), tool_call_id=ids.answer(part))


def written_contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The turns of a request, its system turns left out; responses that follow each other share one turn."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    contents: list[dict[str, Any]] = []
    answering = False
    for index, message in enumerate(messages):
        if message.role is Role.SYSTEM:
            continue
        parts = _written_parts(message, index, names)
        if message.role is Role.TOOL and answering:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": "model" if message.role is Role.ASSISTANT else "user", "parts": parts})
        answering = message.role is Role.TOOL
    return contents


def _written_parts(message: Message, index: int, names: Mapping[str, str]) -> list[dict[str, Any]]:
    parts = parts_for("gemini", message, index)
    if message.role is Role.TOOL:
        name = names.get(message.tool_call_id or "")
        if name is None:
            raise ModelRequestError(
                f"messages[{index}]: it answers the call {message.tool_call_id!r}, which no message before "
                "it makes; Gemini needs the name of the function that was called"
            )
        response = {"id": message.tool_call_id, "name": name, "response": {"output": message.text}}
        return [{"functionResponse": response}, *parts]
    text = [{"text": message.text}] if message.text or not (parts or message.tool_calls) else []
    return [*parts, *text, *(written_call(call) for call in message.tool_calls)]


def written_call(call: ToolCall) -> dict[str, Any]:
    """A function call as a part, in a request and in a reply alike."""
    return {
        "functionCall": {"id": call.id, "name": call.name, "args": arguments_object(call.arguments)},
    }
