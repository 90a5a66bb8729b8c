"""Ways in which a model server misbehaves, for `ScriptedServer` to show on schedule."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.llm.base import ModelReply, ModelRequest
from honing.llm.http import CutConnection, HttpRequest, HttpResponse
from honing.llm.routes import given_token
from honing.llm.wires import Wire

_EVENTS = "text/event-stream"


class FaultKind(StrEnum):
    """How one request is answered wrongly."""

    UNAUTHORIZED = "unauthorized"
    """401."""
    FORBIDDEN = "forbidden"
    """403."""
    BAD_REQUEST = "bad_request"
    """400 with `Fault.text` as its reason."""
    RATE_LIMIT = "rate_limit"
    """429, with Retry-After where `Fault.retry_after` is set."""
    SERVER_ERROR = "server_error"
    """500."""
    OVERLOADED = "overloaded"
    """503."""
    HANG = "hang"
    """No byte is ever sent."""
    TRICKLE = "trickle"
    """The right reply, `Fault.piece_bytes` every `Fault.pause_s`."""
    SLOW = "slow"
    """The right reply after `Fault.pause_s`."""
    DROPPED = "dropped"
    """The connection is closed without a byte."""
    TRUNCATED_BODY = "truncated_body"
    """Half of the reply, then the connection is dropped, short of the length that was announced."""
    TRUNCATED_STREAM = "truncated_stream"
    """The reply without its second half, ended as if it were whole."""
    CUT_STREAM = "cut_stream"
    """Half of the reply, sent in chunks, then the connection is dropped."""
    MALFORMED_JSON = "malformed_json"
    UNKNOWN_SHAPE = "unknown_shape"
    """Valid JSON in which no answer can be found where the wire promises it."""
    EXTRA_FIELDS = "extra_fields"
    """The right reply with fields that nobody knows: no fault, providers do that."""
    WRONG_CONTENT_TYPE = "wrong_content_type"
    """A web page with status 200, as a captive portal sends."""
    REDIRECT = "redirect"
    """307 to `Fault.text`."""
    KEY_ECHO = "key_echo"
    """400 whose text holds the key that was sent."""
    KEY_ECHO_REPLY = "key_echo_reply"
    """A valid reply whose text holds the key that was sent."""
    ENDLESS_STREAM = "endless_stream"
    """Events without end."""
    ABSURD_USAGE = "absurd_usage"
    """The right reply with impossible token counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and its particulars."""

    kind: FaultKind
    retry_after: str | None = None
    """The Retry-After header: seconds or an HTTP date."""
    pause_s: float = 0.05
    """For TRICKLE and SLOW."""
    piece_bytes: int = 1
    """For TRICKLE."""
    text: str = "scripted fault"
    """The error's text, or the address of a redirect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """The request that is answered wrongly, and its right answer."""

    http: HttpRequest
    wire: Wire
    request: ModelRequest
    reply: ModelReply
    right: bytes
    """The right reply's body."""
    content_type: str


_REFUSALS = {
    FaultKind.UNAUTHORIZED: 401,
    FaultKind.FORBIDDEN: 403,
    FaultKind.BAD_REQUEST: 400,
    FaultKind.RATE_LIMIT: 429,
    FaultKind.SERVER_ERROR: 500,
    FaultKind.OVERLOADED: 503,
    FaultKind.KEY_ECHO: 400,
}


async def misbehave(fault: Fault, faulty: Faulty) -> HttpResponse:
    """Answer a request as the fault says."""
    if fault.kind in _REFUSALS:
        return _refuse(fault, faulty)
    if fault.kind is FaultKind.HANG:
        await asyncio.Event().wait()
    if fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.pause_s)
        return _body(faulty, faulty.right)
    if fault.kind is FaultKind.REDIRECT:
        return HttpResponse(status=307, headers={"location": fault.text})
    if fault.kind is FaultKind.WRONG_CONTENT_TYPE:
        return HttpResponse(body=b"<html><body>Please log in</body></html>", content_type="text/html")
    if fault.kind in _BODIES:
        return _body(faulty, _BODIES[fault.kind](faulty))
    headers = {}
    if fault.kind in {FaultKind.TRUNCATED_BODY, FaultKind.TRICKLE}:
        headers["content-length"] = str(len(faulty.right))
    chunks = _chunks(fault, faulty)
    return HttpResponse(chunks=chunks, content_type=faulty.content_type, headers=headers)


