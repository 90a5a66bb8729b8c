"""Streams as providers send them, and as coding agents expect them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from loopback import ANSWER, QUESTION

from honing.errors import ModelReplyError
from honing.llm import WIRES, Finish, ModelReply, ToolCall, Usage, Wire, wire_named
from honing.llm.wires import CutReplyError

CHAT, RESPONSES, MESSAGES, GEMINI = (
    wire_named(name) for name in ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
)
each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
CALLING = replace(
    ANSWER,
    text="Let me look.",
    finish=Finish.TOOL_CALLS,
    tool_calls=(ToolCall("call_a", "bash", '{"cmd":"ls"}'),),
    usage=Usage(input_tokens=100, output_tokens=20, cached_tokens=7, reasoning_tokens=3),
)


def stream(*events: Any, end: str = "\n\n") -> bytes:
    """Events as bytes; a mapping is sent as JSON, with its type as the event's name where it has one."""
    found = b""
    for event in events:
        text = event if isinstance(event, str) else json.dumps(event)
        named = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
        found += f"{named}data: {text}{end}".encode()
    return found


def read(wire: Wire, data: bytes) -> ModelReply:
    parser = wire.stream_parser()
    parser.feed(data)
    return parser.finish()


def delta(content: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": content, "finish_reason": finish}], **more}


def test_a_chat_stream_in_many_pieces_is_one_reply() -> None:
    def call(index: int, **fields: Any) -> dict[str, Any]:
        return delta({"tool_calls": [{"index": index, **fields}]})

    data = stream(
        ": a comment keeps the line open",
        delta({"role": "assistant", "content": ""}),
        delta({"reasoning_content": "hm"}),
        delta({"content": "Let me "}),
        delta({"content": "look."}),
        call(0, id="a", type="function", function={"name": "bash", "arguments": ""}),
        call(0, function={"arguments": '{"cmd":'}),
        call(1, id="b", type="function", function={"name": "read", "arguments": "{}"}),
        call(0, function={"arguments": '"ls"}'}),
        delta({}, "tool_calls"),
        {"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        "[DONE]",
    ).replace(b"data: : a", b": a")

    assert read(CHAT, data) == ModelReply(
        text="Let me look.",
        finish=Finish.TOOL_CALLS,
        tool_calls=(ToolCall("a", "bash", '{"cmd":"ls"}'), ToolCall("b", "read", "{}")),
        usage=Usage(input_tokens=3, output_tokens=2),
        model="m",
    )


def test_codex_shortest_stream_is_a_reply() -> None:
    data = stream(
        {"type": "response.created", "response": {"id": "resp_0", "model": "m"}},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"type": "function_call", "call_id": "a", "name": "exec_command", "arguments": "{}"},
        },
        {
            "type": "response.completed",
            "response": {"id": "resp_0", "usage": {"input_tokens": 100, "output_tokens": 20}},
        },
    )

    assert read(RESPONSES, data) == ModelReply(
        text="",
        finish=Finish.TOOL_CALLS,
        tool_calls=(ToolCall("a", "exec_command", "{}"),),
        usage=Usage(input_tokens=100, output_tokens=20),
        model="m",
    )


def test_an_anthropic_stream_with_thoughts_pings_and_pieces_of_json_is_one_reply() -> None:
    def block(index: int, kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}

    def piece(index: int, kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}

    begun = {"model": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 10, "output_tokens": 1}}
    data = stream(
        {"type": "message_start", "message": begun},
        block(0, "thinking", thinking=""),
        {"type": "ping"},
        piece(0, "thinking_delta", thinking="hm"),
        piece(0, "signature_delta", signature="s"),
        {"type": "content_block_stop", "index": 0},
        block(1, "text", text=""),
        piece(1, "text_delta", text="four"),
        block(2, "tool_use", id="a", name="bash", input={}),
        piece(2, "input_json_delta", partial_json=""),
        piece(2, "input_json_delta", partial_json='{"cmd": '),
        piece(2, "input_json_delta", partial_json='"ls"}'),
        {"type": "a_future_event"},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 30}},
        {"type": "message_stop"},
    )

    assert read(MESSAGES, data) == ModelReply(
        text="four",
        finish=Finish.TOOL_CALLS,
        tool_calls=(ToolCall("a", "bash", '{"cmd":"ls"}'),),
        usage=Usage(input_tokens=15, output_tokens=30, cached_tokens=10),
        model="m",
    )


def test_a_gemini_stream_ends_with_its_bytes() -> None:
    def chunk(text: str, **more: Any) -> dict[str, Any]:
        return {"modelVersion": "m", "candidates": [{"content": {"parts": [{"text": text}]}, **more}]}

    parser = GEMINI.stream_parser()
    shown = parser.feed(stream(chunk("fo")) + stream(chunk("ur", finishReason="STOP")))

    assert (shown, parser.complete) == (["fo", "ur"], False)
    assert parser.finish() == ModelReply(text="four", model="m")


def test_a_prompt_that_gemini_blocks_is_a_filtered_reply_also_streamed() -> None:
    data = stream({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m"})

    assert read(GEMINI, data) == ModelReply(text="", finish=Finish.CONTENT_FILTER, model="m")


@each_wire
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 1000], ids=["byte by byte", "in large pieces"])
def test_every_line_end_and_every_cut_gives_the_same_reply(wire: Wire, end: bytes, size: int) -> None:
    reply = replace(CALLING, text="Grüße, 世界 🌍")
    data = b"\xef\xbb\xbf" + b"".join(wire.render_stream(reply, QUESTION)).replace(b"\n", end)
    parser = wire.stream_parser()
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])

    assert parser.finish() == reply


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_an_event_of_several_lines_is_one_event_however_it_is_cut(end: bytes) -> None:
    lines = json.dumps(delta({"content": "four"}, "stop"), indent=1).encode().split(b"\n")
    data = b"".join(b"data:" + line + end for line in lines) + end + b"data: [DONE]" + end + end
    parser = CHAT.stream_parser()
    for byte in data:
        parser.feed(bytes([byte]))

    assert parser.finish() == ModelReply(text="four", model="m")


