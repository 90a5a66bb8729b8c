"""A model server on this machine that plays a script on all four wires, and misbehaves on schedule.

What reads it cannot tell it from a provider: it is a real server, with streaming, error shapes and broken
connections.
"""

from __future__ import annotations

import argparse
import json
import signal
import ssl
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from honing.errors import ModelRequestError, UsageError
from honing.llm.base import Answerer, ModelRequest
from honing.llm.failures import as_call_failed
from honing.llm.faults import Fault, Faulty, misbehave
from honing.llm.http import HttpLimits, HttpRequest, HttpResponse, HttpServer
from honing.llm.routes import Job, Route, find_route, given_token, render_models, render_token_count
from honing.llm.scripted import load_script


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One model call as it arrived."""

    wire: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    key: str
    """The key that was sent, wherever the wire puts it."""
    body: Any
    """The JSON body; None where it is none."""
    request: ModelRequest | None
    """The same in the neutral form; None where the wire cannot read it."""
    fault: Fault | None


class ScriptedServer:
    """A context manager that serves an answerer over HTTP.

    Args:
        answerer: Makes the right answers.
        faults: One for each model call in the order of arrival, None for a right answer; all right after its
            end. `itertools.repeat(fault)` makes every answer wrong.
        key: Calls with another key are answered 401; None takes any.
        models: What /v1/models lists.
        port: Loopback port; 0 takes a free one.
        socket_path: A Unix socket to serve as well.
        tls: Serve https.
    """

    def __init__(
        self,
        answerer: Answerer,
        *,
        faults: Iterable[Fault | None] = (),
        key: str | None = None,
        models: Sequence[str] = ("scripted",),
        port: int = 0,
        socket_path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Received] = []
        """Model calls so far, in the order of arrival."""
        self._answerer = answerer
        self._faults = iter(faults)
        self._key = key
        self._models = list(models)
        # A scripted server is read by tests that count on seeing every byte: it drops nobody for being slow.
        limits = HttpLimits(idle_s=600.0, request_s=600.0)
        self._server = HttpServer(self._handle, limits=limits, port=port, socket_path=socket_path, tls=tls)

    @property
    def base_url(self) -> str:
        """Root address, without /v1."""
        return self._server.base_url

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> Self:
        self._server.start()
        return self

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _handle(self, http: HttpRequest) -> HttpResponse:
        route = find_route(http.method, http.path, http.headers)
        if route.job is Job.CALL:
            return await self._call(http, route)
        if route.job is Job.HEALTH:
            return _document({"status": "ok"})
        if route.job is Job.COUNT_TOKENS:
            return _document(render_token_count(route.wire, _json_or_none(http.body)))
        found = render_models(route.wire, self._models, route.model) if route.job is Job.MODELS else None
        return _refused(route, 404, f"nothing at {http.path}") if found is None else _document(found)

    async def _call(self, http: HttpRequest, route: Route) -> HttpResponse:
        fault = next(self._faults, None)
        received = _received(http, route, fault)
        self.requests.append(received)
        if self._key is not None and received.key != self._key:
            return _refused(route, 401, "the key is not valid")
        request = received.request
        if request is None:
            return _refused(route, 400, "the request cannot be read")
        try:
            reply = await self._server.workers.run(lambda: self._answerer.answer(request))
        except Exception as error:  # noqa: BLE001 - the boundary to an answerer that may do anything
            failed = as_call_failed(error)
            return _refused(route, failed.status, str(failed))
        if request.stream:
            right, kind = b"".join(route.wire.render_stream(reply, request)), "text/event-stream"
        else:
            right, kind = json.dumps(route.wire.render_reply(reply, request)).encode(), "application/json"
        if fault is None:
            return HttpResponse(body=right, content_type=kind)
        faulty = Faulty(
            http=http, wire=route.wire, request=request, reply=reply, right=right, content_type=kind
        )
        return await misbehave(fault, faulty)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a script until SIGTERM or Ctrl-C: `... --script FILE --port N`."""
    parser = argparse.ArgumentParser(prog="python -m honing.llm.scripted_server", description=main.__doc__)
    parser.add_argument("--script", type=Path, required=True, help="JSON file, see load_script")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--socket", type=Path, default=None, help="a Unix socket to serve as well")
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = ScriptedServer(
            load_script(options.script), port=options.port, socket_path=options.socket
        ).start()
    except (UsageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return UsageError.exit_code
    sys.stdout.write(f"{server.base_url}\n")
    sys.stdout.flush()
    stop.wait()
    server.close()
    return 0


def _received(http: HttpRequest, route: Route, fault: Fault | None) -> Received:
    body = _json_or_none(http.body)
    request = None
    if isinstance(body, dict):
        try:
            request = route.wire.parse_request(http.path, body)
        except ModelRequestError:
            request = None
    return Received(
        wire=route.wire.name,
        path=http.path,
        query=http.query,
        headers=http.headers,
        key=given_token(http.headers, http.query),
        body=body,
        request=request,
        fault=fault,
    )


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _document(found: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(body=json.dumps(found).encode())


def _refused(route: Route, status: int, text: str) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps(route.wire.render_error(status, text)).encode())


if __name__ == "__main__":
    raise SystemExit(main())
