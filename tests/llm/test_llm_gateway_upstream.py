"""The gateway in front of a live server: what passes, what is carried over, what is counted and kept."""

from __future__ import annotations

import json
import ssl
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import plain_http
import pytest
from gateway_line import BODIES, CHAT, KEY, QUICK, WIRES, Line, line

from honing.llm import (
    Budget,
    EchoModel,
    Fault,
    FaultKind,
    Gateway,
    GatewayConfig,
    ModelReply,
    Recording,
    Replay,
    ScriptedModel,
    ScriptedServer,
    Upstream,
    Usage,
)
from honing.llm.client import ClientConfig
from honing.llm.endpoint import Endpoint
from honing.llm.retrying import Backoff


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_reply_in_the_callers_wire_comes_through_byte_for_byte(wire: str, *, stream: bool) -> None:
    with line(wire=wire) as found:
        through = found.post(wire, stream=stream)
        direct = plain_http.post(
            str(through.url).replace(found.gateway.base_url, found.server.base_url),
            content=through.request.content,
            headers={"x-api-key": KEY},
        )
        call = found.last()

    assert (through.status_code, through.content) == (200, direct.content)
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert (call.text, call.ok, call.stream, call.usage.output_tokens) == ("hello", True, stream, 2)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("server", WIRES)
def test_any_wire_reaches_a_server_of_any_other(wire: str, server: str, *, stream: bool) -> None:
    with line(wire=server) as found:
        reply = found.post(wire, stream=stream)
        call = found.last()
        [received] = found.server.requests

    assert (reply.status_code, "hello" in reply.text) == (200, True)
    assert (call.text, call.wire, received.wire) == ("hello", wire, server)
    assert received.request is not None
    assert [message.text for message in received.request.messages] == ["hello"]


def test_fields_nobody_knows_pass_in_both_directions() -> None:
    extra = {**CHAT, "x_new_option": {"deep": [1, 1.50, 1e3]}, "temperature": 0.0}
    with line(faults=[Fault(kind=FaultKind.EXTRA_FIELDS)]) as found:
        reply = found.post(body=extra, anthropic_beta="new-things", x_secret="mine")
        [received] = found.server.requests

    assert received.body == extra
    assert reply.json()["x_provider_extra"] == {"nested": [1, {"new": True}]}
    assert received.headers["anthropic-beta"] == "new-things"
    assert "x-secret" not in received.headers


def test_the_callers_token_stays_here_and_the_key_goes_to_the_server() -> None:
    with line() as found:
        found.post()
        [received] = found.server.requests

    assert received.key == KEY
    assert found.channel.token not in json.dumps(
        [dict(received.headers), dict(received.query), received.body]
    )


def test_a_model_may_be_set_for_whatever_the_caller_names() -> None:
    with line(model="exact-1") as chat, line(wire="gemini", model="exact-1") as gemini:
        chat.post()
        gemini.post("gemini")
        models = [found.server.requests[0].request for found in (chat, gemini)]
        records = [found.last() for found in (chat, gemini)]

    assert [request and request.model for request in models] == ["exact-1", "exact-1"]
    assert [(call.model, call.reply_model) for call in records] == [("m", "exact-1")] * 2


def test_a_stream_reaches_the_caller_while_the_server_still_talks() -> None:
    slow = Fault(kind=FaultKind.TRICKLE, pause_s=0.05, piece_bytes=600)
    model = ScriptedModel.of_rules([], default="x" * 3000)
    with (
        line(model, faults=[slow], client=ClientConfig()) as found,
        plain_http.stream("POST", **found.request("openai_chat", stream=True)) as reply,
    ):
        times = [time.monotonic() for _ in reply.iter_raw()]

    assert len(times) > 4
    assert times[-1] - times[0] > 0.15


