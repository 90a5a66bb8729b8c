"""What OpenAI's chat and responses wires share: tools, formats, tool calls and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from honing.llm.base import ToolCall
from honing.llm.wires.fields import Fields

_CHOICES = {"auto", "none", "required"}


def openai_error(status: int, message: str) -> dict[str, Any]:
    """The error object that OpenAI's chat and responses interfaces share."""
    kinds = {
        401: ("authentication_error", "invalid_api_key"),
        403: ("permission_error", "permission_denied"),
        404: ("invalid_request_error", "not_found"),
        429: ("rate_limit_error", "rate_limit_exceeded"),
    }
    fallback = ("server_error", "server_error") if status >= 500 else ("invalid_request_error", None)
    kind, code = kinds.get(status, fallback)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def read_tools(fields: Fields, nested: str, uncarried: list[str]) -> Iterator[dict[str, Any]]:
    """Function tools, neutral; the paths of other kinds are added to `uncarried`.

    Args:
        fields: The request.
        nested: The field of a tool that holds its definition; "" where the tool itself does.
        uncarried: Grows.
    """
    for tool in fields.each("tools"):
        if tool.text_or("type", "function") != "function":
            uncarried.append(f"{tool.where} ({tool.text('type')})")
            continue
        function = tool.within(nested) if nested else tool
        found: dict[str, Any] = {"name": function.text("name")}
        if function.has("description"):
            found["description"] = function.text("description")
        if function.has("parameters"):
            found["parameters"] = dict(function.mapping("parameters"))
        yield found


def read_tool_choice(fields: Fields, nested: str, uncarried: list[str]) -> str | dict[str, str] | None:
    """Which tool to use, neutral; a choice that has no neutral form is added to `uncarried`."""
    choice = fields.body.get("tool_choice")
    if choice is None or (isinstance(choice, str) and choice in _CHOICES):
        return choice
    if isinstance(choice, str):
        fields.refuse("tool_choice", "auto, none, required or an object")
    chosen = fields.within("tool_choice")
    if chosen.text("type") != "function":
        uncarried.append(f"tool_choice ({chosen.text('type')})")
        return None
    return {"name": (chosen.within(nested) if nested else chosen).text("name")}


def read_format(fields: Fields, schema: Fields, uncarried: list[str]) -> dict[str, Any] | None:
    """How the reply is to be formed, neutral.

    Args:
        fields: The object whose `type` says how.
        schema: The object that holds a JSON schema's name, schema and strictness.
        uncarried: Grows by a way that has no neutral form.
    """
    match fields.text("type"):
        case "text":
            return None
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            found: dict[str, Any] = {"type": "json_schema", "name": schema.text("name")}
            found["schema"] = dict(schema.mapping("schema"))
            return {**found, "strict": schema.flag("strict")} if schema.has("strict") else found
        case other:
            uncarried.append(f"{fields.where} ({other})")
            return None


def written_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Tool calls as a message holds them, in a request and in a reply alike."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
