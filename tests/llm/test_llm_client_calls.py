"""What the client sends, when it asks again, and what it leaves out once a server has refused it."""

from __future__ import annotations

import email.utils
import json
import os
import random
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loopback import ANSWER, QUESTION, RawServer, SkippingClock, http

from honing.errors import ModelRequestError, ModelServerError, ModelTimeoutError, SettingsError, UsageError
from honing.llm import (
    WIRES,
    Backoff,
    Client,
    ClientConfig,
    Endpoint,
    Fault,
    FaultKind,
    Message,
    ModelReply,
    ModelRequest,
    Role,
    Sampling,
    ScriptedModel,
    ScriptedServer,
    Usage,
    Wire,
    wire_named,
)

CHAT = wire_named("openai_chat")
each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
SSE = "text/event-stream"


def fixed(request: ModelRequest) -> ModelReply:
    return ANSWER


def right(wire: Wire = CHAT) -> bytes:
    return http(200, wire.render_reply(ANSWER, QUESTION))


def endpoint(base_url: str, wire: Wire = CHAT, **more: Any) -> Endpoint:
    return Endpoint(base_url=base_url, wire=wire.name, key="sk-test-1234567890", **more)


def refusing(message: str, *, param: str | None = None, code: str | None = None) -> bytes:
    return http(400, {"error": {"message": message, "param": param, "code": code}})


@each_wire
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_one_call_gives_the_reply_and_what_was_sent(wire: Wire, *, stream: bool) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.5, max_tokens=7), stream=stream)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url, wire)) as client,
    ):
        reply = client.complete(request)
        received = server.requests[0]

    wanted = {"temperature": 0.5, "max_tokens": 7}
    assert reply == replace(ANSWER, requested=wanted, sent=wanted)
    assert (received.wire, received.key, received.request) == (wire.name, "sk-test-1234567890", request)


@each_wire
def test_what_the_caller_did_not_set_is_not_sent(wire: Wire) -> None:
    with RawServer([right(wire)]) as server, Client(endpoint(server.base_url, wire)) as client:
        reply = client.complete(QUESTION)

    limit = {"max_tokens": 8192} if wire.name == "anthropic_messages" else {}
    spare = {"model", "messages", "input", "contents"} | set(limit)
    assert set(server.requests[0].body) <= spare
    assert (reply.requested, reply.sent) == ({}, limit)


def test_what_a_wire_has_no_place_for_shows_in_what_was_sent() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.1, seed=3, logprobs=2, max_tokens=5))
    wire = wire_named("anthropic_messages")
    with RawServer([right(wire)]) as server, Client(endpoint(server.base_url, wire)) as client:
        reply = client.complete(request)

    assert reply.requested == {"temperature": 0.1, "seed": 3, "logprobs": 2, "max_tokens": 5}
    assert reply.sent == {"temperature": 0.1, "max_tokens": 5}


@pytest.mark.parametrize(
    "refusal",
    [
        refusing(
            "Unsupported value: 'temperature' does not support 0.0 with this model.",
            param="temperature",
            code="unsupported_value",
        ),
        refusing("temperature: Extra inputs are not permitted"),
        refusing("`temperature` is deprecated for this model."),
        http(422, {"detail": "unknown field temperature"}),
    ],
    ids=["by its param", "as an extra input", "as deprecated", "with status 422"],
)
def test_a_refused_sampling_parameter_is_dropped_and_stays_dropped(refusal: bytes) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, max_tokens=5))
    with (
        RawServer([refusal, right(), right()]) as server,
        Client(endpoint(server.base_url)) as client,
    ):
        first, second = client.complete(request), client.complete(request)
        bodies = [seen.body for seen in server.requests]

    assert ["temperature" in body for body in bodies] == [True, False, False]
    assert [body["max_tokens"] for body in bodies] == [5, 5, 5]
    assert [reply.requested for reply in (first, second)] == [{"temperature": 0.0, "max_tokens": 5}] * 2
    assert [reply.sent for reply in (first, second)] == [{"max_tokens": 5}] * 2