def test_a_caller_that_leaves_as_soon_as_it_has_seen_the_end_has_its_call_recorded_as_whole() -> None:
    late_end = Fault(kind=FaultKind.TRICKLE, pause_s=3.0, piece_bytes=10**6)
    with line(faults=[late_end]) as found:
        with plain_http.stream("POST", **found.request("openai_chat", stream=True)) as reply:
            seen = b""
            for piece in reply.iter_raw():
                seen += piece
                if b"[DONE]" in seen:
                    break
        calls = found.channel.calls()

    assert [(call.text, call.error_kind) for call in calls] == [("hello", "")]


def test_a_stream_whose_caller_did_not_ask_for_usage_is_counted_all_the_same() -> None:
    with line() as found:
        reply = found.post(stream=True)
        asked = found.post(body={**CHAT, "stream_options": {"include_usage": True}}, stream=True)
        calls = found.channel.calls()

    assert [call.usage for call in calls] == [Usage(input_tokens=3, output_tokens=2)] * 2
    assert ("usage" in reply.text, "usage" in asked.text) == (False, True)
    assert found.server.requests[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("wire", ["openai_chat", "gemini"])
def test_a_sampling_parameter_that_the_server_refuses_is_dropped_and_the_difference_recorded(
    wire: str,
) -> None:
    field = "generationConfig.temperature" if wire == "gemini" else "temperature"
    refusal = Fault(kind=FaultKind.BAD_REQUEST, text=f"Unsupported parameter: {field} is not supported here")
    body = (
        {**BODIES["gemini"], "generationConfig": {"temperature": 0.0, "topP": 0.5}}
        if wire == "gemini"
        else {**CHAT, "temperature": 0.0, "top_p": 0.5}
    )
    with line(wire=wire, faults=[refusal]) as found:
        statuses = [found.post(wire, body).status_code for _ in range(2)]
        calls = found.channel.calls()
        seen = [r.request.sampling.as_dict() for r in found.server.requests if r.request]

    assert statuses == [200, 200]
    assert seen == [{"temperature": 0.0, "top_p": 0.5}, {"top_p": 0.5}, {"top_p": 0.5}]
    assert [(c.requested, c.sent) for c in calls] == [
        ({"temperature": 0.0, "top_p": 0.5}, {"top_p": 0.5})
    ] * 2


def test_the_key_is_in_no_file_reply_record_or_variable(tmp_path: Path) -> None:
    faults = [
        Fault(kind=FaultKind.KEY_ECHO),
        Fault(kind=FaultKind.KEY_ECHO_REPLY),
        Fault(kind=FaultKind.KEY_ECHO_REPLY),
        Fault(kind=FaultKind.UNAUTHORIZED, text=f"bad key {KEY}"),
        None,
    ]
    config = GatewayConfig(log_path=tmp_path / "calls.jsonl")
    with ScriptedServer(EchoModel(), faults=faults) as server, Gateway(config) as gateway:
        upstream = Upstream(Endpoint(base_url=server.base_url, wire="openai_chat", key=KEY), QUICK)
        channel = gateway.channel("c", Recording(upstream, tmp_path / "recording.jsonl"))
        found = Line(gateway, channel, server)
        replies = [found.post(stream=stream) for stream in (False, False, True, False, False)]
        shown = [reply.text + str(dict(reply.headers)) for reply in replies]
        shown += [
            repr(channel.calls()),
            repr(channel.counts()),
            str(channel.env()),
            repr(upstream),
            repr(channel),
        ]
    shown += [path.read_text() for path in tmp_path.iterdir()]

    assert [reply.status_code for reply in replies] == [400, 200, 200, 401, 200]
    assert [received.key for received in server.requests] == [KEY] * 5
    assert len(shown) == 5 + 5 + 2
    assert [text for text in shown if KEY in text or KEY[:12] in text] == []
    assert "[key removed]" in replies[1].text
    assert "[key removed]" in replies[2].text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_recorded_call_replays_byte_for_byte_without_the_server(tmp_path: Path, *, stream: bool) -> None:
    path = tmp_path / "recording.jsonl"
    with (
        ScriptedServer(EchoModel(), faults=[Fault(kind=FaultKind.EXTRA_FIELDS)]) as server,
        Gateway() as gateway,
    ):
        source = Recording(Upstream(Endpoint(base_url=server.base_url, wire="openai_chat")), path)
        live = Line(gateway, gateway.channel("live", source), server).post(stream=stream)
    with Gateway() as gateway:
        again = Line(gateway, gateway.channel("again", Replay(path)), server).post(stream=stream)
        cost = gateway.counts().cost_usd

    assert again.content == live.content
    assert cost == Decimal(0)


@pytest.mark.parametrize("recorded", [False, True], ids=["recorded whole", "recorded as a stream"])
def test_what_was_recorded_one_way_replays_the_other(tmp_path: Path, *, recorded: bool) -> None:
    path = tmp_path / "recording.jsonl"
    with ScriptedServer(EchoModel()) as server, Gateway() as gateway:
        source = Recording(Upstream(Endpoint(base_url=server.base_url, wire="openai_chat")), path)
        Line(gateway, gateway.channel("live", source), server).post(stream=recorded)
    with Gateway() as gateway:
        again = Line(gateway, gateway.channel("again", Replay(path)), server).post(stream=not recorded)

    if recorded:
        assert again.json()["choices"][0]["message"]["content"] == "hello"
    else:
        assert again.text.startswith('data: {"id"')
        assert again.text.endswith("data: [DONE]\n\n")


def test_a_money_budget_stops_the_channel_and_an_unknown_price_is_refused_beforehand() -> None:
    def price(model: str, usage: Usage) -> Decimal | None:
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        return Decimal("0.01") * tokens if model == "m" else None

    with ScriptedServer(EchoModel()) as server, Gateway(GatewayConfig(price=price)) as gateway:
        upstream = Upstream(Endpoint(base_url=server.base_url, wire="openai_chat"))
        channel = gateway.channel("c", upstream, budget=Budget(cost_usd=Decimal("0.06")))
        loose = gateway.channel(
            "loose", upstream, budget=Budget(cost_usd=Decimal("0.06"), refuse_unknown_price=False)
        )
        found = Line(gateway, channel, server)
        unknown = found.post(body={**CHAT, "model": "brand-new"})
        statuses = [found.post().status_code for _ in range(3)]
        through = Line(gateway, loose, server).post(body={**CHAT, "model": "brand-new"})

    assert (unknown.status_code, "the price of 'brand-new' is unknown" in unknown.text) == (429, True)
    assert statuses == [200, 200, 429]
    assert channel.exhausted == "the budget of channel 'c' is spent: 0.10 of 0.06 US dollars"
    assert channel.counts().cost_usd == Decimal("0.10")
    assert (through.status_code, loose.counts().cost_usd) == (200, None)
    assert len(server.requests) == 3


def test_no_more_calls_are_under_way_than_allowed() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def answer(request: Any) -> ModelReply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.03)
        with lock:
            under_way -= 1
        return ModelReply(text="x")

    with line(ScriptedModel(answer), config=GatewayConfig(max_connections=3)) as found:
        threads = [threading.Thread(target=found.post) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ok = found.channel.counts().ok

    assert (ok, most) == (12, 3)


def test_https_is_verified() -> None:
    chain = Path(__file__).with_name("loopback.pem")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain)
    trusting = ssl.create_default_context(cafile=str(chain))
    with ScriptedServer(EchoModel(), tls=serving) as server, Gateway() as gateway:
        endpoint = Endpoint(base_url=server.base_url, wire="openai_chat", key=KEY)
        once = ClientConfig(backoff=Backoff(retries=0))
        knows = gateway.channel("knows", Upstream(endpoint, once, tls=trusting))
        stranger = gateway.channel("stranger", Upstream(endpoint, once))
        replies = [Line(gateway, channel, server).post() for channel in (knows, knows, stranger)]
        error = stranger.calls()[0]

    assert [reply.status_code for reply in replies] == [200, 200, 502]
    assert (error.error_kind, "certificate verify failed" in error.error) == ("unreachable", True)
    assert len(server.requests) == 2
