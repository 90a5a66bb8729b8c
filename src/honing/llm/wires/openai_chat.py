"""OpenAI's chat completions: what most servers, local ones included, speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.errors import ModelError, ModelRequestError
from honing.llm.base import Message, ModelReply, ModelRequest, Role, Sampling, ToolCall
from honing.llm.wires.chat_replies import ChatStream, chat_events, read_chat_reply, written_chat_reply
from honing.llm.wires.events import event
from honing.llm.wires.fields import Fields
from honing.llm.wires.openai_shapes import (
    openai_error,
    read_format,
    read_tool_choice,
    read_tools,
    written_calls,
)
from honing.llm.wires.parts import parts_for, uncarried_parts
from honing.llm.wires.refusals import named, read_refusal

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}
_SAMPLING = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "stop": ("stop",),
    "seed": ("seed",),
    "logprobs": ("logprobs", "top_logprobs"),
}
_CARRIED = {
    *(name for names in _SAMPLING.values() for name in names),
    *("model", "messages", "tools", "tool_choice", "response_format", "stream", "stream_options", "n"),
}
_NO_MATTER = {
    *("user", "metadata", "store", "service_tier", "safety_identifier", "parallel_tool_calls"),
    *("prompt_cache_key", "prompt_cache_retention"),
}
"""Fields that say how a call is billed, labelled or kept, not what is answered."""


class OpenAIChat:
    """POST {base}/chat/completions."""

    name = "openai_chat"

    def matches(self, method: str, path: str) -> bool:
        """Whether this is a chat completion, under any prefix."""
        return method == "POST" and path.partition("?")[0].rstrip("/").endswith("/chat/completions")

    def parse_request(self, path: str, body: Mapping[str, Any]) -> ModelRequest:
        """Read a request; raises ModelRequestError naming the field that cannot be used."""
        fields = Fields(body, "", ModelRequestError)
        if fields.count("n") not in (None, 1):
            fields.refuse("n", "1, or none at all (ask once per sample)")
        if not fields.sequence("messages"):
            fields.refuse("messages", "a list of at least one message")
        uncarried = list(fields.beyond(_CARRIED | _NO_MATTER))
        stream = fields.flag("stream")
        return ModelRequest(
            model=fields.text("model"),
            messages=tuple(_message(message, uncarried) for message in fields.each("messages")),
            sampling=_sampling(fields),
            tools=tuple(read_tools(fields, "function", uncarried)),
            tool_choice=read_tool_choice(fields, "function", uncarried),
            response_format=_response_format(fields, uncarried),
            stream=stream,
            stream_usage=not stream or fields.within_or_empty("stream_options").flag("include_usage"),
            uncarried=tuple(uncarried),
        )

    def request_path(self, request: ModelRequest) -> str:
        """Below a base address that ends in /v1."""
        return "/chat/completions"

    def render_request(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body; raises ModelRequestError for a part that has no shape here."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [_written_message(m, i) for i, m in enumerate(request.messages)],
            **request.sampling.as_dict(),
        }
        if request.sampling.logprobs is not None:
            body["logprobs"] = True
            body["top_logprobs"] = request.sampling.logprobs
        if request.tools:
            body["tools"] = [{"type": "function", "function": dict(tool)} for tool in request.tools]
        if isinstance(request.tool_choice, Mapping):
            body["tool_choice"] = {"type": "function", "function": dict(request.tool_choice)}
        elif request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
        if request.response_format is not None:
            body["response_format"] = _written_format(request.response_format)
        if request.stream:
            body["stream"] = True
            if request.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return body

    def sendable(self, sampling: Sampling) -> Sampling:
        """All of it."""
        return sampling

    def sampling_fields(self, name: str) -> Sequence[str]:
        """The fields that carry a sampling parameter."""
        return _SAMPLING[name]

    def auth_headers(self, key: str) -> dict[str, str]:
        """A bearer token."""
        return {"authorization": f"Bearer {key}"}

    def parse_reply(self, body: Mapping[str, Any]) -> ModelReply:
        """Read a reply; raises ModelReplyError where it holds no answer."""
        return read_chat_reply(body)

    def render_reply(self, reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
        """The JSON body of an unstreamed reply."""
        return written_chat_reply(reply, request)

    def render_stream(self, reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
        """The reply as chunks, the usage where it was asked for, and the mark of the end."""
        return chat_events(reply, request)

    def stream_parser(self) -> ChatStream:
        """A parser for one streamed reply."""
        return ChatStream()

    def render_error(self, status: int, message: str) -> dict[str, Any]:
        """The error object of OpenAI's interfaces."""
        return openai_error(status, message)

    def render_stream_error(self, status: int, message: str) -> bytes:
        """A chunk that holds an error."""
        return event(openai_error(status, message))

    def parse_error(self, status: int, body: bytes, *, secrets: Sequence[str] = ()) -> ModelError:
        """Name a refusal by its status."""
        return named(read_refusal(status, body, secrets=secrets))