@each_wire
def test_nothing_after_the_end_of_a_stream_changes_the_reply(wire: Wire) -> None:
    after = b": bye\n\n" if wire is GEMINI else b"data: not JSON\n\n" + b"x" * 100_000
    data = b"".join(wire.render_stream(CALLING, QUESTION)) + after

    assert read(wire, data) == CALLING


@each_wire
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"data: {'x'}\n\n", "Expecting property name"),
        (b"data: [1]\n\n", "expected an object in each event"),
        (b"data: \xff\xfe\n\n", "can't decode"),
        (b'data: {"error": {"message": "no credit"}}\n\n', "it carries an error"),
    ],
    ids=["malformed JSON", "no object", "no UTF-8", "an error"],
)
def test_one_bad_event_spoils_the_stream(wire: Wire, damage: bytes, said: str) -> None:
    events = list(wire.render_stream(CALLING, QUESTION))
    parser = wire.stream_parser()
    parser.feed(events[0] + damage + b"".join(events[1:]))

    assert parser.complete
    with pytest.raises(ModelReplyError, match=said) as caught:
        parser.finish()
    assert type(caught.value) is ModelReplyError


@each_wire
@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_event_of_our_own_fails_the_stream_and_hides_keys(wire: Wire, status: int) -> None:
    events = list(wire.render_stream(CALLING, QUESTION))
    data = events[0] + wire.render_stream_error(status, "went away, sk-abcdefgh12345678")

    with pytest.raises(ModelReplyError, match=r"went away, \[key removed\]"):
        read(wire, data)


@pytest.mark.parametrize(
    ("wire", "events", "missing"),
    [
        (CHAT, [delta({"content": "four"})], "without a finish_reason"),
        (CHAT, [delta({"content": "four"}, "stop")], "without data: \\[DONE\\]"),
        (RESPONSES, [{"type": "response.created", "response": {}}], "without response.completed"),
        (MESSAGES, [{"type": "message_start", "message": {}}], "without message_stop"),
        (GEMINI, [{"candidates": [{"content": {"parts": [{"text": "four"}]}}]}], "without a finishReason"),
        (CHAT, [], "without a finish_reason"),
    ],
)
def test_a_stream_that_was_cut_is_told_from_one_that_is_wrong(
    wire: Wire, events: list[Any], missing: str
) -> None:
    with pytest.raises(CutReplyError, match=missing):
        read(wire, stream(*events))


@pytest.mark.parametrize(
    ("wire", "events", "said"),
    [
        (CHAT, [{"choices": [{"index": 1, "delta": {"content": "x"}}]}], "index: expected 0"),
        (RESPONSES, [{"type": "response.failed", "response": {}}], "it ended in response.failed"),
        (RESPONSES, [{"type": "error", "message": "x"}], "it ended in error"),
        (
            MESSAGES,
            [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}],
            "never begun",
        ),
        (MESSAGES, [{"type": "content_block_stop"}, {"type": "message_stop"}], "stop_reason: expected"),
        (
            MESSAGES,
            [
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta"}},
            ],
            "type: expected one of text_delta",
        ),
        (GEMINI, [{"candidates": [{"index": 1}]}], "index: expected 0"),
    ],
)
def test_a_stream_that_is_not_what_its_wire_promises_is_refused(
    wire: Wire, events: list[Any], said: str
) -> None:
    with pytest.raises(ModelReplyError, match=said):
        read(wire, stream(*events))


def test_a_line_without_end_is_given_up() -> None:
    parser = CHAT.stream_parser()
    for _ in range(20):
        parser.feed(b"x" * 1024 * 1024)

    assert parser.complete
    with pytest.raises(ModelReplyError, match="a line is longer than 16777216 bytes"):
        parser.finish()


def test_usage_ends_a_chat_stream_only_where_it_was_asked_for() -> None:
    asked = b"".join(CHAT.render_stream(CALLING, replace(QUESTION, stream=True)))
    unasked = b"".join(CHAT.render_stream(CALLING, replace(QUESTION, stream=True, stream_usage=False)))

    assert (b'"usage"' in asked, b'"usage"' in unasked) == (True, False)
    assert read(CHAT, unasked) == replace(CALLING, usage=Usage())


def _kinds(data: bytes) -> list[str]:
    return [json.loads(line[6:])["type"] for line in data.decode().split("\n") if line.startswith("data: ")]


def test_responses_events_come_in_the_order_that_codex_follows() -> None:
    data = b"".join(RESPONSES.render_stream(CALLING, QUESTION))
    numbers = [
        json.loads(line[6:])["sequence_number"] for line in data.decode().split("\n") if line[:5] == "data:"
    ]

    assert _kinds(data) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert numbers == list(range(13))


def test_anthropic_events_come_in_the_order_that_claude_code_follows() -> None:
    data = b"".join(MESSAGES.render_stream(CALLING, QUESTION))

    assert data.startswith(b"event: message_start\ndata: {")
    assert _kinds(data) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