def test_parameters_are_dropped_one_at_a_time_and_the_one_named_first_is_kept_longest() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.2, top_p=0.9))
    both = refusing("`temperature` and `top_p` cannot both be specified for this model.")
    with RawServer([both, right()]) as server, Client(endpoint(server.base_url)) as client:
        reply = client.complete(request)

    assert reply.sent == {"temperature": 0.2}


@pytest.mark.parametrize(
    "refusal",
    [
        refusing("Invalid 'temperature': must be at most 2.", param="temperature", code="invalid_value"),
        refusing("Unsupported parameter: 'max_tokens' is not supported.", param="max_tokens"),
        refusing("Unsupported parameter: 'tools'.", param="tools", code="unsupported_parameter"),
        refusing("The prompt is too long."),
        http(404, {"error": {"message": "temperature is not supported"}}),
    ],
    ids=["out of range", "the limit of tokens", "another field", "the prompt", "another status"],
)
def test_nothing_is_dropped_for_any_other_refusal(refusal: bytes) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, max_tokens=5))
    with (
        RawServer([refusal, right()]) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(ModelRequestError),
    ):
        client.complete(request)

    assert len(server.requests) == 1


def test_a_server_that_refuses_for_ever_is_asked_once_for_each_parameter() -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.0, top_p=1.0, seed=1, max_tokens=5))
    stubborn = refusing("temperature, top_p and seed are not supported")
    with (
        RawServer([stubborn] * 9) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(ModelRequestError),
    ):
        client.complete(request)

    assert len(server.requests) == 4


def test_the_limit_of_tokens_goes_by_its_newer_name_where_a_server_asks_for_it() -> None:
    refusal = refusing(
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )
    request = replace(QUESTION, sampling=Sampling(max_tokens=5))
    with RawServer([refusal, right()]) as server, Client(endpoint(server.base_url)) as client:
        reply = client.complete(request)

    assert [seen.body.get("max_tokens") for seen in server.requests] == [5, None]
    assert server.requests[1].body["max_completion_tokens"] == 5
    assert reply.sent == {"max_tokens": 5}


def waits(answers: list[bytes], *, backoff: Backoff | None = None) -> list[float]:
    """The waits of one call to a server that gives these answers and then the right one."""
    skipping = SkippingClock()
    config = ClientConfig(backoff=backoff or Backoff(retries=6))
    with RawServer([*answers, right()]) as server:
        with Client(
            endpoint(server.base_url), config, clock=skipping.clock(), rng=random.Random(7)
        ) as client:
            client.complete(QUESTION)
        assert len(server.requests) == len(answers) + 1
    return skipping.slept


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_passing_failure_is_asked_again(status: int) -> None:
    assert len(waits([http(status, {"error": {"message": "later"}})])) == 1


def test_waits_are_random_below_a_bound_that_doubles_up_to_a_cap() -> None:
    drawn = random.Random(7)
    failures = [http(500, {})] * 6

    found = waits(failures, backoff=Backoff(retries=6, base_s=0.5, cap_s=4.0))

    assert found == [drawn.uniform(0.0, bound) for bound in (0.5, 1.0, 2.0, 4.0, 4.0, 4.0)]


@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        ("retry-after: 20\r\n", 20.0),
        ("retry-after-ms: 1500\r\nretry-after: 20\r\n", 1.5),
        (f"retry-after: {email.utils.formatdate(1_700_000_012.0, usegmt=True)}\r\n", 12.0),
        (f"retry-after: {email.utils.formatdate(1_600_000_000.0, usegmt=True)}\r\n", 0.0),
        ("retry-after: soon\r\n", 0.0),
        ("retry-after: -5\r\n", 0.0),
        ("retry-after: nan\r\n", 0.0),
        ("retry-after: inf\r\n", 0.0),
    ],
    ids=["seconds", "milliseconds", "a date", "a date past", "words", "negative", "nan", "endless"],
)
def test_a_wait_the_server_asks_for_is_the_least_one(headers: str, least_s: float) -> None:
    (wait_s,) = waits([http(429, {}, headers=headers)])

    jitter_s = random.Random(7).uniform(0.0, 0.5)
    assert wait_s == max(least_s, jitter_s)


