"""Budgets, the call log, record and replay: what a gateway remembers, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import plain_http
import pytest
from gateway_line import BODIES, CHAT, PATHS

from honing.errors import EvidenceError, ModelRateLimitError
from honing.llm import (
    Answering,
    Budget,
    Channel,
    EchoModel,
    Gateway,
    GatewayConfig,
    ModelReply,
    ModelRequest,
    Recording,
    Replay,
    ScriptedModel,
    Usage,
    read_calls,
)


def post(
    channel: Channel, body: Mapping[str, Any] = CHAT, path: str = PATHS["openai_chat"], tag: str = ""
) -> httpx2.Response:
    headers = {"x-api-key": channel.token, "x-honing-tag": tag}
    return plain_http.post(channel.base_url + path, json=body, headers=headers)


def question(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def said(reply: httpx2.Response) -> str:
    return str(reply.json()["choices"][0]["message"]["content"])


def test_a_channels_call_budget_is_exact_also_under_concurrency() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()), budget=Budget(calls=7))
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda n: post(channel, question(str(n))).status_code, range(20)))
        counts = channel.counts()

    assert sorted(statuses) == [200] * 7 + [429] * 13
    assert (counts.ok, counts.failed) == (7, {"budget": 13})
    assert gateway.exhausted == "the budget of channel 'c' is spent: 7 of 7 calls"


def test_a_budget_that_is_used_to_the_last_call_is_not_exhausted() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(EchoModel()), budget=Budget(calls=1))
        before = post(channel).status_code, channel.exhausted, gateway.exhausted
        refused = post(channel)

    assert before == (200, None, None)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
    assert "the budget of channel 'c' is spent: 1 of 1 calls" in refused.json()["error"]["message"]
    assert channel.exhausted == gateway.exhausted == "the budget of channel 'c' is spent: 1 of 1 calls"


def test_the_gateways_budget_holds_over_all_channels() -> None:
    with Gateway(GatewayConfig(budget=Budget(tokens=10))) as gateway:
        one, two = (gateway.channel(name, Answering(EchoModel())) for name in ("one", "two"))
        statuses = [post(channel).status_code for channel in (one, two, one, two)]

    # 3 tokens in and 2 out a call: the second call reaches the limit, the third is refused.
    assert statuses == [200, 200, 429, 429]
    assert gateway.exhausted == "the budget of the gateway is spent: 10 of 10 tokens"


def test_a_server_that_does_not_count_is_charged_by_an_estimate() -> None:
    def answer(request: ModelRequest) -> ModelReply:
        return ModelReply(text="x" * 40, usage=Usage(output_tokens=9))

    with Gateway() as gateway:
        channel = gateway.channel("c", Answering(ScriptedModel(answer)), budget=Budget(tokens=13))
        statuses = [post(channel).status_code for _ in range(2)]
        [call, _] = channel.calls()
        counts = channel.counts()

    assert statuses == [200, 429]
    assert (call.usage, call.usage_estimated, call.charged_tokens) == (Usage(output_tokens=9), True, 13)
    assert (counts.uncounted, counts.input_tokens, counts.output_tokens) == (1, 0, 9)


def test_the_log_holds_every_call_and_is_continued_with_its_budget(tmp_path: Path) -> None:
    config = GatewayConfig(log_path=tmp_path / "calls.jsonl", budget=Budget(calls=3))
    for _ in range(2):
        with Gateway(config) as gateway:
            channel = gateway.channel("c", Answering(EchoModel()))
            statuses = [post(channel, question(f"q{n}")).status_code for n in range(2)]
            plain_http.post(f"{gateway.base_url}/v1/chat/completions", json=CHAT)
            calls, own = gateway.calls(), channel.calls()

    found = [(call.ordinal, call.channel, call.text, call.error_kind) for call in calls]

    assert statuses == [200, 429]
    assert found == [
        (1, "c", "q0", ""),
        (2, "c", "q1", ""),
        (3, "", "", "bad_token"),
        (4, "c", "q0", ""),
        (5, "c", "", "budget"),
        (6, "", "", "bad_token"),
    ]
    assert own == [call for call in calls if call.channel == "c"]
    assert list(read_calls(tmp_path / "calls.jsonl")) == calls


def test_a_channels_own_budget_goes_on_as_well(tmp_path: Path) -> None:
    statuses = []
    for _ in range(2):
        with Gateway(GatewayConfig(log_path=tmp_path / "calls.jsonl")) as gateway:
            channel = gateway.channel("c", Answering(EchoModel()), budget=Budget(calls=3))
            other = gateway.channel("other", Answering(EchoModel()), budget=Budget(calls=3))
            statuses += [post(channel).status_code, post(channel).status_code, post(other).status_code]

    assert statuses == [200, 200, 200, 200, 429, 200]


def test_a_log_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with Gateway(GatewayConfig(log_path=path)) as gateway:
        post(gateway.channel("c", Answering(EchoModel())))
    path.write_text(path.read_text().replace('"text":"hello"', '"text":"HELLO"', 1))

    with pytest.raises(EvidenceError, match=r"calls\.jsonl, line 1: the checksum does not match"):
        Gateway(GatewayConfig(log_path=path))


def test_a_recorded_run_replays_alike_on_every_wire_and_at_any_concurrency(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    count = iter(range(10**6))
    questions = [f"q{n % 4}" for n in range(24)]
    with Gateway() as gateway:
        model = ScriptedModel(lambda request: f"{request.messages[-1].text} -> {next(count)}")
        channel = gateway.channel("live", Recording(Answering(model), path))
        with ThreadPoolExecutor(4) as pool:
            live = list(pool.map(lambda q: said(post(channel, question(q))), questions))
    with Gateway() as gateway:
        channel = gateway.channel("replay", Replay(path))
        with ThreadPoolExecutor(8) as pool:
            again = list(pool.map(lambda q: said(post(channel, question(q))), questions))
        over = post(channel, question("q0"))
        unknown = post(channel, question("never asked"))
        kinds = channel.counts().failed

    assert sorted(again) == sorted(live)
    assert len(set(again)) == 24
    assert [(reply.status_code, reply.headers["x-should-retry"]) for reply in (over, unknown)] == [
        (502, "false")
    ] * 2
    assert "Nearest is line" in unknown.json()["error"]["message"]
    assert kinds == {"replay_miss": 2}


def test_what_was_recorded_on_one_wire_replays_on_another(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Gateway() as gateway:
        channel = gateway.channel("live", Recording(Answering(ScriptedModel.of_replies(["kept"])), path))
        post(channel, CHAT)
    with Gateway() as gateway:
        channel = gateway.channel("replay", Replay(path))
        reply = post(channel, BODIES["gemini"], PATHS["gemini"])

    assert reply.json()["candidates"][0]["content"]["parts"] == [{"text": "kept"}]


def test_failed_calls_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    fails = iter([True, False])

    def answer(request: ModelRequest) -> str:
        if next(fails):
            raise ModelRateLimitError("slow down")
        return "at last"

    with Gateway() as gateway:
        channel = gateway.channel("live", Recording(Answering(ScriptedModel(answer)), path))
        statuses = [post(channel).status_code for _ in range(2)]
    with Gateway() as gateway:
        text = said(post(gateway.channel("replay", Replay(path))))

    assert (statuses, text) == ([429, 200], "at last")


def test_a_gateway_that_is_closed_early_records_the_calls_under_way(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    arrived = threading.Event()
    release = threading.Event()

    def answer(request: ModelRequest) -> str:
        arrived.set()
        release.wait(5)
        return "x"

    config = GatewayConfig(log_path=path)
    gateway = Gateway(config)
    gateway.__enter__()
    channel = gateway.channel("c", Answering(ScriptedModel(answer)))
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(post, channel)
        arrived.wait(5)
        threading.Timer(0.1, release.set).start()
        gateway.close()
        with pytest.raises(httpx2.RemoteProtocolError):
            pending.result()

    assert [call.error_kind for call in read_calls(path)] == ["caller_gone"]
