"""The loopback server against well-behaved, slow, greedy and vanishing clients, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator

import httpx2
import plain_http
import pytest

from honing.llm.http import CutConnection, Delivery, HttpLimits, HttpRequest, HttpResponse, HttpServer


def raw(server: HttpServer, sent: bytes, *, wait_s: float = 5.0) -> bytes:
    """Everything the server answers to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait_s) as client:
        client.sendall(sent)
        found = b""
        while piece := client.recv(65536):
            found += piece
        return found


def wait_until(holds: Callable[[], bool], limit_s: float = 5.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


def test_a_request_arrives_with_its_path_query_and_body(serve: Callable[..., HttpServer]) -> None:
    server = serve()

    reply = plain_http.post(f"{server.base_url}/v1/a%20b?x=1&y=", content=b"12345")

    assert (reply.status_code, reply.text) == (200, "POST /v1/a b {'x': '1', 'y': ''} 5")


def test_one_connection_serves_many_requests(serve: Callable[..., HttpServer]) -> None:
    server = serve()
    one = b"GET /%d HTTP/1.1\r\nhost: h\r\n\r\n"
    last = b"GET /3 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"

    replies = raw(server, one % 1 + one % 2 + last)

    assert [line for line in replies.split(b"\r\n") if b"GET" in line] == [
        b"GET /1 {} 0HTTP/1.1 200 ",
        b"GET /2 {} 0HTTP/1.1 200 ",
        b"GET /3 {} 0",
    ]


def test_a_chunked_body_is_put_together(serve: Callable[..., HttpServer]) -> None:
    server = serve()

    def pieces() -> Iterator[bytes]:
        yield b"ab"
        yield b"cde"

    assert plain_http.post(server.base_url + "/", content=pieces()).text == "POST / {} 5"


def test_a_head_request_is_answered_without_a_body(serve: Callable[..., HttpServer]) -> None:
    reply = plain_http.head(serve().base_url + "/health")

    assert (reply.status_code, reply.content) == (200, b"")


def test_a_client_that_asks_for_leave_to_send_gets_it(serve: Callable[..., HttpServer]) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n"
            b"expect: 100-continue\r\nconnection: close\r\n\r\n"
        )
        leave = client.recv(100)
        client.sendall(b"hi")
        reply = client.recv(1000)

    assert leave.startswith(b"HTTP/1.1 100 ")
    assert reply.endswith(b"POST / {} 2")


def test_a_plain_function_runs_on_a_thread_and_does_not_stop_the_others(
    serve: Callable[..., HttpServer],
) -> None:
    gate = threading.Event()

    def handler(request: HttpRequest) -> HttpResponse:
        if request.path == "/slow":
            gate.wait(5)
        return HttpResponse(body=request.path.encode())

    server = serve(handler)
    slow: list[str] = []
    waiting = threading.Thread(target=lambda: slow.append(plain_http.get(server.base_url + "/slow").text))
    waiting.start()
    fast = plain_http.get(server.base_url + "/fast").text
    before = list(slow)
    gate.set()
    waiting.join()

    assert (fast, before, slow) == ("/fast", [], ["/slow"])


def test_a_handler_that_raises_is_answered_500_and_the_server_lives_on(
    serve: Callable[..., HttpServer],
) -> None:
    async def handler(request: HttpRequest) -> HttpResponse:
        if request.path == "/bad":
            raise LookupError("a detail that callers must not see")
        return HttpResponse(body=b"fine")

    server = serve(handler)

    bad = plain_http.get(server.base_url + "/bad")

    assert (bad.status_code, bad.text) == (500, "the server failed: LookupError\n")
    assert plain_http.get(server.base_url + "/ok").text == "fine"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2000, b"413"),
        (b"GET / HTTP/1.1\r\nhost: h\r\na: " + b"y" * 5000, b"431"),
    ],
    ids=[
        "not HTTP",
        "no host",
        "a length that is no number",
        "a body declared too long",
        "a chunked body too long",
        "endless headers",
    ],
)
def test_a_request_that_cannot_be_served_is_answered_and_dropped(
    serve: Callable[..., HttpServer], sent: bytes, status: bytes
) -> None:
    server = serve(limits=HttpLimits(body_bytes=1000, header_bytes=4000))

    assert raw(server, sent).split(b" ")[1] == status
    assert plain_http.get(server.base_url + "/ok").status_code == 200


