"""A caller's call as it goes on to a model server: as it came, or carried over to another wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from honing.errors import ModelRequestError
from honing.llm.base import ModelReply, ModelRequest, Sampling
from honing.llm.canonical import estimate_tokens, prompt_text
from honing.llm.endpoint import Endpoint
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.sources import Call
from honing.llm.unsupported import refused_sampling, wants_completion_limit
from honing.llm.wires import Wire
from honing.llm.wires.refusals import Refusal

_PASSED_HEADERS = ("anthropic-version", "anthropic-beta", "openai-beta")
"""Headers of the caller that change what the server answers. No other header goes on."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a server was found to refuse of the calls for one model."""

    dropped: frozenset[str] = frozenset()
    """Sampling parameters it does not take."""
    completion_limit: bool = False
    """It wants the limit of tokens under its newer name."""

    def after(self, refusal: Refusal, wire: Wire, sampling: Sampling) -> Lessons | None:
        """What is to be left out besides, as a refusal names it; None where it names nothing of that kind."""
        has_limit = wire.name == "openai_chat" and sampling.max_tokens is not None
        if has_limit and wants_completion_limit(refusal) and not self.completion_limit:
            return replace(self, completion_limit=True)
        name = refused_sampling(refusal, wire, self.of(sampling))
        return None if name is None else replace(self, dropped=self.dropped | {name})

    def of(self, sampling: Sampling) -> Sampling:
        """The parameters that are left."""
        return replace(sampling, **dict.fromkeys(self.dropped))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    sampling: Sampling
    """The parameters the caller set."""
    sent: Mapping[str, Any]
    """Those that go out."""
    adds_usage: bool = False
    """The stream was asked to end with its usage, which the caller did not ask for and must not see."""

    def dressed(self, reply: ModelReply) -> ModelReply:
        """The reply with what was asked for and what was sent."""
        return replace(reply, requested=self.sampling.as_dict(), sent=self.sent)


def outgoing(call: Call, endpoint: Endpoint, model: str, lessons: Lessons) -> Outgoing:
    """Make the request for a server.

    In the server's own wire the caller's body goes on with every field, in its own bytes where nothing has to
    be changed in it. In another wire it is rendered from the neutral form.

    Raises:
        CallFailedError: Of kind `bad_request`: the call holds what the server's wire cannot carry.
    """
    wire = endpoint.speaks()
    request = replace(call.request, model=model)
    is_same = call.wire.name == endpoint.wire
    adds_usage = is_same and wire.name == "openai_chat" and request.stream and not request.stream_usage
    if is_same:
        body = _as_given(call, request, wire, lessons, adds_usage=adds_usage)
        sent = lessons.of(request.sampling).as_dict()
    else:
        body = _rendered(request, wire, lessons)
        sent = wire.sendable(lessons.of(request.sampling)).as_dict()
    return Outgoing(
        url=_address(endpoint.url(wire.request_path(request)), call.query if is_same else {}),
        headers=_headers(call, endpoint, is_same=is_same),
        body=body,
        sampling=request.sampling,
        sent=sent,
        adds_usage=adds_usage,
    )


def estimated_tokens(request: ModelRequest) -> int:
    """What a call will take of a limit on tokens, in and out, before its reply is known."""
    return estimate_tokens(prompt_text(request)) + (request.sampling.max_tokens or 0)


def _as_given(call: Call, request: ModelRequest, wire: Wire, lessons: Lessons, *, adds_usage: bool) -> bytes:
    """The caller's body: its own bytes, or edited where model, lessons or usage ask for it."""
    body = dict(call.body)
    if body.get("model", request.model) != request.model:
        body["model"] = request.model
    if lessons.dropped:
        unwanted = {field for name in lessons.dropped for field in wire.sampling_fields(name)}
        body = {name: value for name, value in body.items() if name not in unwanted}
        if isinstance(nested := body.get("generationConfig"), dict):
            kept = {name: value for name, value in nested.items() if name not in unwanted}
            body["generationConfig"] = kept
    if lessons.completion_limit:
        _rename_limit(body)
    if adds_usage:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return call.raw_body if body == call.body else _dumped(body)


def _rendered(request: ModelRequest, wire: Wire, lessons: Lessons) -> bytes:
    try:
        body = wire.render_request(replace(request, sampling=lessons.of(request.sampling)))
    except ModelRequestError as error:
        raise CallFailedError(ErrorKind.BAD_REQUEST, str(error)) from error
    if lessons.completion_limit:
        _rename_limit(body)
    return _dumped(body)


def _rename_limit(body: dict[str, Any]) -> None:
    if "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")


def _headers(call: Call, endpoint: Endpoint, *, is_same: bool) -> dict[str, str]:
    auth = endpoint.speaks().auth_headers(endpoint.key)
    passed = {name: call.headers[name] for name in _PASSED_HEADERS if is_same and name in call.headers}
    return {
        "content-type": "application/json",
        "accept": "text/event-stream" if call.request.stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": "honing",
        **{name: value for name, value in auth.items() if endpoint.key or "version" in name},
        **endpoint.headers,
        **passed,
    }


def _address(url: str, query: Mapping[str, str]) -> str:
    """The address with those of the caller's parameters that it does not set itself, and never a key."""
    base, _, given = url.partition("?")
    merged = {**{name: value for name, value in query.items() if name != "key"}, **dict(parse_qsl(given))}
    return f"{base}?{urlencode(merged)}" if merged else base


def _dumped(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
