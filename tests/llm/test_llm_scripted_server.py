"""The scripted model server: all wires, faults on schedule, what it saw, and its command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import plain_http
import pytest
from gateway_line import BODIES, CHAT, PATHS, WIRES

from honing.llm import (
    EchoModel,
    Fault,
    FaultKind,
    Message,
    ModelRequest,
    Role,
    ScriptedModel,
    ScriptedServer,
    ToolScript,
    ToolStep,
)
from honing.llm.client import Client
from honing.llm.endpoint import Endpoint


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_client_of_any_wire_is_answered(wire: str, *, stream: bool) -> None:
    request = ModelRequest(model="m", messages=[Message(Role.USER, "hello")], stream=stream)
    with ScriptedServer(EchoModel()) as server:
        endpoint = Endpoint(base_url=server.base_url, wire=wire, key="k")
        with Client(endpoint) as client:
            reply = client.complete(request)

    assert (reply.text, reply.usage.input_tokens, reply.usage.output_tokens) == ("hello", 3, 2)
    assert [(seen.wire, seen.key, seen.fault) for seen in server.requests] == [(wire, "k", None)]


@pytest.mark.parametrize("wire", WIRES)
def test_a_tool_script_is_played_over_http_on_every_wire(wire: str) -> None:
    tools = [{"name": "write", "description": "w", "parameters": {"type": "object", "properties": {}}}]
    script = ToolScript([ToolStep([("write", {"path": "a.txt"})]), "All done"])
    talk = [Message(Role.USER, "go")]
    with (
        ScriptedServer(script) as server,
        Client(Endpoint(base_url=server.base_url, wire=wire, key="k")) as client,
    ):
        first = client.complete(ModelRequest(model="m", messages=talk, tools=tools))
        [call] = first.tool_calls
        talk += [Message(Role.ASSISTANT, first.text, tool_calls=[call])]
        talk += [Message(Role.TOOL, "written", tool_call_id=call.id)]
        last = client.complete(ModelRequest(model="m", messages=talk, tools=tools))

    assert (call.name, json.loads(call.arguments)) == ("write", {"path": "a.txt"})
    assert (last.text, last.tool_calls) == ("All done", ())


def test_faults_come_in_the_order_of_requests_and_then_all_is_well() -> None:
    faults = [Fault(kind=FaultKind.SERVER_ERROR), None, Fault(kind=FaultKind.RATE_LIMIT, retry_after="3")]
    with ScriptedServer(EchoModel(), faults=faults) as server:
        url = server.base_url + PATHS["openai_chat"]
        replies = [plain_http.post(url, json=CHAT) for _ in range(5)]

    assert [reply.status_code for reply in replies] == [500, 200, 429, 200, 200]
    assert replies[2].headers["retry-after"] == "3"
    assert [seen.fault and seen.fault.kind for seen in server.requests] == [
        FaultKind.SERVER_ERROR,
        None,
        FaultKind.RATE_LIMIT,
        None,
        None,
    ]


def test_a_key_can_be_demanded() -> None:
    with ScriptedServer(EchoModel(), key="right") as server:
        url = server.base_url + PATHS["openai_chat"]
        statuses = [
            plain_http.post(url, json=CHAT, headers={"authorization": f"Bearer {key}"}).status_code
            for key in ("wrong", "right")
        ]

    assert statuses == [401, 200]


def test_an_answerer_that_raises_is_a_500_with_its_reason() -> None:
    with ScriptedServer(ScriptedModel.of_replies([])) as server:
        reply = plain_http.post(server.base_url + PATHS["openai_chat"], json=CHAT)

    assert (reply.status_code, "they are used up" in reply.text) == (500, True)


def test_models_counts_and_unknown_paths_are_served_too() -> None:
    with ScriptedServer(EchoModel(), models=["a"]) as server:
        models = plain_http.get(server.base_url + "/v1/models").json()["data"]
        count = plain_http.post(
            server.base_url + "/v1/messages/count_tokens", json=BODIES["anthropic_messages"]
        )
        unknown = plain_http.post(server.base_url + "/v1/embeddings", json={})

    assert [model["id"] for model in models] == ["a"]
    assert count.json() == {"input_tokens": 3}
    assert (unknown.status_code, server.requests) == (404, [])


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-W", "error", "-m", "honing.llm.scripted_server", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_serves_a_script_until_it_is_told_to_stop(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"rules": [{"match": "hel+o", "reply": "good day"}]}')
    with command("--script", str(script), "--socket", str(tmp_path / "s.sock")) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        reply = plain_http.post(address + PATHS["openai_chat"], json=CHAT)
        with plain_http.unix_client(tmp_path / "s.sock") as client:
            local = client.post("http://model" + PATHS["openai_chat"], json=CHAT)
        os.kill(process.pid, signal.SIGTERM)
        ended = process.wait(10), process.stderr and process.stderr.read()

    assert [r.json()["choices"][0]["message"]["content"] for r in (reply, local)] == ["good day"] * 2
    assert ended == (0, "")
    assert not (tmp_path / "s.sock").exists()


def test_the_command_refuses_a_script_it_cannot_read(tmp_path: Path) -> None:
    with command("--script", str(tmp_path / "none.json")) as process:
        _, errors = process.communicate(timeout=20)

    assert (process.returncode, "reading the script" in errors) == (2, True)
