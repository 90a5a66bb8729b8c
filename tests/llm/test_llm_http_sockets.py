"""The loopback server's sockets, and how it closes."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import plain_http
import pytest

from honing.llm.http import HttpLimits, HttpRequest, HttpResponse, HttpServer
from honing.llm.sockets import bind_unix


def test_a_unix_socket_serves_and_is_its_owners_alone(
    serve: Callable[..., HttpServer], tmp_path: Path
) -> None:
    server = serve(tcp=False, socket_path=tmp_path / "g.sock")
    assert server.socket is not None

    with plain_http.unix_client(server.socket) as client:
        reply = client.get("http://gateway/hello")

    assert (reply.text, server.port) == ("GET /hello {} 0", 0)
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
    server.close()
    assert list(tmp_path.iterdir()) == []


def test_a_socket_path_too_long_for_the_kernel_gets_a_short_one(
    serve: Callable[..., HttpServer], tmp_path: Path
) -> None:
    wanted = tmp_path / ("d" * 120) / "g.sock"
    server = serve(tcp=False, socket_path=wanted)
    assert server.socket is not None

    assert len(os.fsencode(server.socket)) <= 107
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    with plain_http.unix_client(server.socket) as client:
        assert client.get("http://gateway/").status_code == 200
    server.close()
    assert not server.socket.parent.exists() if server.socket else True


def test_a_socket_left_by_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()

    bound = bind_unix(path)

    assert (bound.path, path.is_socket()) == (path, True)
    bound.close()


def test_a_socket_in_use_and_a_foreign_file_are_not_replaced(tmp_path: Path) -> None:
    path, file = tmp_path / "g.sock", tmp_path / "file"
    file.write_text("mine")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()

        with pytest.raises(FileExistsError, match="another process is listening here"):
            bind_unix(path)
    with pytest.raises(FileExistsError, match="a file of another kind is in the way"):
        bind_unix(file)
    assert file.read_text() == "mine"


def test_closing_drops_open_connections_and_frees_the_port(serve: Callable[..., HttpServer]) -> None:
    async def forever(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(600)
        return HttpResponse()

    server = serve(forever)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        time.sleep(0.05)
        started = time.monotonic()
        server.close()
        took_s = time.monotonic() - started

        assert client.recv(10) == b""
    assert took_s < 1.0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_a_blocking_handler_that_never_returns_does_not_hold_up_closing(
    serve: Callable[..., HttpServer],
) -> None:
    release = threading.Event()

    def handler(request: HttpRequest) -> HttpResponse:
        release.wait(30)
        return HttpResponse()

    server = serve(handler, limits=HttpLimits(close_s=0.1))
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        time.sleep(0.05)
        started = time.monotonic()
        server.close()

    assert time.monotonic() - started < 1.5
    release.set()


def test_many_clients_at_once_each_get_their_own_answer(serve: Callable[..., HttpServer]) -> None:
    server = serve()
    found: dict[int, str] = {}

    def ask(n: int) -> None:
        with httpx2.Client(verify=False, trust_env=False) as client:
            for _ in range(5):
                found[n] = client.get(f"{server.base_url}/{n}").text

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {n: f"GET /{n} {{}} 0" for n in range(12)}
