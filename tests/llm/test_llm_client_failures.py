"""Every way a model server can fail ends in its typed error, within its limit, and never in a reply."""

from __future__ import annotations

import itertools
import time
import traceback
from dataclasses import replace

import pytest
from loopback import ANSWER, QUESTION, RawServer, SkippingClock, http, trickled

from honing.errors import (
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from honing.llm import (
    WIRES,
    Backoff,
    Client,
    ClientConfig,
    Endpoint,
    Fault,
    FaultKind,
    ModelRequest,
    ScriptedModel,
    ScriptedServer,
    Wire,
    wire_named,
)

KEY = "sk-canary-3141592653589793"
each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
streamed_or_not = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
QUICK = ClientConfig(read_s=5.0, attempt_s=5.0, total_s=10.0, backoff=Backoff(retries=2, base_s=0.01))
HURRIED = ClientConfig(read_s=5.0, attempt_s=0.2, total_s=0.5, backoff=Backoff(retries=9, base_s=0.01))
SSE = "text/event-stream"


def client(base_url: str, wire: Wire = WIRES[0], config: ClientConfig = QUICK) -> Client:
    return Client(Endpoint(base_url=base_url, wire=wire.name, key=KEY), config)


def asked(fault: Fault, wire: Wire = WIRES[0], *, stream: bool = False) -> tuple[ModelError, int]:
    """The error of one call to a server that answers every call wrongly, and how often it was asked."""
    faults = itertools.repeat(fault)
    with ScriptedServer(always(), faults=faults) as server, client(server.base_url, wire) as one:
        return failure(one, replace(QUESTION, stream=stream)), len(server.requests)


def always() -> ScriptedModel:
    return ScriptedModel(lambda _: ANSWER)


def failure(one: Client, request: ModelRequest = QUESTION) -> ModelError:
    with pytest.raises(ModelError) as caught:
        one.complete(request)
    return caught.value


@each_wire
@streamed_or_not
@pytest.mark.parametrize(
    ("kind", "expected", "calls"),
    [
        (FaultKind.UNAUTHORIZED, ModelAuthenticationError, 1),
        (FaultKind.FORBIDDEN, ModelAuthenticationError, 1),
        (FaultKind.BAD_REQUEST, ModelRequestError, 1),
        (FaultKind.RATE_LIMIT, ModelRateLimitError, 3),
        (FaultKind.SERVER_ERROR, ModelServerError, 3),
        (FaultKind.OVERLOADED, ModelServerError, 3),
        (FaultKind.DROPPED, ModelServerError, 3),
        (FaultKind.TRUNCATED_BODY, ModelReplyError, 3),
        (FaultKind.CUT_STREAM, ModelReplyError, 3),
        (FaultKind.MALFORMED_JSON, ModelReplyError, 1),
        (FaultKind.UNKNOWN_SHAPE, ModelReplyError, None),
        (FaultKind.WRONG_CONTENT_TYPE, ModelReplyError, 1),
        (FaultKind.ABSURD_USAGE, ModelReplyError, 1),
    ],
)
def test_a_failing_server_is_named_by_its_fault(
    wire: Wire, kind: FaultKind, expected: type[ModelError], calls: int | None, *, stream: bool
) -> None:
    error, asked_times = asked(Fault(kind=kind), wire, stream=stream)

    assert type(error) is expected
    assert str(error).startswith("scripted at 127.0.0.1:")
    assert calls in (None, asked_times)


@each_wire
def test_a_stream_that_stops_early_is_asked_for_again_and_never_a_reply(wire: Wire) -> None:
    error, calls = asked(Fault(kind=FaultKind.TRUNCATED_STREAM), wire, stream=True)

    assert (type(error), calls) == (ModelReplyError, 3)


@each_wire
@streamed_or_not
def test_fields_nobody_knows_beside_a_whole_answer_are_no_fault(wire: Wire, *, stream: bool) -> None:
    faults = [Fault(kind=FaultKind.EXTRA_FIELDS)]
    with ScriptedServer(always(), faults=faults) as server, client(server.base_url, wire) as one:
        reply = one.complete(replace(QUESTION, stream=stream))

    assert replace(reply, requested={}, sent={}) == ANSWER


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.TRICKLE], ids=["hangs", "trickles"])
@streamed_or_not
def test_a_server_that_does_not_finish_is_left_at_the_time_limit(kind: FaultKind, *, stream: bool) -> None:
    faults = itertools.repeat(Fault(kind=kind, pause_s=0.02))
    started = time.monotonic()
    with (
        ScriptedServer(always(), faults=faults) as server,
        client(server.base_url, config=HURRIED) as one,
    ):
        error = failure(one, replace(QUESTION, stream=stream))
        took_s = time.monotonic() - started

    assert type(error) is ModelTimeoutError
    assert took_s < HURRIED.total_s + 3.0


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-filler: ",
        b"HTTP/1.1 500 No\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n{",
    ],
    ids=["its headers", "its error"],
)
def test_a_server_that_trickles_more_than_its_reply_is_left_at_the_time_limit(head: bytes) -> None:
    started = time.monotonic()
    with (
        RawServer([trickled(head, pause_s=0.002)] * 9) as server,
        client(server.base_url, config=HURRIED) as one,
    ):
        error = failure(one)
        took_s = time.monotonic() - started

    assert type(error) is ModelTimeoutError
    assert took_s < HURRIED.total_s + 3.0


def test_nobody_listening_is_a_server_error() -> None:
    with RawServer([]) as server:
        address = server.base_url
    with client(address) as one:
        error = failure(one)

    assert type(error) is ModelServerError
    assert "cannot be reached" in str(error)


