"""Fixtures for the tests of model calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from honing.llm.http import HttpRequest, HttpResponse, HttpServer


async def echo(request: HttpRequest) -> HttpResponse:
    said = f"{request.method} {request.path} {dict(request.query)} {len(request.body)}"
    return HttpResponse(body=said.encode(), content_type="text/plain")


@pytest.fixture
def serve() -> Iterator[Callable[..., HttpServer]]:
    """Starts HTTP servers and closes them after the test; without a handler they say what they were asked."""
    servers: list[HttpServer] = []

    def start(handler: object = echo, **options: object) -> HttpServer:
        server = HttpServer(handler, **options).start()  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()
