"""Replies as providers send them: what counts as the answer, and what is never taken for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from loopback import ANSWER, QUESTION

from honing.errors import ModelReplyError
from honing.llm import WIRES, Finish, ModelReply, ToolCall, Usage, Wire, wire_named

CHAT, RESPONSES, MESSAGES, GEMINI = (
    wire_named(name) for name in ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
)
each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])


def chat(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def response(*output: Any, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"model": "m", "status": status, "output": list(output), **more}


def said(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def message(*content: Any, stop: Any = "end_turn", **more: Any) -> dict[str, Any]:
    return {"model": "m", "type": "message", "content": list(content), "stop_reason": stop, **more}


def gemini(*parts: Any, finish: Any = "STOP", **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    return {"modelVersion": "m", "candidates": [{"content": content, "finishReason": finish}], **more}


OUTPUT = {"type": "output_text", "text": "four"}
TEXT = {"type": "text", "text": "four"}


@pytest.mark.parametrize(
    ("wire", "body", "reply"),
    [
        (CHAT, chat({"content": "four", "reasoning_content": "2+2"}), ModelReply(text="four", model="m")),
        (CHAT, chat({"content": ""}), ModelReply(text="", model="m")),
        (CHAT, chat({"content": "", "reasoning": "long"}), ModelReply(text="", model="m")),
        (CHAT, chat({"content": None}, "length"), ModelReply(text="", finish=Finish.LENGTH, model="m")),
        (
            CHAT,
            chat({"content": None, "refusal": "I will not."}),
            ModelReply(text="I will not.", finish=Finish.CONTENT_FILTER, model="m"),
        ),
        (
            CHAT,
            chat({"content": [{"type": "thinking", "thinking": []}, TEXT, TEXT]}),
            ModelReply(text="fourfour", model="m"),
        ),
        (
            CHAT,
            chat({"content": None, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]}),
            ModelReply(text="", finish=Finish.TOOL_CALLS, tool_calls=(ToolCall("a", "f", "{"),), model="m"),
        ),
        (
            RESPONSES,
            response({"type": "reasoning", "summary": []}, {"type": "web_search_call"}, said(OUTPUT, OUTPUT)),
            ModelReply(text="fourfour", model="m"),
        ),
        (
            RESPONSES,
            response(said({"type": "refusal", "refusal": "no"})),
            ModelReply(text="no", finish=Finish.CONTENT_FILTER, model="m"),
        ),
        (
            RESPONSES,
            response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            ModelReply(text="", finish=Finish.LENGTH, model="m"),
        ),
        (
            RESPONSES,
            response(
                {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** Begin"}
            ),
            ModelReply(
                text="",
                finish=Finish.TOOL_CALLS,
                tool_calls=(ToolCall("a", "apply_patch", "*** Begin"),),
                model="m",
            ),
        ),
        (
            MESSAGES,
            message({"type": "thinking", "thinking": "2+2"}, TEXT),
            ModelReply(text="four", model="m"),
        ),
        (MESSAGES, message(), ModelReply(text="", model="m")),
        (MESSAGES, message(TEXT, stop="stop_sequence"), ModelReply(text="four", model="m")),
        (
            MESSAGES,
            message(TEXT, stop="refusal"),
            ModelReply(text="four", finish=Finish.CONTENT_FILTER, model="m"),
        ),
        (
            GEMINI,
            gemini({"text": "2+2", "thought": True}, {"text": "four", "thoughtSignature": "s"}),
            ModelReply(text="four", model="m"),
        ),
        (
            GEMINI,
            {"modelVersion": "m", "candidates": [{"finishReason": "MAX_TOKENS"}]},
            ModelReply(text="", finish=Finish.LENGTH, model="m"),
        ),
        (
            GEMINI,
            {"modelVersion": "m", "promptFeedback": {"blockReason": "SAFETY"}},
            ModelReply(text="", finish=Finish.CONTENT_FILTER, model="m"),
        ),
        (
            GEMINI,
            gemini({"text": "four"}, finish="RECITATION"),
            ModelReply(text="four", finish=Finish.CONTENT_FILTER, model="m"),
        ),
    ],
)
def test_an_answer_is_read_from_the_fields_its_wire_defines(
    wire: Wire, body: dict[str, Any], reply: ModelReply
) -> None:
    assert wire.parse_reply(body) == reply


@pytest.mark.parametrize(
    ("wire", "body", "told"),
    [
        (CHAT, {}, "choices: expected a list of exactly one choice, found nothing"),
        (CHAT, {"choices": []}, "choices: expected a list of exactly one choice"),
        (CHAT, {"choices": [chat({"content": "a"})["choices"][0]] * 2}, "exactly one choice"),
        (CHAT, {"choices": [{"text": "four", "finish_reason": "stop"}]}, "choices[0].message: expected"),
        (CHAT, chat({"content": "four"}, None), "finish_reason: expected a string, found null"),
        (CHAT, chat({"content": "four"}, "tired"), 'finish_reason: expected one of stop, length'),
        (CHAT, chat({"content": "four"}, "tool_calls"), "tool calls in the message"),
        (CHAT, chat({"content": None}), "choices[0].message.content: expected the answer's text, found null"),
        (CHAT, chat({"reasoning_content": "four"}), "content: expected the answer's text, found nothing"),
        (CHAT, chat({"content": "", "final": "four"}), "is empty while choices[0].message.final holds"),
        (CHAT, chat({"content": {"text": "four"}}), "content: expected a string"),
        (CHAT, chat({"content": [{"type": "hologram"}]}), "content[0].type: expected text"),
        (CHAT, chat({"content": None, "tool_calls": [{"id": "a"}]}), "tool_calls[0].function: expected"),
        (CHAT, {"error": {"message": "no credit"}}, "error: expected a reply without"),
        (RESPONSES, {"status": "completed"}, "output: expected a list of items, found nothing"),
        (RESPONSES, response(), "output: expected a message or a function call"),
        (RESPONSES, response({"type": "reasoning"}), "output: expected a message or a function call"),
        (RESPONSES, response(said(OUTPUT), status="in_progress"), "status: expected completed or incomplete"),
        (RESPONSES, response({"type": "telepathy"}), "output[0].type: expected message, function_call"),
        (RESPONSES, response(said({"type": "smell"})), "output[0].content[0].type: expected output_text"),
        (RESPONSES, response(status="incomplete", incomplete_details={"reason": "x"}), "reason: expected"),
        (RESPONSES, {"status": "failed", "error": {"message": "x"}}, "error: expected a reply without"),
        (MESSAGES, {"stop_reason": "end_turn"}, "content: expected a list of blocks, found nothing"),
        (MESSAGES, message({"type": "hologram"}), "content[0].type: expected text, tool_use"),
        (MESSAGES, message(TEXT, stop=None), "stop_reason: expected a string, found null"),
        (MESSAGES, message(TEXT, stop="tired"), "stop_reason: expected one of end_turn"),
        (MESSAGES, message(TEXT, stop="tool_use"), "a tool_use block in content"),
        (MESSAGES, message({"type": "tool_use", "id": "a", "name": "f", "input": "{}"}), "input: expected"),
        (MESSAGES, {"type": "error", "error": {"message": "x"}}, "error: expected a reply without"),
        (GEMINI, {"candidates": []}, "candidates: expected a list of exactly one candidate"),
        (GEMINI, gemini({"text": "four"}, finish=None), "finishReason: expected a string"),
        (GEMINI, gemini(finish="MALFORMED_FUNCTION_CALL"), "finishReason: expected one of STOP"),
        (GEMINI, gemini(), "content: expected a part with text or a function call"),
        (GEMINI, gemini({"text": "four", "thought": True}), "content: expected a part with text"),
        (GEMINI, gemini({"inlineData": {}}), "parts[0]: expected text or functionCall, found inlineData"),
        (GEMINI, gemini({"text": 4}), "parts[0].text: expected a string, found 4"),
    ],
)  # fmt: skip
def test_what_holds_no_answer_is_an_error_that_names_the_field(
    wire: Wire, body: dict[str, Any], told: str
) -> None:
    with pytest.raises(ModelReplyError) as caught:
        wire.parse_reply(body)

    assert told in str(caught.value)


def _grown(value: Any) -> Any:
    """The same document with an unknown field in every object."""
    if isinstance(value, dict):
        return {**{name: _grown(inner) for name, inner in value.items()}, "x_new": {"text": "five"}}
    return [_grown(inner) for inner in value] if isinstance(value, list) else value


@each_wire
def test_new_fields_everywhere_change_nothing(wire: Wire) -> None:
    calls = (ToolCall("a", "f", '{"x":1}'),)
    plain = wire.render_reply(ANSWER, QUESTION)
    calling = wire.render_reply(replace(ANSWER, tool_calls=calls, finish=Finish.TOOL_CALLS), QUESTION)

    assert wire.parse_reply(_grown(plain)) == ANSWER
    assert wire.parse_reply(_grown(calling)).text == ANSWER.text


@pytest.mark.parametrize(
    ("wire", "usage", "expected"),
    [
        (
            CHAT,
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(input_tokens=10, output_tokens=5, cached_tokens=4),
        ),
        (
            CHAT,
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(input_tokens=10, output_tokens=105, reasoning_tokens=100),
        ),
        (CHAT, {"prompt_tokens": None, "completion_tokens": 5}, Usage(output_tokens=5)),
        (
            RESPONSES,
            {"input_tokens": 9, "output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 7}},
            Usage(input_tokens=9, output_tokens=8, reasoning_tokens=7),
        ),
        (
            MESSAGES,
            {
                "input_tokens": 3,
                "cache_read_input_tokens": 90,
                "cache_creation_input_tokens": 7,
                "output_tokens": 5,
            },
            Usage(input_tokens=100, output_tokens=5, cached_tokens=90, cache_written_tokens=7),
        ),
        (
            GEMINI,
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 2,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 20,
                "cachedContentTokenCount": 6,
                "totalTokenCount": 37,
            },
            Usage(input_tokens=12, output_tokens=25, cached_tokens=6, reasoning_tokens=20),
        ),
    ],
)
def test_tokens_mean_the_same_whichever_way_a_provider_counts(
    wire: Wire, usage: dict[str, Any], expected: Usage
) -> None:
    assert wire.parse_reply(_with_usage(wire, usage)).usage == expected


def _with_usage(wire: Wire, usage: dict[str, Any]) -> dict[str, Any]:
    name = "usageMetadata" if wire is GEMINI else "usage"
    return {**wire.render_reply(ANSWER, QUESTION), name: usage}


@each_wire
@pytest.mark.parametrize("count", [-1, 10**9, 1.5, "12", True, [3]])
def test_absurd_token_counts_are_never_counted(wire: Wire, count: Any) -> None:
    names = {
        "openai_chat": "completion_tokens",
        "openai_responses": "output_tokens",
        "anthropic_messages": "output_tokens",
        "gemini": "candidatesTokenCount",
    }

    with pytest.raises(ModelReplyError, match="expected a whole number from 0 to 100000000"):
        wire.parse_reply(_with_usage(wire, {names[wire.name]: count}))


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (CHAT, {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}),
        (CHAT, {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}}),
        (RESPONSES, {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 6}}),
        (GEMINI, {"promptTokenCount": 5, "cachedContentTokenCount": 6}),
    ],
)
def test_a_part_greater_than_its_whole_is_no_count(wire: Wire, usage: dict[str, Any]) -> None:
    with pytest.raises(ModelReplyError, match=r"6 .* tokens cannot be part of 5"):
        wire.parse_reply(_with_usage(wire, usage))


def test_log_probabilities_are_read_from_both_shapes() -> None:
    entry = {"token": "four", "logprob": -0.1, "top": {"four": -0.1, "4": -2.5}}
    reply = replace(ANSWER, logprobs=(entry,))
    chosen = {
        "chosenCandidates": [{"token": "four", "tokenId": 7, "logProbability": -0.1}],
        "topCandidates": [
            {
                "candidates": [
                    {"token": "four", "logProbability": -0.1},
                    {"token": "4", "logProbability": -2.5},
                ]
            }
        ],
    }
    body = GEMINI.render_reply(ANSWER, QUESTION)
    body["candidates"][0]["logprobsResult"] = chosen

    assert GEMINI.parse_reply(body) == reply
    assert CHAT.render_reply(reply, QUESTION)["choices"][0]["logprobs"]["content"] == [
        {
            "token": "four",
            "logprob": -0.1,
            "bytes": [102, 111, 117, 114],
            "top_logprobs": [
                {"token": "four", "logprob": -0.1, "bytes": [102, 111, 117, 114]},
                {"token": "4", "logprob": -2.5, "bytes": [52]},
            ],
        }
    ]


@each_wire
def test_equal_calls_give_equal_bytes_and_other_turns_other_ids(wire: Wire) -> None:
    later = replace(QUESTION, messages=QUESTION.messages * 2)
    key = "responseId" if wire is GEMINI else "id"

    assert wire.render_reply(ANSWER, QUESTION) == wire.render_reply(ANSWER, QUESTION)
    assert wire.render_reply(ANSWER, QUESTION)[key] != wire.render_reply(ANSWER, later)[key]


def test_a_call_without_an_id_is_given_the_same_one_each_time() -> None:
    body = gemini({"functionCall": {"name": "f", "args": {"x": 1}}}, {"functionCall": {"name": "f"}})
    first, second = GEMINI.parse_reply(body).tool_calls, GEMINI.parse_reply(body).tool_calls

    assert first == second
    assert len({call.id for call in first}) == 2
    assert [call.arguments for call in first] == ['{"x":1}', "{}"]