@streamed_or_not
def test_a_reply_without_end_is_refused_at_its_size(*, stream: bool) -> None:
    faults = itertools.repeat(Fault(kind=FaultKind.ENDLESS_STREAM))
    config = replace(QUICK, reply_bytes=100_000)
    with ScriptedServer(always(), faults=faults) as server, client(server.base_url, config=config) as one:
        error = failure(one, replace(QUESTION, stream=stream))
        calls = len(server.requests)

    assert (type(error), calls) == (ModelReplyError, 1)
    assert "longer than the limit of 100000 bytes" in str(error)


def test_an_error_page_without_end_is_read_no_further_than_needed() -> None:
    page = b"HTTP/1.1 400 No\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n" + b"<p>no</p>" * 100_000
    with RawServer([page]) as server, client(server.base_url) as one:
        error = failure(one)

    assert type(error) is ModelRequestError
    assert len(str(error)) < 1500


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_does_not_follow(status: int) -> None:
    with ScriptedServer(always()) as other:
        moved = http(status, b"", headers=f"location: {other.base_url}/v1/chat/completions\r\n")
        with RawServer([moved]) as server, client(server.base_url) as one:
            error = failure(one)

        assert type(error) is ModelRequestError
        assert other.base_url in str(error)
        assert other.requests == []


@each_wire
@pytest.mark.parametrize("kind", [FaultKind.KEY_ECHO, FaultKind.UNAUTHORIZED])
def test_the_key_is_in_no_error(wire: Wire, kind: FaultKind) -> None:
    with (
        ScriptedServer(always(), faults=[Fault(kind=kind, text=f"key {KEY} is not valid")]) as server,
        client(server.base_url, wire) as one,
    ):
        error = failure(one)
        shown = "".join(traceback.format_exception(error)) + repr(one.endpoint) + repr(one.__dict__)

        assert server.requests[0].key == KEY

    assert "[key removed]" in str(error)
    assert not any(KEY[i : i + 8] in shown for i in range(len(KEY) - 7))


def test_the_key_is_in_no_error_about_a_reply_that_repeats_it() -> None:
    echo = {"choices": [{"message": {"content": [{"type": KEY}]}, "finish_reason": "stop"}]}
    with RawServer([http(200, echo)]) as server, client(server.base_url) as one:
        error = failure(one)

    assert type(error) is ModelReplyError
    assert KEY[3:] not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (http(200, b'{"choices": ['), ModelReplyError, "malformed JSON"),
        (http(200, b"[]"), ModelReplyError, "expected the reply to be a JSON object, found list"),
        (http(200, b'{"choices": NaN}'), ModelReplyError, "NaN is not JSON"),
        (http(200, b"\xff\xfe"), ModelReplyError, "malformed JSON"),
        (http(200, b"[" * 200_000), ModelReplyError, "malformed JSON"),
        (http(204, b""), ModelReplyError, "malformed JSON"),
        (http(200, {}, headers="content-encoding: gzip\r\n"), ModelReplyError, "compression is damaged"),
        (http(200, {}, kind="text/plain"), ModelReplyError, "found text/plain"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", ModelReplyError, "found nothing"),
        (http(404, {"detail": "Not Found"}), ModelRequestError, "HTTP 404: Not Found"),
        (http(418, b"plain words"), ModelRequestError, "HTTP 418: plain words"),
        (http(400, [{"error": {"message": "in a list"}}]), ModelRequestError, "HTTP 400: in a list"),
    ],
)
def test_an_answer_that_is_no_reply_says_what_it_is(
    answer: bytes, expected: type[ModelError], said: str
) -> None:
    with RawServer([answer]) as server, client(server.base_url) as one:
        error = failure(one)

    assert type(error) is expected
    assert said in str(error)


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-le"],
    ids=["nothing", "another protocol", "half a header"],
)
def test_what_is_no_http_is_a_server_error_after_every_retry(answer: bytes) -> None:
    with RawServer([answer] * 3) as server, client(server.base_url) as one:
        error = failure(one)
        calls = len(server.requests)

    assert (type(error), calls) == (ModelServerError, 3)


def test_an_error_event_ends_a_stream_that_began_well() -> None:
    wire = wire_named("anthropic_messages")
    events = list(wire.render_stream(ANSWER, QUESTION))
    stream = b"".join(events[:3]) + wire.render_stream_error(529, f"overloaded, {KEY}")
    with (
        RawServer([http(200, stream, kind=SSE)]) as server,
        client(server.base_url, wire) as one,
    ):
        error = failure(one, replace(QUESTION, stream=True))

    assert type(error) is ModelReplyError
    assert "overloaded, [key removed]" in str(error)


def test_a_quota_that_is_spent_is_not_asked_for_again() -> None:
    spent = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with RawServer([http(429, spent)]) as server, client(server.base_url) as one:
        error = failure(one)

    assert type(error) is ModelRateLimitError


def test_a_wait_longer_than_the_limit_is_not_begun() -> None:
    faults = [Fault(kind=FaultKind.RATE_LIMIT, retry_after="3600")]
    skipping = SkippingClock()
    with ScriptedServer(always(), faults=faults) as server:
        endpoint = Endpoint(base_url=server.base_url, wire="openai_chat", key=KEY)
        with Client(endpoint, QUICK, clock=skipping.clock()) as one:
            error = failure(one)

    assert type(error) is ModelRateLimitError
    assert "another attempt in 3600.0 s would pass the limit of 10 s" in str(error)
    assert skipping.slept == []
