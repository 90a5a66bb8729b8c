"""What one call sends, to whom, over which connections, and what it brings back."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import ANSWER, QUESTION, RawServer, endpoint, fixed, right

from honing.errors import ModelServerError
from honing.llm import (
    WIRES,
    Client,
    ClientConfig,
    Endpoint,
    Message,
    ModelReply,
    ModelRequest,
    Role,
    Sampling,
    ScriptedModel,
    ScriptedServer,
    Usage,
    Wire,
)

each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])


@each_wire
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_one_call_gives_the_reply_and_what_was_sent(wire: Wire, *, stream: bool) -> None:
    request = replace(QUESTION, sampling=Sampling(temperature=0.5, max_tokens=7), stream=stream)
    with (
        ScriptedServer(ScriptedModel(fixed)) as server,
        Client(endpoint(server.base_url, wire.name)) as client,
    ):
        reply = client.complete(request)
        received = server.requests[0]

    wanted = {"temperature": 0.5, "max_tokens": 7}
    assert reply == replace(ANSWER, requested=wanted, sent=wanted)
    assert (received.wire, received.key, received.request) == (wire.name, "sk-test-1234567890", request)


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