def test_a_server_may_say_that_trying_again_is_of_no_use() -> None:
    never = http(500, {}, headers="x-should-retry: false\r\n")
    with (
        RawServer([never, right()]) as server,
        Client(endpoint(server.base_url)) as client,
        pytest.raises(Exception, match="HTTP 500"),
    ):
        client.complete(QUESTION)

    assert len(server.requests) == 1


def test_calls_are_spread_evenly_below_the_rate() -> None:
    skipping = SkippingClock()
    config = ClientConfig(requests_per_minute=30.0)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url), config, clock=skipping.clock()) as client,
    ):
        for _ in range(4):
            client.complete(QUESTION)

    assert skipping.slept == pytest.approx([2.0, 2.0, 2.0], abs=0.5)


def test_a_call_for_which_the_rate_leaves_no_place_fails_without_waiting() -> None:
    skipping = SkippingClock()
    config = ClientConfig(requests_per_minute=1.0, total_s=30.0)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url), config, clock=skipping.clock()) as client,
    ):
        client.complete(QUESTION)
        with pytest.raises(ModelTimeoutError, match="no place within the limit of 30 s"):
            client.complete(QUESTION)

    assert skipping.slept == []


def test_many_threads_each_get_their_own_answer_over_few_connections() -> None:
    most = 0
    under_way = 0
    lock = threading.Lock()

    def echo(request: ModelRequest) -> ModelReply:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.005)
        with lock:
            under_way -= 1
        usage = Usage(input_tokens=1, output_tokens=1)
        return ModelReply(text=request.messages[-1].text, model="m", usage=usage)

    config = ClientConfig(max_connections=4)
    with (
        ScriptedServer(ScriptedModel(echo)) as server,
        Client(endpoint(server.base_url), config) as client,
        ThreadPoolExecutor(16) as pool,
    ):

        def ask(number: int) -> str:
            question = replace(QUESTION, messages=(Message(Role.USER, f"number {number}"),))
            return client.complete(replace(question, stream=number % 2 == 0)).text

        answers = list(pool.map(ask, range(80)))

    assert answers == [f"number {number}" for number in range(80)]
    assert most <= 4


def test_tags_and_extra_headers_travel_with_the_call() -> None:
    with ScriptedServer(ScriptedModel(fixed)) as server:
        there = endpoint(server.base_url, headers={"x-title": "an experiment"})
        with Client(there) as client:
            client.complete(QUESTION, tags={"task": "7"})
            headers = server.requests[0].headers

    assert json.loads(headers["x-honing-tag"]) == {"task": "7"}
    assert headers["x-title"] == "an experiment"


def test_without_a_key_none_is_sent() -> None:
    with ScriptedServer(ScriptedModel(fixed)) as server:
        for wire in WIRES:
            with Client(Endpoint(base_url=server.base_url, wire=wire.name)) as client:
                client.complete(QUESTION)
        headers = [received.headers for received in server.requests]

    assert [h.keys() & {"authorization", "x-api-key", "x-goog-api-key"} for h in headers] == [set()] * 4
    assert [h.get("anthropic-version") for h in headers] == [None, None, "2023-06-01", None]


def test_a_proxy_is_used_where_one_is_given() -> None:
    with RawServer([right()]) as proxy:
        config = ClientConfig(proxy_url=proxy.base_url)
        with Client(endpoint("http://model.example/v1"), config) as client:
            reply = client.complete(QUESTION)

    assert reply.text == ANSWER.text
    assert proxy.requests[0].head.startswith("POST http://model.example/v1/chat/completions HTTP/1.1\r\n")


