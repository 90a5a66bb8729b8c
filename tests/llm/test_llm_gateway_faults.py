"""What every way in which a model server can misbehave ends in: a typed error and a record, never a reply."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import httpx2
import plain_http
import pytest
from gateway_line import CHAT, HASTY, KEY, LONG, ONCE, QUICK, WIRES, Line, line

from honing.llm import (
    EchoModel,
    ErrorKind,
    Fault,
    FaultKind,
    Gateway,
    GatewayConfig,
    Recording,
    ScriptedServer,
    Upstream,
)
from honing.llm.client import ClientConfig
from honing.llm.endpoint import Endpoint
from honing.llm.retrying import Backoff

FAULTS: list[tuple[FaultKind, int, ErrorKind, int]] = [
    (FaultKind.UNAUTHORIZED, 401, ErrorKind.AUTHENTICATION, 1),
    (FaultKind.FORBIDDEN, 403, ErrorKind.AUTHENTICATION, 1),
    (FaultKind.BAD_REQUEST, 400, ErrorKind.REFUSED, 1),
    (FaultKind.RATE_LIMIT, 429, ErrorKind.RATE_LIMIT, 2),
    (FaultKind.SERVER_ERROR, 500, ErrorKind.SERVER, 2),
    (FaultKind.OVERLOADED, 503, ErrorKind.SERVER, 2),
    (FaultKind.DROPPED, 502, ErrorKind.TRUNCATED, 3),
    (FaultKind.TRUNCATED_BODY, 502, ErrorKind.TRUNCATED, 2),
    (FaultKind.CUT_STREAM, 502, ErrorKind.TRUNCATED, 2),
    (FaultKind.MALFORMED_JSON, 502, ErrorKind.REPLY, 1),
    (FaultKind.UNKNOWN_SHAPE, 502, ErrorKind.REPLY, 1),
    (FaultKind.ABSURD_USAGE, 502, ErrorKind.REPLY, 1),
    (FaultKind.WRONG_CONTENT_TYPE, 502, ErrorKind.REPLY, 1),
    (FaultKind.REDIRECT, 502, ErrorKind.REDIRECT, 1),
    (FaultKind.KEY_ECHO, 400, ErrorKind.REFUSED, 1),
    (FaultKind.ENDLESS_STREAM, 502, ErrorKind.TOO_LARGE, 1),
]
"""Fault, status the caller sees, kind in the record, requests the server sees with one retry allowed. A kept
connection that is dropped is replaced besides, as it may have died of old age: hence three after a drop."""


@pytest.mark.parametrize("wire", WIRES)
def test_every_fault_ends_in_an_error_with_its_kind_and_never_in_a_reply(wire: str) -> None:
    faults = [Fault(kind=kind) for kind, *_, requests in FAULTS for _ in range(requests)]
    found = []
    with line(wire=wire, faults=faults) as caller:
        for _ in FAULTS:
            before = len(caller.server.requests)
            reply = caller.post(wire)
            call = caller.last()
            assert set(reply.json()) <= {"error", "type", "request_id"}
            assert (call.status, call.text, call.finish) == (reply.status_code, "", "")
            assert call.error_kind == reply.headers["x-honing-error"]
            assert KEY not in reply.text + call.error
            requests = caller.server.requests[before:]
            found.append(
                (requests[0].fault.kind, reply.status_code, ErrorKind(call.error_kind), len(requests))
            )
        last = caller.post(wire)

    assert found == FAULTS
    assert last.status_code == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_server_that_hangs_is_given_up_after_its_silence(*, stream: bool) -> None:
    impatient = ClientConfig(read_s=0.3, backoff=Backoff(retries=1, base_s=0.01))
    with line(faults=itertools.repeat(Fault(kind=FaultKind.HANG)), client=impatient) as caller:
        reply = caller.post(stream=stream)

        call = caller.last()

    assert (reply.status_code, call.error_kind, len(caller.server.requests)) == (504, "timeout", 2)
    assert call.error == "no complete reply within 0.3 s of silence"


def test_a_server_that_trickles_is_given_up_at_the_time_limit() -> None:
    with line(faults=itertools.repeat(Fault(kind=FaultKind.TRICKLE, pause_s=0.02)), client=HASTY) as caller:
        started = time.monotonic()
        reply = caller.post()
        took_s = time.monotonic() - started

    assert (reply.status_code, caller.last().error_kind) == (504, "timeout")
    assert took_s < 4.0


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with ScriptedServer(EchoModel()) as gone:
        endpoint = Endpoint(base_url=gone.base_url, wire="openai_chat", key=KEY)
    with Gateway() as gateway:
        channel = gateway.channel("c", Upstream(endpoint, QUICK))
        reply = plain_http.post(
            f"{gateway.base_url}/v1/chat/completions", json=CHAT, headers={"x-api-key": channel.token}
        )

    assert (reply.status_code, channel.calls()[0].error_kind) == (502, "unreachable")


@pytest.mark.parametrize(
    ("wire", "terminal", "error"),
    [
        ("openai_chat", b"data: [DONE]", b'{"error"'),
        ("openai_responses", b"event: response.completed", b"response.failed"),
        ("anthropic_messages", b"event: message_stop", b"event: error"),
        ("gemini", b'"finishReason"', b'{"error"'),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [FaultKind.TRUNCATED_BODY, FaultKind.TRUNCATED_STREAM, FaultKind.CUT_STREAM, FaultKind.ENDLESS_STREAM],
)
def test_a_stream_that_breaks_never_looks_complete(
    wire: str, terminal: bytes, error: bytes, fault: FaultKind
) -> None:
    with line(LONG, wire=wire, faults=[Fault(kind=fault)]) as caller:
        pieces, broken = caller.pieces(wire)
        call = caller.last()
    seen = b"".join(pieces)

    assert "without sending complete message body" in str(broken)
    assert (terminal in seen, error in seen) == (False, True)
    kind = ErrorKind.TOO_LARGE if fault is FaultKind.ENDLESS_STREAM else ErrorKind.TRUNCATED
    assert (call.error_kind, call.status, call.text, call.stream) == (kind, 502, "", True)
    assert call.charged_tokens > 0


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages"])
def test_what_arrived_before_a_stream_broke_is_passed_on(wire: str) -> None:
    with line(LONG, wire=wire, faults=[Fault(kind=FaultKind.CUT_STREAM)]) as caller:
        pieces, _ = caller.pieces(wire)

    assert b"a fairly long answer" in b"".join(pieces)


@pytest.mark.parametrize("fault", [FaultKind.MALFORMED_JSON, FaultKind.ABSURD_USAGE])
def test_a_stream_whose_first_event_is_unusable_is_answered_with_a_status(fault: FaultKind) -> None:
    with line(faults=[Fault(kind=fault)]) as caller:
        reply = caller.post(stream=True)

    assert (reply.status_code, caller.last().error_kind) == (502, "reply")


@pytest.mark.parametrize("server", WIRES)
def test_a_stream_that_breaks_on_its_way_to_another_wire_is_answered_with_a_status(server: str) -> None:
    wire = "gemini" if server == "openai_chat" else "openai_chat"
    with line(LONG, wire=server, faults=[Fault(kind=FaultKind.TRUNCATED_STREAM)]) as caller:
        reply = caller.post(wire, stream=True)

    assert (reply.status_code, caller.last().error_kind) == (502, "truncated")


def test_a_rate_limit_that_passes_is_waited_out_as_the_server_asks() -> None:
    with line(faults=[Fault(kind=FaultKind.RATE_LIMIT, retry_after="0.3")]) as caller:
        started = time.monotonic()
        reply = caller.post()
        took_s = time.monotonic() - started

    assert (reply.status_code, len(caller.server.requests), caller.channel.counts().calls) == (200, 2, 1)
    assert took_s >= 0.3


def test_a_rate_limit_that_stays_tells_the_caller_how_long_to_wait() -> None:
    with line(
        faults=itertools.repeat(Fault(kind=FaultKind.RATE_LIMIT, retry_after="7")), client=HASTY
    ) as caller:
        reply = caller.post()

    assert (reply.status_code, reply.headers["retry-after"], len(caller.server.requests)) == (429, "7", 1)


def test_a_caller_is_told_not_to_retry_what_was_retried_here() -> None:
    failing = itertools.repeat(Fault(kind=FaultKind.SERVER_ERROR))
    with line(faults=failing) as retried, line(faults=failing, client=ONCE) as once:
        replies = [caller.post() for caller in (retried, once)]

    assert [reply.headers.get("x-should-retry") for reply in replies] == ["false", None]
    assert [len(caller.server.requests) for caller in (retried, once)] == [2, 1]


def test_a_stream_that_broke_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    faults = [Fault(kind=FaultKind.TRUNCATED_STREAM)]
    with ScriptedServer(EchoModel(), faults=faults) as server, Gateway() as gateway:
        source = Recording(Upstream(Endpoint(base_url=server.base_url, wire="openai_chat")), path)
        caller = Line(gateway, gateway.channel("live", source), server)
        with pytest.raises(httpx2.RemoteProtocolError):
            caller.post(stream=True)

    assert path.read_bytes() == b""


def test_a_broken_stream_gives_its_place_back() -> None:
    faults = [Fault(kind=FaultKind.CUT_STREAM)] * 3
    with line(faults=faults, config=GatewayConfig(max_connections=1)) as caller:
        for _ in range(3):
            with pytest.raises(httpx2.RemoteProtocolError):
                caller.post(stream=True)

        assert caller.post(stream=True).status_code == 200


def test_a_caller_that_leaves_a_stream_is_recorded_and_gives_its_place_back() -> None:
    slow = Fault(kind=FaultKind.TRICKLE, pause_s=0.02, piece_bytes=200)
    one = GatewayConfig(max_connections=1)
    with line(LONG, faults=[slow], config=one, client=ClientConfig()) as caller:
        with plain_http.stream("POST", **caller.request("openai_chat", stream=True)) as reply:
            next(reply.iter_raw())
        after = caller.post()
        kinds = [call.error_kind for call in caller.channel.calls()]

    assert (after.status_code, kinds) == (200, ["caller_gone", ""])


def test_a_kept_connection_that_died_is_replaced_without_anyone_noticing() -> None:
    with line(client=ClientConfig(backoff=Backoff(retries=0))) as caller:
        first = caller.post()
        port = caller.server.port
        caller.server.close()
        caller.server = ScriptedServer(EchoModel(), port=port)
        with caller.server:
            second = caller.post()

    assert (first.status_code, second.status_code) == (200, 200)
