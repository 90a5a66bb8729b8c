"""Anthropic's messages, which Claude Code speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.errors import ModelError, ModelRequestError
from honing.llm.base import ModelReply, ModelRequest, Role, Sampling
from honing.llm.wires.anthropic_replies import (
    AnthropicStream,
    anthropic_events,
    read_anthropic_reply,
    written_anthropic_reply,
)
from honing.llm.wires.anthropic_turns import read_system, read_turns, written_turns
from honing.llm.wires.events import event
from honing.llm.wires.fields import Fields
from honing.llm.wires.refusals import named, read_refusal

DEFAULT_MAX_TOKENS = 8192
"""Sent where the caller set no limit, because this wire insists on one. Every current model allows it."""
_SAMPLING = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_tokens",),
    "stop": ("stop_sequences",),
}
_CARRIED = {
    *(name for names in _SAMPLING.values() for name in names),
    *("model", "messages", "system", "tools", "tool_choice", "stream", "output_config"),
}
_NO_MATTER = {"metadata", "service_tier", "cache_control"}
"""Fields that say how a call is billed, labelled or kept, not what is answered."""
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


class AnthropicMessages:
    """POST {base}/v1/messages."""

    name = "anthropic_messages"

    def matches(self, method: str, path: str) -> bool:
        """Whether this creates a message, under any prefix."""
        return method == "POST" and path.partition("?")[0].rstrip("/").endswith("/messages")

    def parse_request(self, path: str, body: Mapping[str, Any]) -> ModelRequest:
        """Read a request; raises ModelRequestError naming the field that cannot be used."""
        fields = Fields(body, "", ModelRequestError)
        if not fields.sequence("messages"):
            fields.refuse("messages", "a list of at least one message")
        uncarried = list(fields.beyond(_CARRIED | _NO_MATTER))
        return ModelRequest(
            model=fields.text("model"),
            messages=(*read_system(fields, uncarried), *read_turns(fields, uncarried)),
            sampling=Sampling(
                temperature=fields.number("temperature"),
                top_p=fields.number("top_p"),
                max_tokens=fields.count("max_tokens", least=1),
                stop=fields.texts("stop_sequences"),
            ),
            tools=tuple(_tools(fields, uncarried)),
            tool_choice=_tool_choice(fields),
            response_format=_response_format(fields.within_or_empty("output_config"), uncarried),
            stream=fields.flag("stream"),
            uncarried=tuple(uncarried),
        )

    def request_path(self, request: ModelRequest) -> str:
        """Below the host itself."""
        return "/v1/messages"

    def render_request(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body; raises ModelRequestError for what has no shape here."""
        body: dict[str, Any] = {"model": request.model, "messages": written_turns(request.messages)}
        system = [message for message in request.messages if message.role is Role.SYSTEM]
        if system:
            body["system"] = [{"type": "text", "text": message.text} for message in system]
        sampling = self.sendable(request.sampling).as_dict()
        body |= {_SAMPLING[name][0]: value for name, value in sampling.items()}
        if request.tools:
            body["tools"] = [_written_tool(tool) for tool in request.tools]
        if isinstance(request.tool_choice, Mapping):
            body["tool_choice"] = {"type": "tool", **request.tool_choice}
        elif request.tool_choice is not None:
            names = {neutral: name for name, neutral in _CHOICES.items()}
            body["tool_choice"] = {"type": names[request.tool_choice]}
        if request.response_format is not None:
            body["output_config"] = {"format": _written_format(request.response_format)}
        if request.stream:
            body["stream"] = True
        return body

    def sendable(self, sampling: Sampling) -> Sampling:
        """All but the seed and log-probabilities, which this wire lacks, and always a limit of tokens."""
        most = DEFAULT_MAX_TOKENS if sampling.max_tokens is None else sampling.max_tokens
        return replace(sampling, seed=None, logprobs=None, max_tokens=most)

    def sampling_fields(self, name: str) -> Sequence[str]:
        """The fields that carry a sampling parameter; none for the seed and log-probabilities."""
        return _SAMPLING.get(name, ())

    def auth_headers(self, key: str) -> dict[str, str]:
        """The key and the version of the interface."""
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def parse_reply(self, body: Mapping[str, Any]) -> ModelReply:
        """Read a reply; raises ModelReplyError where it holds no answer."""
        return read_anthropic_reply(body)

    def render_reply(self, reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
        """The JSON body of an unstreamed reply."""
        return written_anthropic_reply(reply, request)

    def render_stream(self, reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
        """The reply as events, block by block."""
        return anthropic_events(reply, request)

    def stream_parser(self) -> AnthropicStream:
        """A parser for one streamed reply."""
        return AnthropicStream()

    def render_error(self, status: int, message: str) -> dict[str, Any]:
        """The error object of Anthropic's interface."""
        kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def render_stream_error(self, status: int, message: str) -> bytes:
        """The error event."""
        return event(self.render_error(status, message), name="error")

    def parse_error(self, status: int, body: bytes, *, secrets: Sequence[str] = ()) -> ModelError:
        """Name a refusal by its status."""
        return named(read_refusal(status, body, secrets=secrets))


def _tools(fields: Fields, uncarried: list[str]) -> Iterator[dict[str, Any]]:
    for tool in fields.each("tools"):
        if tool.text_or("type", "custom") != "custom":
            uncarried.append(f"{tool.where} ({tool.text('type')})")
            continue
        found: dict[str, Any] = {"name": tool.text("name")}
        if tool.has("description"):
            found["description"] = tool.text("description")
        found["parameters"] = dict(tool.mapping("input_schema"))
        yield found


def _written_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: tool[name] for name in ("name", "description") if name in tool}
    return {**found, "input_schema": tool.get("parameters") or {"type": "object", "properties": {}}}


def _tool_choice(fields: Fields) -> str | dict[str, str] | None:
    if not fields.has("tool_choice"):
        return None
    choice = fields.within("tool_choice")
    kind = choice.text("type")
    if kind == "tool":
        return {"name": choice.text("name")}
    if kind not in _CHOICES:
        choice.refuse("type", "auto, any, none or tool")
    return _CHOICES[kind]


def _response_format(config: Fields, uncarried: list[str]) -> dict[str, Any] | None:
    uncarried += config.beyond({"format"})
    if not config.has("format"):
        return None
    format_ = config.within("format")
    if format_.text("type") != "json_schema":
        uncarried.append(f"{format_.where} ({format_.text('type')})")
        return None
    return {"type": "json_schema", "schema": dict(format_.mapping("schema"))}


def _written_format(response_format: Mapping[str, Any]) -> dict[str, Any]:
    if response_format["type"] != "json_schema":
        raise ModelRequestError(
            f"response_format: {response_format['type']!r} cannot be sent to a server that speaks "
            "anthropic_messages; give a json_schema, or ask for JSON in the prompt"
        )
    return {"type": "json_schema", "schema": response_format["schema"]}
