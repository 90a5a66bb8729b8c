"""What a caller of the gateway is sent: a reply, a stream as it arrives, or an error in the shape of its
wire."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.http import CutConnection, Delivery, HttpResponse
from honing.llm.opencall import OpenCall
from honing.llm.sources import Answer, Relay
from honing.llm.wires import Wire

_EVENTS = "text/event-stream"


def as_json(status: int, body: Any) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps(body, ensure_ascii=False).encode())


def refusal(wire: Wire, error: CallFailedError) -> HttpResponse:
    """An error as the caller's wire shapes it. Its kind stands in the header `x-honing-error`."""
    headers = {"x-honing-error": error.kind.value}
    if error.final:
        headers["x-should-retry"] = "false"
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    body = json.dumps(wire.render_error(error.status, str(error)), ensure_ascii=False)
    return HttpResponse(status=error.status, body=body.encode(), headers=headers)


def caller_gone() -> CallFailedError:
    return CallFailedError(ErrorKind.CALLER_GONE, "the caller left before the reply was complete")


def whole(opened: OpenCall, answer: Answer) -> HttpResponse:
    """Record a reply that is there in full, and send it: as the server wrote it, or rendered."""
    call, reply = opened.call, answer.reply
    assert reply is not None, "a source gives a reply or a relay"
    streamed = call.request.stream
    if answer.raw:
        body = answer.raw
    elif streamed:
        body = b"".join(call.wire.render_stream(reply, call.request))
    else:
        body = json.dumps(call.wire.render_reply(reply, call.request), ensure_ascii=False).encode()
    opened.succeeded(reply, answer.raw, streamed=answer.streamed)
    return HttpResponse(body=body, content_type=_EVENTS if streamed else "application/json")


def relaying(opened: OpenCall, relay: Relay) -> HttpResponse:
    """Send a stream while it arrives."""

    def sent(delivery: Delivery) -> None:
        if opened.open:
            opened.failed(caller_gone(), relayed=relay.raw)
        relay.drop()

    return HttpResponse(chunks=_relay(opened, relay), content_type=_EVENTS, sent=sent)


async def _relay(opened: OpenCall, relay: Relay) -> AsyncGenerator[bytes, None]:
    """The stream's events, the last piece held back until the reply is known to be whole and is written down.

    So a caller that leaves as soon as it has seen the end finds its call recorded, and a stream that broke
    never shows the event that would make it look complete.
    """
    held = b""
    try:
        async with aclosing(relay.pieces()) as pieces:
            async for piece in pieces:
                if held:
                    yield held
                held = piece
        opened.succeeded(relay.finish(), relay.raw, streamed=True)
    except CallFailedError as error:
        opened.failed(error, relayed=relay.raw)
        if error.kind is ErrorKind.TRUNCATED and held:
            yield held  # no terminal event has been seen, so there is none in it
        yield opened.call.wire.render_stream_error(error.status, str(error))
        raise CutConnection from error
    yield held
