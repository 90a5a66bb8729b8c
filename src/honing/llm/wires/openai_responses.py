"""OpenAI's responses interface, which Codex speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.errors import ModelError, ModelRequestError
from honing.llm.base import Message, ModelReply, ModelRequest, Role, Sampling
from honing.llm.wires.events import event
from honing.llm.wires.fields import Fields
from honing.llm.wires.openai_shapes import openai_error, read_format, read_tool_choice, read_tools
from honing.llm.wires.parts import parts_for
from honing.llm.wires.refusals import named, read_refusal
from honing.llm.wires.responses_items import read_items, written_item
from honing.llm.wires.responses_replies import (
    ResponsesStream,
    read_response,
    response_events,
    written_response,
)

_SAMPLING = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_output_tokens",),
    "logprobs": ("top_logprobs", "include"),
}
_CARRIED = {
    *("temperature", "top_p", "max_output_tokens", "top_logprobs", "include", "model", "input"),
    *("instructions", "tools", "tool_choice", "text", "stream"),
}
_NO_MATTER = {
    *("user", "metadata", "store", "service_tier", "safety_identifier", "parallel_tool_calls"),
    *("prompt_cache_key", "prompt_cache_retention", "stream_options", "client_metadata"),
}
"""Fields that say how a call is billed, labelled or kept, not what is answered."""
_LOGPROBS = "message.output_text.logprobs"


class OpenAIResponses:
    """POST {base}/responses."""

    name = "openai_responses"

    def matches(self, method: str, path: str) -> bool:
        """Whether this creates a response, under any prefix."""
        return method == "POST" and path.partition("?")[0].rstrip("/").endswith("/responses")

    def parse_request(self, path: str, body: Mapping[str, Any]) -> ModelRequest:
        """Read a request; raises ModelRequestError naming the field that cannot be used."""
        fields = Fields(body, "", ModelRequestError)
        uncarried = list(fields.beyond(_CARRIED | _NO_MATTER))
        messages = read_items(fields, uncarried)
        if fields.has("instructions"):
            messages.insert(0, Message(Role.SYSTEM, fields.text("instructions")))
        if not messages:
            fields.refuse("input", "a text or a list of at least one item")
        text = fields.within_or_empty("text")
        uncarried += text.beyond({"format"})
        format_ = text.within_or_empty("format")
        return ModelRequest(
            model=fields.text("model"),
            messages=tuple(messages),
            sampling=Sampling(
                temperature=fields.number("temperature"),
                top_p=fields.number("top_p"),
                max_tokens=fields.count("max_output_tokens", least=1),
                logprobs=_logprobs(fields),
            ),
            tools=tuple(read_tools(fields, "", uncarried)),
            tool_choice=read_tool_choice(fields, "", uncarried),
            response_format=read_format(format_, format_, uncarried) if format_.body else None,
            stream=fields.flag("stream"),
            uncarried=tuple(uncarried),
        )

    def request_path(self, request: ModelRequest) -> str:
        """Below a base address that ends in /v1."""
        return "/responses"

    def render_request(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body; raises ModelRequestError for a part that has no shape here."""
        first = request.messages[0] if request.messages else None
        instructed = first is not None and first.role is Role.SYSTEM and not first.parts
        body: dict[str, Any] = {"model": request.model}
        if instructed and first is not None:
            body["instructions"] = first.text
        body["input"] = [
            item
            for index, message in enumerate(request.messages)
            if index > 0 or not instructed
            for item in written_item(message, parts_for(self.name, message, index))
        ]
        body.update(_written_sampling(request.sampling))
        if request.tools:
            body["tools"] = [{"type": "function", **tool} for tool in request.tools]
        if isinstance(request.tool_choice, Mapping):
            body["tool_choice"] = {"type": "function", **request.tool_choice}
        elif request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
        if request.response_format is not None:
            body["text"] = {"format": _written_format(request.response_format)}
        if request.stream:
            body["stream"] = True
        return body

    def sendable(self, sampling: Sampling) -> Sampling:
        """All but stop sequences and the seed, which this interface does not have."""
        return replace(sampling, stop=None, seed=None)

    def sampling_fields(self, name: str) -> Sequence[str]:
        """The fields that carry a sampling parameter; none for stop sequences and the seed."""
        return _SAMPLING.get(name, ())

    def auth_headers(self, key: str) -> dict[str, str]:
        """A bearer token."""
        return {"authorization": f"Bearer {key}"}

    def parse_reply(self, body: Mapping[str, Any]) -> ModelReply:
        """Read a reply; raises ModelReplyError where it holds no answer."""
        return read_response(body)

    def render_reply(self, reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
        """The JSON body of an unstreamed reply."""
        return written_response(reply, request)

    def render_stream(self, reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
        """The reply as the sequence of events that Codex and OpenAI's own libraries follow."""
        return response_events(reply, request)

    def stream_parser(self) -> ResponsesStream:
        """A parser for one streamed reply."""
        return ResponsesStream()

    def render_error(self, status: int, message: str) -> dict[str, Any]:
        """The error object of OpenAI's interfaces."""
        return openai_error(status, message)

    def render_stream_error(self, status: int, message: str) -> bytes:
        """The event of a response that failed."""
        code = openai_error(status, message)["error"]["code"] or "invalid_request"
        response = {"status": "failed", "output": [], "error": {"code": code, "message": message}}
        return event({"type": "response.failed", "response": response}, name="response.failed")

    def parse_error(self, status: int, body: bytes, *, secrets: Sequence[str] = ()) -> ModelError:
        """Name a refusal by its status."""
        return named(read_refusal(status, body, secrets=secrets))


def _logprobs(fields: Fields) -> int | None:
    wanted = fields.texts("include") or ()
    return (fields.count("top_logprobs") or 0) if _LOGPROBS in wanted else None


def _written_sampling(sampling: Sampling) -> dict[str, Any]:
    found = {
        field: value
        for name, field in (("temperature",) * 2, ("top_p",) * 2, ("max_tokens", "max_output_tokens"))
        if (value := getattr(sampling, name)) is not None
    }
    if sampling.logprobs is not None:
        found["include"] = [_LOGPROBS]
        found["top_logprobs"] = sampling.logprobs
    return found


def _written_format(response_format: Mapping[str, Any]) -> dict[str, Any]:
    if response_format["type"] != "json_schema":
        return dict(response_format)
    return {"name": "answer", **response_format}
