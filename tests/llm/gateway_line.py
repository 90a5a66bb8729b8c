"""A caller, a gateway and a scripted model server in a row, for the tests of the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import plain_http

from honing.llm import (
    CallRecord,
    Channel,
    EchoModel,
    Gateway,
    GatewayConfig,
    ScriptedModel,
    ScriptedServer,
    Upstream,
)
from honing.llm.client import ClientConfig
from honing.llm.endpoint import Endpoint
from honing.llm.retrying import Backoff

KEY = "canary7f3a9c51d2e84b60"
"""Of no known shape, so that it is found only by who knows it."""
WIRES = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}
BODIES: dict[str, dict[str, Any]] = {
    "openai_chat": CHAT,
    "openai_responses": {"model": "m", "input": "hello"},
    "anthropic_messages": {**CHAT, "max_tokens": 50},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
}
ONCE = ClientConfig(backoff=Backoff(retries=0))
LONG = ScriptedModel.of_rules([], default="a fairly long answer " * 20)
QUICK = ClientConfig(reply_bytes=40_000, backoff=Backoff(retries=1, base_s=0.01))
HASTY = ClientConfig(read_s=0.3, attempt_s=0.6, total_s=1.2, backoff=Backoff(retries=1, base_s=0.01))
"""For servers that are slow on purpose; too short for others on a busy machine."""


@dataclass
class Line:
    """A caller's end of a gateway whose other end is a scripted server."""

    gateway: Gateway
    channel: Channel
    server: ScriptedServer

    def request(self, wire: str, body: Any = None, *, stream: bool = False) -> dict[str, Any]:
        """The arguments for httpx2 that make a call of this wire."""
        sent = dict(BODIES[wire] if body is None else body)
        path = PATHS[wire]
        if stream and wire == "gemini":
            path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
        elif stream:
            sent["stream"] = True
        headers = {"x-api-key": self.channel.token}
        return {"url": self.gateway.base_url + path, "json": sent, "headers": headers, "timeout": 20}

    def post(
        self, wire: str = "openai_chat", body: Any = None, *, stream: bool = False, **headers: str
    ) -> httpx2.Response:
        """Call and read the whole reply; header names with _ for -."""
        arguments = self.request(wire, body, stream=stream)
        arguments["headers"].update({name.replace("_", "-"): value for name, value in headers.items()})
        return plain_http.post(**arguments)

    def pieces(self, wire: str = "openai_chat") -> tuple[list[bytes], Exception | None]:
        """What a streamed call receives before it ends or breaks, and how it breaks."""
        found: list[bytes] = []
        with plain_http.stream("POST", **self.request(wire, stream=True)) as reply:
            try:
                for piece in reply.iter_raw():
                    found.append(piece)
            except httpx2.RemoteProtocolError as error:
                return found, error
        return found, None

    def last(self) -> CallRecord:
        return self.channel.calls()[-1]


@contextmanager
def line(
    answerer: Any = None,
    *,
    wire: str = "openai_chat",
    faults: Any = (),
    model: str | None = None,
    config: GatewayConfig | None = None,
    client: ClientConfig = QUICK,
) -> Iterator[Line]:
    with ScriptedServer(answerer or EchoModel(), faults=faults, key=KEY) as server:
        endpoint = Endpoint(base_url=server.base_url, wire=wire, key=KEY)
        with Gateway(config or GatewayConfig(price=lambda name, usage: None)) as gateway:
            yield Line(gateway, gateway.channel("c", Upstream(endpoint, client, model=model)), server)