def _response_format(fields: Fields, uncarried: list[str]) -> dict[str, Any] | None:
    if not fields.has("response_format"):
        return None
    format_ = fields.within("response_format")
    return read_format(format_, format_.within_or_empty("json_schema"), uncarried)


def _written_format(response_format: Mapping[str, Any]) -> dict[str, Any]:
    if response_format["type"] != "json_schema":
        return dict(response_format)
    schema = {name: value for name, value in response_format.items() if name != "type"}
    return {"type": "json_schema", "json_schema": {"name": "answer", **schema}}


def _sampling(fields: Fields) -> Sampling:
    most = fields.count("max_completion_tokens", least=1)
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        max_tokens=fields.count("max_tokens", least=1) if most is None else most,
        stop=fields.texts("stop"),
        seed=fields.count("seed", least=-(2**63), most=2**63 - 1),
        logprobs=(fields.count("top_logprobs") or 0) if fields.flag("logprobs") else None,
    )


def _message(fields: Fields, uncarried: list[str]) -> Message:
    role = _ROLES.get(fields.text("role"))
    if role is None:
        fields.refuse("role", f"one of {', '.join(_ROLES)}")
    text, parts = _content(fields, "" if role is Role.ASSISTANT else "\n", uncarried)
    if role is Role.ASSISTANT:
        text = text or fields.text_or("refusal", "")
    return Message(
        role=role,
        text=text,
        tool_calls=tuple(_call(call) for call in fields.each("tool_calls")),
        tool_call_id=fields.text("tool_call_id") if role is Role.TOOL else None,
        parts=parts,
    )


def _content(fields: Fields, joint: str, uncarried: list[str]) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    content = fields.body.get("content")
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    parts: list[tuple[str, Mapping[str, Any]]] = []
    for part in fields.each("content"):
        match part.text("type"):
            case "text":
                texts.append(part.text("text"))
            case "refusal":
                texts.append(part.text("refusal"))
            case _:
                parts.append((part.where, part.body))
    uncarried.extend(uncarried_parts(parts))
    return joint.join(texts), tuple(part for _, part in parts)


def _call(fields: Fields) -> ToolCall:
    if fields.text_or("type", "function") == "custom":
        custom = fields.within("custom")
        return ToolCall(id=fields.text("id"), name=custom.text("name"), arguments=custom.text("input"))
    function = fields.within("function")
    return ToolCall(
        id=fields.text("id"), name=function.text("name"), arguments=function.text_or("arguments", "")
    )


def _written_message(message: Message, index: int) -> dict[str, Any]:
    parts = parts_for("openai_chat", message, index)
    content: Any = message.text
    if parts:
        content = [*([{"type": "text", "text": message.text}] if message.text else []), *parts]
    elif message.tool_calls and not message.text:
        content = None
    found: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        found["tool_calls"] = written_calls(message.tool_calls)
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found
