"""What a gateway asks of a source, and what it does with one that misbehaves."""

from __future__ import annotations

import time
from pathlib import Path

import plain_http
import pytest
from gateway_line import CHAT, PATHS

from honing.errors import HoningError, StoreError
from honing.llm import Channel, Gateway, GatewayConfig, ModelReply, ModelRequest, Usage
from honing.llm.sources import Answer, Call, Host, Quiet


class Watched(Quiet):
    """Answers "yes" and keeps what it was told, in order."""

    name = "watched"

    def __init__(self, *, keeps: bool = True, answers: bool = True) -> None:
        self.told: list[str] = []
        self.synced = 0
        self._keeps = keeps
        self._answers = answers

    def open(self, host: Host) -> None:
        self.told.append("open")

    async def answer(self, call: Call) -> Answer:
        self.told.append(f"answer {call.ordinal}")
        if not self._answers:
            raise ZeroDivisionError("a bug")
        return Answer(reply=ModelReply(text="yes", usage=Usage(input_tokens=1, output_tokens=1)))

    def settled(self, call: Call, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        self.told.append(f"settled {call.ordinal}")
        if not self._keeps:
            raise StoreError("r.jsonl: no space left on device")

    def sync(self) -> None:
        self.synced += 1

    async def close(self) -> None:
        self.told.append("close")


def post(channel: Channel) -> int:
    headers = {"x-api-key": channel.token}
    return plain_http.post(channel.base_url + PATHS["openai_chat"], json=CHAT, headers=headers).status_code


def test_a_source_is_opened_for_each_channel_asked_told_and_closed_once() -> None:
    source = Watched()
    with Gateway() as gateway:
        channels = [gateway.channel(name, source) for name in ("one", "two")]
        statuses = [post(channel) for channel in channels]

    assert statuses == [200, 200]
    assert source.told == ["open", "open", "answer 1", "settled 1", "answer 2", "settled 2", "close"]


def test_a_source_is_synced_while_the_gateway_runs() -> None:
    source = Watched()
    with Gateway(GatewayConfig(sync_interval_s=0.01)) as gateway:
        gateway.channel("c", source)
        deadline = time.monotonic() + 5
        while source.synced < 3 and time.monotonic() < deadline:
            time.sleep(0.005)

    assert source.synced >= 3


def test_an_answer_that_cannot_be_kept_is_not_given() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Watched(keeps=False))
        status = post(channel)
        [call] = channel.calls()

    assert (status, call.error_kind, call.text) == (500, "recording", "")
    assert call.error == "r.jsonl: no space left on device"


def test_a_bug_in_a_source_is_a_recorded_failure() -> None:
    with Gateway() as gateway:
        channel = gateway.channel("c", Watched(answers=False))
        status = post(channel)
        [call] = channel.calls()

    assert (status, call.error_kind, call.error) == (
        500,
        "answerer",
        "the answerer failed: ZeroDivisionError: a bug",
    )


def test_a_gateway_that_cannot_make_its_socket_says_why(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("something else")

    with pytest.raises(HoningError, match=r"starting the gateway: .*a file of another kind is in the way"):
        Gateway(GatewayConfig(socket_path=path)).__enter__()


def test_the_bundled_prices_are_used_unless_others_are_given() -> None:
    from honing.llm.gateway import bundled_price
    from honing.llm.prices import cost

    usage = Usage(input_tokens=1000, output_tokens=1000)

    assert bundled_price("no-such-model-anywhere", usage) is None
    assert GatewayConfig().price("gpt-4o", usage) == cost("gpt-4o", usage) is not None


def test_a_model_request_is_read_the_same_way_by_gateway_and_source() -> None:
    seen: list[ModelRequest] = []

    class Looking(Watched):
        async def answer(self, call: Call) -> Answer:
            seen.append(call.request)
            return await super().answer(call)

    with Gateway() as gateway:
        channel = gateway.channel("c", Looking())
        post(channel)
        [call] = channel.calls()

    assert [(request.model, request.messages[0].text) for request in seen] == [("m", "hello")]
    assert (call.model, call.messages) == ("m", [{"role": "user", "text": "hello"}])
