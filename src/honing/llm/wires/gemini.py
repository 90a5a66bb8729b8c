"""Google's generateContent, which Gemini CLI speaks: the model and whether to stream stand in the path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from honing.errors import ModelError, ModelRequestError
from honing.llm.base import ModelReply, ModelRequest, Role, Sampling
from honing.llm.wires.events import event
from honing.llm.wires.fields import Fields
from honing.llm.wires.gemini_replies import (
    GeminiStream,
    gemini_events,
    read_gemini_reply,
    written_gemini_reply,
)
from honing.llm.wires.gemini_turns import camel, read_contents, read_schema, read_system, written_contents
from honing.llm.wires.refusals import named, read_refusal

_PATH = re.compile(r"/models/(.+):(generateContent|streamGenerateContent)$")
_SAMPLING = {
    "temperature": ("temperature",),
    "top_p": ("topP",),
    "max_tokens": ("maxOutputTokens",),
    "stop": ("stopSequences",),
    "seed": ("seed",),
    "logprobs": ("responseLogprobs", "logprobs"),
}
_CARRIED = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "model"}
_NO_MATTER = {"labels", "serviceTier"}
"""Fields that say how a call is billed, labelled or kept, not what is answered."""
_CONFIG = {
    *(name for names in _SAMPLING.values() for name in names),
    *("responseMimeType", "responseSchema", "responseJsonSchema", "candidateCount"),
}
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Gemini:
    """POST {base}/v1beta/models/MODEL:generateContent, or :streamGenerateContent?alt=sse."""

    name = "gemini"

    def matches(self, method: str, path: str) -> bool:
        """Whether this generates content, under any prefix."""
        return method == "POST" and _PATH.search(path.partition("?")[0]) is not None

    def parse_request(self, path: str, body: Mapping[str, Any]) -> ModelRequest:
        """Read a request; raises ModelRequestError naming the field that cannot be used."""
        called = _PATH.search(path.partition("?")[0])
        if called is None:
            raise ModelRequestError(f"path: expected .../models/MODEL:generateContent, found {path!r}")
        fields = Fields(camel(body), "", ModelRequestError)
        if not fields.sequence("contents"):
            fields.refuse("contents", "a list of at least one content")
        config = Fields(
            camel(fields.within_or_empty("generationConfig").body), "generationConfig", ModelRequestError
        )
        if config.count("candidateCount") not in (None, 1):
            config.refuse("candidateCount", "1, or none at all (ask once per sample)")
        uncarried = [*fields.beyond(_CARRIED | _NO_MATTER), *config.beyond(_CONFIG)]
        return ModelRequest(
            model=unquote(called[1]),
            messages=(*read_system(fields, uncarried), *read_contents(fields, uncarried)),
            sampling=_sampling(config),
            tools=tuple(_tools(fields, uncarried)),
            tool_choice=_tool_choice(fields, uncarried),
            response_format=_response_format(config, uncarried),
            stream=called[2] == "streamGenerateContent",
            uncarried=tuple(uncarried),
        )

    def request_path(self, request: ModelRequest) -> str:
        """Below the host itself, with the model in it."""
        place = f"/v1beta/models/{quote(request.model, safe='')}"
        return f"{place}:streamGenerateContent?alt=sse" if request.stream else f"{place}:generateContent"

    def render_request(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body; raises ModelRequestError for what has no shape here."""
        body: dict[str, Any] = {"contents": written_contents(request.messages)}
        system = [message for message in request.messages if message.role is Role.SYSTEM]
        if system:
            body["systemInstruction"] = {"parts": [{"text": message.text} for message in system]}
        if request.tools:
            body["tools"] = [{"functionDeclarations": [_written_tool(tool) for tool in request.tools]}]
        if request.tool_choice is not None:
            body["toolConfig"] = {"functionCallingConfig": _written_choice(request.tool_choice)}
        config = {**_written_sampling(request.sampling), **_written_format(request.response_format)}
        return {**body, "generationConfig": config} if config else body

    def sendable(self, sampling: Sampling) -> Sampling:
        """All of it."""
        return sampling

    def sampling_fields(self, name: str) -> Sequence[str]:
        """The fields that carry a sampling parameter."""
        return _SAMPLING[name]

    def auth_headers(self, key: str) -> dict[str, str]:
        """The key; never in the address, which servers and proxies write to their logs."""
        return {"x-goog-api-key": key}

    def parse_reply(self, body: Mapping[str, Any]) -> ModelReply:
        """Read a reply; raises ModelReplyError where it holds no answer."""
        return read_gemini_reply(body)

    def render_reply(self, reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
        """The JSON body of an unstreamed reply."""
        return written_gemini_reply(reply, request)

    def render_stream(self, reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
        """The reply as a few unnamed events; the last says how it ended."""
        return gemini_events(reply, request)

    def stream_parser(self) -> GeminiStream:
        """A parser for one streamed reply."""
        return GeminiStream()

    def render_error(self, status: int, message: str) -> dict[str, Any]:
        """The error object of Google's interfaces."""
        kind = _STATUSES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
        return {"error": {"code": status, "message": message, "status": kind}}

    def render_stream_error(self, status: int, message: str) -> bytes:
        """An event that holds an error."""
        return event(self.render_error(status, message))

    def parse_error(self, status: int, body: bytes, *, secrets: Sequence[str] = ()) -> ModelError:
        """Name a refusal by its status."""
        return named(read_refusal(status, body, secrets=secrets))


def _sampling(config: Fields) -> Sampling:
    return Sampling(
        temperature=config.number("temperature"),
        top_p=config.number("topP"),
        max_tokens=config.count("maxOutputTokens", least=1),
        stop=config.texts("stopSequences"),
        seed=config.count("seed", least=-(2**63), most=2**63 - 1),
        logprobs=(config.count("logprobs") or 0) if config.flag("responseLogprobs") else None,
    )


def _written_sampling(sampling: Sampling) -> dict[str, Any]:
    found = {_SAMPLING[name][0]: value for name, value in sampling.as_dict().items()}
    if sampling.logprobs is not None:
        found["responseLogprobs"] = True
        if sampling.logprobs:
            found["logprobs"] = sampling.logprobs
    return found


def _tools(fields: Fields, uncarried: list[str]) -> Iterator[dict[str, Any]]:
    for group in fields.each("tools"):
        tools = Fields(camel(group.body), group.where, ModelRequestError)
        uncarried += [f"{group.where} ({name})" for name in tools.body if name != "functionDeclarations"]
        for tool in tools.each("functionDeclarations"):
            found: dict[str, Any] = {"name": tool.text("name")}
            if tool.has("description"):
                found["description"] = tool.text("description")
            schema = read_schema(Fields(camel(tool.body), tool.where, tool.failure), "parameters")
            yield found if schema is None else {**found, "parameters": schema}


def _written_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: tool[name] for name in ("name", "description") if name in tool}
    return {**found, "parametersJsonSchema": tool["parameters"]} if "parameters" in tool else found


def _tool_choice(fields: Fields, uncarried: list[str]) -> str | dict[str, str] | None:
    outer = fields.within_or_empty("toolConfig")
    config = Fields(camel(outer.body), outer.where, outer.failure).within_or_empty("functionCallingConfig")
    if not config.has("mode"):
        return None
    mode = config.text("mode").upper()
    allowed = Fields(camel(config.body), config.where, config.failure).texts("allowedFunctionNames") or ()
    if len(allowed) == 1 and mode == "ANY":
        return {"name": allowed[0]}
    if allowed:
        uncarried.append(config.path("allowedFunctionNames"))
    if mode not in _MODES:
        uncarried.append(f"{config.path('mode')} ({mode})")
    return _MODES.get(mode)


def _written_choice(choice: str | Mapping[str, str]) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        return {"mode": "ANY", "allowedFunctionNames": [choice["name"]]}
    return {"mode": next(mode for mode, neutral in _MODES.items() if neutral == choice)}


def _response_format(config: Fields, uncarried: list[str]) -> dict[str, Any] | None:
    kind = config.text_or("responseMimeType", "text/plain")
    if kind == "text/plain":
        return None
    if kind != "application/json":
        uncarried.append(f"{config.path('responseMimeType')} ({kind})")
        return None
    schema = read_schema(config, "response")
    return {"type": "json_object"} if schema is None else {"type": "json_schema", "schema": schema}


def _written_format(response_format: Mapping[str, Any] | None) -> dict[str, Any]:
    if response_format is None:
        return {}
    found = {"responseMimeType": "application/json"}
    if response_format["type"] != "json_schema":
        return found
    return {**found, "responseJsonSchema": response_format["schema"]}