def test_a_client_that_trickles_its_request_is_dropped_at_the_limit(serve: Callable[..., HttpServer]) -> None:
    server = serve(limits=HttpLimits(request_s=0.3))
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: h\r\n")
        found = b""
        for _ in range(100):
            try:
                client.sendall(b"x")
                client.settimeout(0.05)
                found = client.recv(1000)
                break
            except TimeoutError:
                continue

    assert found.startswith(b"HTTP/1.1 408 ")
    assert 0.25 < time.monotonic() - started < 3.0


def test_a_silent_connection_is_dropped_without_an_answer(serve: Callable[..., HttpServer]) -> None:
    assert raw(serve(limits=HttpLimits(idle_s=0.2)), b"") == b""


def test_one_connection_too_many_is_turned_away(serve: Callable[..., HttpServer]) -> None:
    server = serve(limits=HttpLimits(connections=1))
    with socket.create_connection(("127.0.0.1", server.port)) as first:
        first.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        assert first.recv(1000).startswith(b"HTTP/1.1 200 ")
        second = raw(server, b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")

    assert second.startswith(b"HTTP/1.1 503 ")


def streaming(
    ended: list[Delivery], *, cut: bool = False, pieces: int = 3
) -> Callable[[HttpRequest], object]:
    async def handler(request: HttpRequest) -> HttpResponse:
        async def chunks() -> AsyncGenerator[bytes, None]:
            for n in range(pieces):
                yield f"data: {n}\n\n".encode()
                await asyncio.sleep(0.01)
            if cut:
                raise CutConnection

        return HttpResponse(chunks=chunks(), content_type="text/event-stream", sent=ended.append)

    return handler


def test_a_stream_arrives_whole_and_its_end_is_told(serve: Callable[..., HttpServer]) -> None:
    ended: list[Delivery] = []
    server = serve(streaming(ended))

    reply = plain_http.get(server.base_url + "/")

    assert (reply.text, reply.headers["content-type"]) == (
        "data: 0\n\ndata: 1\n\ndata: 2\n\n",
        "text/event-stream",
    )
    assert wait_until(lambda: ended == [Delivery.COMPLETE])


def test_a_stream_that_is_cut_does_not_look_complete(serve: Callable[..., HttpServer]) -> None:
    ended: list[Delivery] = []
    server = serve(streaming(ended, cut=True))

    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        plain_http.get(server.base_url + "/")

    assert ended == [Delivery.CUT]


def test_a_stream_that_is_cut_for_an_old_client_is_reset(serve: Callable[..., HttpServer]) -> None:
    server = serve(streaming([], cut=True))

    with pytest.raises(ConnectionResetError):
        raw(server, b"GET / HTTP/1.0\r\n\r\n")


def test_a_reader_that_leaves_ends_the_stream(serve: Callable[..., HttpServer]) -> None:
    ended: list[Delivery] = []
    server = serve(streaming(ended, pieces=100_000))
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        client.recv(100)

    assert wait_until(lambda: ended == [Delivery.GONE])


def test_a_reader_that_takes_nothing_is_dropped(serve: Callable[..., HttpServer]) -> None:
    ended: list[Delivery] = []

    async def handler(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=b"x" * 20_000_000, sent=ended.append)

    server = serve(handler, limits=HttpLimits(write_s=0.3))
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")

        assert wait_until(lambda: ended == [Delivery.GONE])


def test_a_caller_that_leaves_cancels_the_handler(serve: Callable[..., HttpServer]) -> None:
    cancelled = threading.Event()

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return HttpResponse()

    server = serve(handler)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        time.sleep(0.05)

    assert cancelled.wait(5)