def test_a_proxy_of_the_surroundings_does_not_decide_where_a_key_travels() -> None:
    program = (
        "import sys\n"
        "from honing.llm import Client, Endpoint, Message, ModelRequest, Role\n"
        "request = ModelRequest(model='m', messages=(Message(Role.USER, 'hi'),))\n"
        "with Client(Endpoint(base_url=sys.argv[1], wire='openai_chat', key='sk-test-1')) as client:\n"
        "    print(client.complete(request).text)\n"
    )
    dead = "http://127.0.0.1:9"
    with ScriptedServer(ScriptedModel(fixed)) as server:
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, server.base_url],
            env={**os.environ, "HTTP_PROXY": dead, "http_proxy": dead, "ALL_PROXY": dead},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (ended.stdout, ended.stderr, ended.returncode) == ("four\n", "", 0)


def test_the_http_library_is_loaded_by_the_first_call_and_not_before() -> None:
    program = (
        "import sys\n"
        "from honing.llm import Client, Endpoint, cost, resolve\n"
        "Client(Endpoint(base_url='http://127.0.0.1:9', wire='gemini')).close()\n"
        "print(sorted({'httpx2', 'httpcore2', 'asyncio', 'ssl'} & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout == "[]\n"


def test_https_is_verified_and_an_unknown_authority_is_named_once() -> None:
    chain = Path(__file__).with_name("loopback.pem")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain)
    with ScriptedServer(ScriptedModel(fixed), tls=serving) as server:
        there = endpoint(server.base_url)
        with Client(there, tls=ssl.create_default_context(cafile=str(chain))) as knows:
            texts = [knows.complete(replace(QUESTION, stream=stream)).text for stream in (False, True)]
        with Client(there) as stranger, pytest.raises(ModelServerError, match="SSL_CERT_FILE"):
            stranger.complete(QUESTION)

    assert texts == ["four", "four"]
    assert len(server.requests) == 2


def test_a_client_can_be_closed_twice_and_used_again() -> None:
    with ScriptedServer(ScriptedModel(fixed)) as server:
        client = Client(endpoint(server.base_url))
        texts = [client.complete(QUESTION).text]
        client.close()
        client.close()
        texts.append(client.complete(QUESTION).text)
        client.close()

    assert texts == ["four", "four"]


@pytest.mark.parametrize(
    ("base_url", "path", "expected"),
    [
        ("https://api.openai.com/v1", "/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("http://host:1/a/v1beta", "/v1beta/models/m:x", "http://host:1/a/v1beta/models/m:x"),
        ("http://host:1/", "/responses", "http://host:1/responses"),
    ],
)
def test_a_version_in_address_and_path_stands_once(base_url: str, path: str, expected: str) -> None:
    assert Endpoint(base_url=base_url, wire="openai_chat").url(path) == expected


@pytest.mark.parametrize(
    ("base_url", "key", "said"),
    [
        ("api.openai.com/v1", "", "expected http://HOST"),
        ("ftp://host/v1", "", "expected http://HOST"),
        ("https://", "", "expected http://HOST"),
        ("http://host:port", "", "Port could not be cast"),
        ("http://host:99999", "", "out of range"),
        ("http://[::1", "", "Invalid IPv6"),
        ("http://ho st", "", "expected http://HOST"),
        ("https://user:hidden-word@host/v1", "", "must stand on its own"),
        ("ftp://user:hidden-word@host/v1", "", "must stand on its own"),
        ("https://host/v1?key=hidden-word", "", "expected no '?'"),
        ("https://host/v1", "hidden-word\n", "copy it again"),
        ("https://host/v1", "hidden wörd", "copy it again"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused_and_no_secret_is_shown(
    base_url: str, key: str, said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Endpoint(base_url=base_url, wire="openai_chat", key=key)

    assert said in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_an_unknown_wire_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="openai_chat, openai_responses, anthropic_messages, gemini"):
        Endpoint(base_url="http://host", wire="smoke signals")


def test_a_429_with_its_wait_is_followed_by_the_answer() -> None:
    skipping = SkippingClock()
    faults = [Fault(kind=FaultKind.RATE_LIMIT, retry_after="2")]
    with (
        ScriptedServer(ScriptedModel(fixed), faults=faults) as server,
        Client(endpoint(server.base_url), clock=skipping.clock()) as client,
    ):
        reply = client.complete(QUESTION)

    assert reply == ANSWER
    assert skipping.slept == [2.0]
