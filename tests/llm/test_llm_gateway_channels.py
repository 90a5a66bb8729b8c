"""The gateway's channels over real HTTP: tokens, endpoints, records, budgets, the log, record and replay."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import plain_http
import pytest

from honing.errors import ModelRateLimitError, ModelTimeoutError, UsageError
from honing.llm import (
    Answering,
    CallRecord,
    Channel,
    Counts,
    EchoModel,
    ErrorKind,
    Gateway,
    GatewayConfig,
    ModelRequest,
    ScriptedModel,
    Usage,
)

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
CALLS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "openai_chat": ("/v1/chat/completions", CHAT),
    "openai_responses": ("/v1/responses", {"model": "m", "input": "hello"}),
    "anthropic_messages": ("/v1/messages", {**CHAT, "max_tokens": 50}),
    "gemini": (
        "/v1beta/models/m:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    ),
}
STREAMS: dict[str, tuple[str, Mapping[str, Any]]] = {
    name: (path.replace(":generateContent", ":streamGenerateContent?alt=sse"), {**body, "stream": True})
    for name, (path, body) in CALLS.items()
}


def post(
    channel: Channel, body: Any = CHAT, path: str = "/v1/chat/completions", **headers: str
) -> httpx2.Response:
    shown = {
        "authorization": f"Bearer {channel.token}",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return plain_http.post(channel.base_url + path, json=body, headers=shown)


def question(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def said(reply: httpx2.Response) -> str:
    return str(reply.json()["choices"][0]["message"]["content"])


@pytest.mark.parametrize("wire", CALLS)
def test_every_wire_is_answered_and_recorded_alike(wire: str) -> None:
    path, body = CALLS[wire]
    clock = iter([10.0, 12.5])
    with Gateway(clock=lambda: next(clock)) as gateway:
        channel = gateway.channel("c", Answering(ScriptedModel.of_replies(["hi there"])))
        reply = post(channel, body, path, x_honing_tag="sample-1")
        calls = channel.calls()

    assert (reply.status_code, reply.text.count("hi there")) == (200, 1)
    assert [replace(call, requested={}, sent={}) for call in calls] == [
        CallRecord(
            ordinal=1,
            channel="c",
            wire=wire,
            model="m",
            source="ScriptedModel",
            prompt="user:\nhello",
            messages=[{"role": "user", "text": "hello"}],
            text="hi there",
            tool_calls=[],
            finish="stop",
            reply_model="m",
            usage=Usage(input_tokens=3, output_tokens=2),
            cost_usd=Decimal(0),
            charged_tokens=5,
            started=10.0,
            ended=12.5,
            tag="sample-1",
        )
    ]


@pytest.mark.parametrize("wire", STREAMS)
def test_every_wire_is_streamed_where_the_caller_asks(wire: str) -> None:
    path, body = STREAMS[wire]
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        reply = post(channel, body, path)
        [call] = channel.calls()

    assert reply.headers["content-type"] == "text/event-stream"
    assert "hello" in reply.text
    assert (call.text, call.stream, call.ok) == ("hello", True, True)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": "Bearer {}"}, ""),
        ({"authorization": "bearer {}"}, ""),
        ({"x-api-key": "{}"}, ""),
        ({"x-goog-api-key": "{}"}, ""),
        ({}, "?key={}"),
    ],
    ids=["bearer", "bearer in lower case", "x-api-key", "x-goog-api-key", "query"],
)
def test_the_token_is_taken_from_wherever_a_client_puts_it(headers: dict[str, str], query: str) -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        shown = {name: value.format(channel.token) for name, value in headers.items()}
        url = f"{gateway.base_url}/v1/chat/completions{query.format(channel.token)}"

        assert said(plain_http.post(url, json=CHAT, headers=shown)) == "hello"


@pytest.mark.parametrize("wire", CALLS)
def test_a_wrong_token_is_refused_in_the_callers_shape_counted_and_not_forwarded(wire: str) -> None:
    asked: list[ModelRequest] = []
    path, body = CALLS[wire]

    def answer(request: ModelRequest) -> str:
        asked.append(request)
        return "x"

    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(ScriptedModel(answer)))
        replies = [
            plain_http.post(gateway.base_url + path, json=body, headers=headers)
            for headers in ({}, {"authorization": "Bearer sk-guess"}, {"x-api-key": channel.token[:-1]})
        ]
        kinds = [call.error_kind for call in gateway.calls()]
        counts = channel.counts()

    assert [reply.status_code for reply in replies] == [401] * 3
    assert all("no valid token of this gateway" in json.dumps(reply.json()["error"]) for reply in replies)
    assert all(reply.headers["x-should-retry"] == "false" for reply in replies)
    assert (asked, kinds, counts) == ([], ["bad_token"] * 3, Counts())


def test_a_closed_channel_is_refused_and_the_others_go_on() -> None:
    with Gateway() as gateway:
        one, two = (gateway.channel(name, Answering(EchoModel())) for name in ("one", "two"))
        one.close()
        refused, answered = post(one), post(two)
        counts = one.counts()

    assert (refused.status_code, answered.status_code) == (403, 200)
    assert replace(counts, wall_s=0.0) == Counts(calls=1, failed={"closed": 1}, failed_last=1)


def test_each_channel_has_its_own_token_source_and_totals() -> None:
    with Gateway() as gateway:
        one = gateway.channel("one", Answering(ScriptedModel.of_rules([], default="from one")))
        two = gateway.channel("two", Answering(ScriptedModel.of_rules([], default="from two!")))
        texts = [said(post(channel)) for channel in (one, two, two)]
        counts = [replace(found.counts(), wall_s=0.0) for found in (one, two, gateway)]

    assert texts == ["from one", "from two!", "from two!"]
    assert one.token != two.token
    assert counts == [
        Counts(calls=1, ok=1, input_tokens=3, output_tokens=2),
        Counts(calls=2, ok=2, input_tokens=6, output_tokens=6),
        Counts(calls=3, ok=3, input_tokens=9, output_tokens=8),
    ]


def test_a_name_can_be_used_again_only_after_its_channel_is_closed() -> None:
    with Gateway() as gateway:
        first = gateway.channel("c", Answering(EchoModel()))
        with pytest.raises(UsageError, match="a channel needs a name of its own, got 'c'"):
            gateway.channel("c", Answering(EchoModel()))
        post(first)
        first.close()
        again = gateway.channel("c", Answering(EchoModel()))
        post(again)

        assert (again.token != first.token, again.counts().ok) == (True, 2)


def test_a_childs_variables_lead_to_the_address_it_can_reach() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        env = channel.env("127.0.0.1:8080")

    assert env == {
        "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1",
        "OPENAI_API_BASE": "http://127.0.0.1:8080/v1",
        "OPENAI_API_KEY": channel.token,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080",
        "ANTHROPIC_API_KEY": channel.token,
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:8080",
        "GEMINI_API_KEY": channel.token,
        "GOOGLE_API_KEY": channel.token,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    assert channel.env()["ANTHROPIC_BASE_URL"] == channel.base_url


def test_the_unix_socket_serves_the_same_channels(tmp_path: Path) -> None:
    with Gateway(GatewayConfig(socket_path=tmp_path / "g.sock")) as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        with plain_http.unix_client(channel.socket) as client:
            reply = client.post(
                "http://127.0.0.1:1/v1/chat/completions", json=CHAT, headers={"x-api-key": channel.token}
            )

    assert said(reply) == "hello"
    assert list(tmp_path.iterdir()) == []


def test_models_are_listed_in_the_shape_of_each_client() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()), models=["a", "b"])
        openai = {"authorization": f"Bearer {channel.token}"}
        gemini = {"x-goog-api-key": channel.token}
        listed = plain_http.get(f"{gateway.base_url}/v1/models", headers=openai).json()
        one = plain_http.get(f"{gateway.base_url}/v1/models/b", headers=openai).json()
        none = plain_http.get(f"{gateway.base_url}/v1/models/zzz", headers=openai)
        google = plain_http.get(f"{gateway.base_url}/v1beta/models", headers=gemini).json()
        counts = channel.counts()

    assert ([model["id"] for model in listed["data"]], one["id"], none.status_code) == (["a", "b"], "b", 404)
    assert [model["name"] for model in google["models"]] == ["models/a", "models/b"]
    assert counts == Counts()


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            "/v1/messages/count_tokens",
            {"model": "m", "messages": [{"role": "user", "content": "x" * 95}]},
            "input_tokens",
        ),
        (
            "/v1beta/models/m:countTokens",
            {"contents": [{"role": "user", "parts": [{"text": "x" * 96}]}]},
            "totalTokens",
        ),
    ],
    ids=["anthropic", "gemini"],
)
def test_tokens_are_estimated_without_a_model_call(path: str, body: Any, expected: str) -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        reply = post(channel, body, path)

        assert (reply.json(), channel.counts().calls) == ({expected: 25}, 0)


def test_health_needs_no_token_and_nothing_else_is_served_without_one() -> None:
    with Gateway() as gateway:
        statuses = [
            plain_http.request(method, gateway.base_url + path).status_code
            for method, path in (("GET", "/health"), ("HEAD", "/"), ("GET", "/v1/models"), ("POST", "/v1/x"))
        ]

    assert statuses == [200, 200, 401, 401]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/embeddings", {"message", "type", "param", "code"}),
        ("/v1/messages/batches", {"type", "message"}),
        ("/v1beta/models/m:embedContent", {"code", "message", "status"}),
    ],
    ids=["openai", "anthropic", "gemini"],
)
def test_an_unknown_endpoint_is_404_in_the_callers_shape_and_recorded(path: str, shape: set[str]) -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        reply = post(channel, {}, path)
        [call] = channel.calls()

    assert (reply.status_code, set(reply.json()["error"])) == (404, shape)
    assert (call.error_kind, call.status, call.forwarded) == ("not_found", 404, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "the request body is not JSON"),
        (b"[1]", "the request body must be a JSON object"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": 3}', "messages"),
        (b"[" * 100_000, "the request body is not JSON"),
    ],
    ids=["no JSON", "no object", "no messages", "messages of a wrong kind", "too deep"],
)
def test_a_request_that_cannot_be_read_is_400_and_recorded(content: bytes, message: str) -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()))
        reply = plain_http.post(
            f"{gateway.base_url}/v1/chat/completions", content=content, headers={"x-api-key": channel.token}
        )
        [call] = channel.calls()

    assert reply.status_code == 400
    assert message in reply.json()["error"]["message"]
    assert (call.error_kind, call.forwarded) == ("bad_request", False)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ModelRateLimitError("slow down"), 429, ErrorKind.RATE_LIMIT),
        (ModelTimeoutError("too slow"), 504, ErrorKind.TIMEOUT),
        (KeyError("a bug"), 500, ErrorKind.ANSWERER),
    ],
    ids=["rate limit", "time", "a bug in the answerer"],
)
def test_an_answerer_that_fails_is_an_error_with_a_kind(
    error: Exception, status: int, kind: ErrorKind
) -> None:
    def answer(request: ModelRequest) -> str:
        raise error

    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(ScriptedModel(answer)))
        reply = post(channel)
        [call] = channel.calls()

    assert (reply.status_code, reply.headers["x-honing-error"]) == (status, kind)
    assert (call.status, call.error_kind, call.text, call.finish) == (status, kind, "", "")


def test_a_caller_that_leaves_is_recorded() -> None:
    release = threading.Event()
    arrived = threading.Event()

    def answer(request: ModelRequest) -> str:
        arrived.set()
        release.wait(5)
        return "too late"

    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(ScriptedModel(answer)))
        body = json.dumps(CHAT).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nx-api-key: {channel.token}\r\n"
        with socket.create_connection(("127.0.0.1", gateway_port(gateway))) as client:
            client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            arrived.wait(5)
        deadline = time.monotonic() + 5
        while not channel.counts().calls and time.monotonic() < deadline:
            time.sleep(0.005)
        [call] = channel.calls()
        release.set()

    assert (call.error_kind, call.text) == ("caller_gone", "")


def gateway_port(gateway: Gateway) -> int:
    return int(gateway.base_url.rpartition(":")[2])
