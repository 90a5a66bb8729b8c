"""Our own client behind the gateway: what a fault of the server becomes at the far end."""

from __future__ import annotations

import http.server
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gateway_line import HASTY, KEY, LONG, ONCE, QUICK, WIRES, line

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
    EchoModel,
    Fault,
    FaultKind,
    Gateway,
    Message,
    ModelReply,
    ModelRequest,
    Role,
    Sampling,
    ScriptedServer,
    Upstream,
)
from honing.llm.client import Client, ClientConfig
from honing.llm.endpoint import Endpoint
from honing.llm.retrying import Backoff

ASK = ModelRequest(model="m", messages=[Message(Role.USER, "hello")], sampling=Sampling(temperature=0.5))


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        (FaultKind.UNAUTHORIZED, ModelAuthenticationError, "authentication"),
        (FaultKind.RATE_LIMIT, ModelRateLimitError, "rate_limit"),
        (FaultKind.SERVER_ERROR, ModelServerError, "server"),
        (FaultKind.HANG, ModelTimeoutError, "timeout"),
        (FaultKind.DROPPED, ModelServerError, "truncated"),
        (FaultKind.TRUNCATED_BODY, ModelServerError, "truncated"),
        (FaultKind.MALFORMED_JSON, ModelServerError, "reply"),
        (FaultKind.UNKNOWN_SHAPE, ModelServerError, "reply"),
        (FaultKind.ABSURD_USAGE, ModelServerError, "reply"),
        (FaultKind.BAD_REQUEST, ModelRequestError, "refused"),
    ],
)
def test_a_fault_of_the_server_is_a_typed_error_for_our_client(
    fault: FaultKind, error: type[ModelError], kind: str
) -> None:
    limits = HASTY if fault is FaultKind.HANG else QUICK
    with line(faults=itertools.repeat(Fault(kind=fault)), client=limits) as caller:
        endpoint = Endpoint(base_url=caller.gateway.base_url, wire="openai_chat", key=caller.channel.token)
        with Client(endpoint, ONCE) as client, pytest.raises(error):
            client.complete(ASK)
        call = caller.last()

    assert (call.error_kind, call.text) == (kind, "")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", [FaultKind.TRUNCATED_STREAM, FaultKind.CUT_STREAM])
def test_a_stream_that_breaks_is_a_reply_error_for_our_client(wire: str, fault: FaultKind) -> None:
    ask = ModelRequest(model="m", messages=ASK.messages, stream=True)
    with line(LONG, wire=wire, faults=[Fault(kind=fault)]) as caller:
        endpoint = Endpoint(base_url=caller.gateway.base_url, wire=wire, key=caller.channel.token)
        with Client(endpoint, ONCE) as client, pytest.raises(ModelReplyError):
            client.complete(ask)

    assert caller.last().error_kind == "truncated"


def test_tags_and_extra_fields_of_a_reply_come_through_our_client() -> None:
    with line(faults=[Fault(kind=FaultKind.EXTRA_FIELDS)]) as caller:
        endpoint = Endpoint(base_url=caller.gateway.base_url, wire="openai_chat", key=caller.channel.token)
        with Client(endpoint, ONCE) as client:
            reply = client.complete(ASK, tags={"sample": "7"})
        call = caller.last()

    assert (reply.text, reply.sent) == ("hello", {"temperature": 0.5})
    assert (call.tag, call.requested, call.sent) == (
        '{"sample": "7"}',
        {"temperature": 0.5},
        {"temperature": 0.5},
    )


@contextmanager
def forward_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy for plain requests: its address, and the targets it was asked for."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            body = b'{"choices": [{"message": {"content": "by proxy"}, "finish_reason": "stop"}]}'
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            seen.append(self.path)
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("base_url", "target", "expected"),
    [
        ("http://models.invalid/v1", "http://models.invalid/v1/chat/completions", "by proxy"),
        ("https://models.invalid/v1", "models.invalid:443", "the proxy"),
    ],
    ids=["plain requests go to it whole", "https asks it for a tunnel"],
)
def test_a_forward_proxy_is_used_where_one_is_set(base_url: str, target: str, expected: str) -> None:
    with forward_proxy() as (proxy, seen), Gateway() as gateway:
        config = ClientConfig(proxy_url=proxy, backoff=Backoff(retries=0))
        upstream = Upstream(Endpoint(base_url=base_url, wire="openai_chat", key=KEY), config)
        channel = gateway.channel("c", upstream)
        endpoint = Endpoint(base_url=gateway.base_url, wire="openai_chat", key=channel.token)
        with Client(endpoint, ONCE) as client:
            try:
                found = client.complete(ASK).text
            except ModelServerError as error:
                found = str(error)

    assert expected in found
    assert seen == [target]


def test_one_upstream_serves_two_channels() -> None:
    with ScriptedServer(EchoModel()) as server, Gateway() as gateway:
        upstream = Upstream(Endpoint(base_url=server.base_url, wire="anthropic_messages", key=KEY), QUICK)
        found: list[ModelReply] = []
        for name in ("one", "two"):
            token = gateway.channel(name, upstream).token
            with Client(Endpoint(base_url=gateway.base_url, wire="gemini", key=token), ONCE) as client:
                found.append(client.complete(ASK))

        counts = [gateway.counts().ok, len(server.requests)]

    assert [reply.text for reply in found] == ["hello", "hello"]
    assert counts == [2, 2]