def _refuse(fault: Fault, faulty: Faulty) -> HttpResponse:
    status = _REFUSALS[fault.kind]
    text = fault.text
    if fault.kind is FaultKind.KEY_ECHO:
        text = f"Incorrect API key provided: {_key(faulty)}."
    headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    body = json.dumps(faulty.wire.render_error(status, text)).encode()
    return HttpResponse(status=status, body=body, headers=headers)


def _body(faulty: Faulty, body: bytes) -> HttpResponse:
    return HttpResponse(body=body, content_type=faulty.content_type)


def _key(faulty: Faulty) -> str:
    return given_token(faulty.http.headers, faulty.http.query)


def _halved_events(faulty: Faulty) -> bytes:
    """The reply up to the event in its middle; for a reply that is no stream, half of its bytes."""
    events = faulty.right.split(b"\n\n")
    if not faulty.request.stream or len(events) < 3:
        return faulty.right[: len(faulty.right) // 2]
    return b"\n\n".join(events[: len(events) // 2]) + b"\n\n"


def _malformed(faulty: Faulty) -> bytes:
    if faulty.request.stream:
        return b'data: {"choices": [{"delta": \n\n' + faulty.right
    return faulty.right[:-2] + b"]"


def _unknown_shape(faulty: Faulty) -> bytes:
    shape = json.dumps({"result": {"output_text": faulty.reply.text}, "version": 9})
    return f"data: {shape}\n\n".encode() if faulty.request.stream else shape.encode()


def _edited(faulty: Faulty, edit: Callable[[Any], Any]) -> bytes:
    """The right reply with every JSON document in it edited."""
    if not faulty.request.stream:
        return json.dumps(edit(json.loads(faulty.right))).encode()
    lines = []
    for line in faulty.right.split(b"\n"):
        if line.startswith(b"data: {"):
            line = b"data: " + json.dumps(edit(json.loads(line[6:]))).encode()
        lines.append(line)
    return b"\n".join(lines)


def _with_extras(document: Any) -> Any:
    return {**document, "x_provider_extra": {"nested": [1, {"new": True}]}, "service_tier": "unheard-of"}


def _absurd(value: Any, name: str = "") -> Any:
    """The same document with every token count impossible."""
    if isinstance(value, dict):
        return {inner: _absurd(found, inner) for inner, found in value.items()}
    if isinstance(value, list):
        return [_absurd(found) for found in value]
    is_count = isinstance(value, int) and name.lower().endswith(("tokens", "tokencount"))
    return -(10**15) if is_count and "max" not in name.lower() else value


def _echoing(faulty: Faulty) -> bytes:
    return faulty.right.replace(faulty.reply.text.encode(), _key(faulty).encode())


_BODIES: dict[FaultKind, Callable[[Faulty], bytes]] = {
    FaultKind.TRUNCATED_STREAM: _halved_events,
    FaultKind.MALFORMED_JSON: _malformed,
    FaultKind.UNKNOWN_SHAPE: _unknown_shape,
    FaultKind.EXTRA_FIELDS: lambda faulty: _edited(faulty, _with_extras),
    FaultKind.ABSURD_USAGE: lambda faulty: _edited(faulty, _absurd),
    FaultKind.KEY_ECHO_REPLY: _echoing,
}


async def _chunks(fault: Fault, faulty: Faulty) -> AsyncGenerator[bytes, None]:
    """A body that is slow, endless, or breaks off."""
    if fault.kind is FaultKind.TRICKLE:
        for start in range(0, len(faulty.right), fault.piece_bytes):
            yield faulty.right[start : start + fault.piece_bytes]
            await asyncio.sleep(fault.pause_s)
        return
    if fault.kind is FaultKind.ENDLESS_STREAM:
        first = faulty.right.split(b"\n\n")[0] + b"\n\n"
        for _ in itertools.count():
            yield first if faulty.request.stream else b" " * 1024
            await asyncio.sleep(0)
    if fault.kind is not FaultKind.DROPPED:
        yield _halved_events(faulty)
        await asyncio.sleep(0.02)
    raise CutConnection
