"""What of a request is carried to another wire, what is named as not carried, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from honing.errors import ModelRequestError
from honing.llm import (
    WIRES,
    Message,
    ModelRequest,
    Role,
    Sampling,
    ToolCall,
    Wire,
    wire_for,
    wire_named,
)

CHAT, RESPONSES, MESSAGES, GEMINI = (wire_named(name) for name in (
    "openai_chat", "openai_responses", "anthropic_messages", "gemini",
))  # fmt: skip
each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
PIXEL = "iVBORw0KGgo="
STREAM_PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"


@pytest.mark.parametrize(
    ("wire", "extra", "uncarried"),
    [
        (CHAT, {"presence_penalty": 0.5, "reasoning_effort": "low"},
         ("presence_penalty", "reasoning_effort")),
        (CHAT, {"frequency_penalty": 0, "logit_bias": {}, "n": 1}, ()),
        (CHAT, {"tools": [{"type": "web_search"}]}, ("tools[0] (web_search)",)),
        (CHAT, {"response_format": {"type": "grammar"}}, ("response_format (grammar)",)),
        (CHAT, {"tool_choice": {"type": "allowed_tools"}}, ("tool_choice (allowed_tools)",)),
        (RESPONSES, {"previous_response_id": "resp_1"}, ("previous_response_id",)),
        (RESPONSES, {"reasoning": {"effort": "high"}}, ("reasoning",)),
        (RESPONSES, {"text": {"verbosity": "low"}}, ("text.verbosity",)),
        (RESPONSES, {"tools": [{"type": "custom", "name": "apply_patch"}]}, ("tools[0] (custom)",)),
        (RESPONSES, {"input": [{"type": "item_reference", "id": "x"}, {"role": "user", "content": "a"}]},
         ("input[0] (item_reference)",)),
        (MESSAGES, {"top_k": 5, "thinking": {"type": "adaptive"}}, ("thinking", "top_k")),
        (MESSAGES, {"tools": [{"type": "bash_20250124", "name": "bash"}]}, ("tools[0] (bash_20250124)",)),
        (MESSAGES, {"output_config": {"effort": "low"}}, ("output_config.effort",)),
        (GEMINI, {"safetySettings": [{"category": "x"}]}, ("safetySettings",)),
        (GEMINI, {"generationConfig": {"topK": 3, "thinkingConfig": {"thinkingBudget": 1}}},
         ("generationConfig.thinkingConfig", "generationConfig.topK")),
        (GEMINI, {"tools": [{"googleSearch": {}}]}, ("tools[0] (googleSearch)",)),
    ],
)  # fmt: skip
def test_what_could_change_the_answer_and_is_not_carried_is_named(
    wire: Wire, extra: dict[str, Any], uncarried: tuple[str, ...]
) -> None:
    turn = {"contents": [{"parts": [{"text": "hi"}]}]} if wire is GEMINI else {"model": "m"}
    key = "input" if wire is RESPONSES else "messages"
    body = {**turn, **({} if wire is GEMINI else {key: [{"role": "user", "content": "hi"}]}), **extra}

    assert wire.parse_request(STREAM_PATH, body).uncarried == uncarried


IMAGE_PARTS = {
    "openai_chat": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    "openai_responses": {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
    "anthropic_messages": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
    },
    "gemini": {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
}


@pytest.mark.parametrize("first", WIRES, ids=[f"from {wire.name}" for wire in WIRES])
@pytest.mark.parametrize("second", WIRES, ids=[f"to {wire.name}" for wire in WIRES])
def test_an_image_survives_a_change_of_wire(first: Wire, second: Wire) -> None:
    asked = ModelRequest(
        model="m", messages=(Message(Role.USER, "What is this?", parts=(IMAGE_PARTS[first.name],)),)
    )
    arrived = first.parse_request(first.request_path(asked), first.render_request(asked))
    translated = second.parse_request(second.request_path(arrived), second.render_request(arrived))

    assert (arrived.messages, arrived.uncarried) == (asked.messages, ())
    assert translated.messages == (Message(Role.USER, "What is this?", parts=(IMAGE_PARTS[second.name],)),)


@pytest.mark.parametrize(
    ("wire", "part", "kind"),
    [
        (CHAT, {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, "input_audio"),
        (RESPONSES, {"type": "input_file", "file_id": "file_1"}, "input_file"),
        (MESSAGES, {"type": "document", "source": {"type": "text", "data": "x"}}, "document"),
        (GEMINI, {"inlineData": {"mimeType": "audio/wav", "data": "x"}}, "inlineData"),
    ],
)
def test_a_part_without_a_shape_elsewhere_is_named_and_not_sent_there(
    wire: Wire, part: dict[str, Any], kind: str
) -> None:
    asked = ModelRequest(model="m", messages=(Message(Role.USER, "Hear this", parts=(part,)),))
    arrived = wire.parse_request(wire.request_path(asked), wire.render_request(asked))

    assert arrived.messages == asked.messages
    assert [name.rpartition(" ")[2] for name in arrived.uncarried] == [f"({kind})"]
    for other in WIRES:
        if other is not wire and (wire, other) != (CHAT, RESPONSES):
            with pytest.raises(ModelRequestError, match=f"a part of kind '{kind}' cannot be sent"):
                other.render_request(arrived)


def test_hidden_thoughts_stay_on_their_own_wire_and_out_of_the_text() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "hello"}]},
        ],
    }
    request = MESSAGES.parse_request("/v1/messages", body)

    assert request.messages[1] == Message(Role.ASSISTANT, "hello", parts=(thought,))
    assert request.uncarried == ()
    assert MESSAGES.render_request(request)["messages"][1]["content"][0] == thought
    assert "hm" not in str([wire.render_request(request) for wire in (CHAT, RESPONSES, GEMINI)])


def test_results_of_several_calls_share_one_turn_where_the_wire_wants_it() -> None:
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))
    request = ModelRequest(
        model="m",
        messages=(
            Message(Role.USER, "go"),
            Message(Role.ASSISTANT, "", tool_calls=calls),
            Message(Role.TOOL, "one", tool_call_id="a"),
            Message(Role.TOOL, "two", tool_call_id="b"),
        ),
    )

    assert MESSAGES.render_request(request)["messages"][2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "one"},
            {"type": "tool_result", "tool_use_id": "b", "content": "two"},
        ],
    }
    assert [
        part["functionResponse"]["name"] for part in GEMINI.render_request(request)["contents"][2]["parts"]
    ] == [
        "f",
        "g",
    ]


def test_a_result_of_a_call_nobody_made_cannot_be_sent_to_gemini() -> None:
    request = ModelRequest(model="m", messages=(Message(Role.TOOL, "one", tool_call_id="lost"),))

    with pytest.raises(ModelRequestError, match="answers the call 'lost'"):
        GEMINI.render_request(request)


def test_gemini_calls_without_ids_are_answered_in_the_order_of_their_names() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"function_call": {"name": name, "args": {}}}

    def answer(name: str, text: str) -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": {"result": text}}}

    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "go"}]},
            {"role": "model", "parts": [call("f"), call("g"), call("f")]},
            {"role": "function", "parts": [answer("g", "2"), answer("f", "1"), answer("f", "3")]},
        ]
    }
    request = GEMINI.parse_request(STREAM_PATH, body)

    assert [(m.tool_call_id, m.text) for m in request.messages[2:]] == [
        ("call_1", "2"),
        ("call_0", "1"),
        ("call_2", "3"),
    ]


def test_gemini_takes_snake_case_and_its_own_dialect_of_schemas() -> None:
    body = {
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "contents": [{"parts": [{"text": "hi"}]}],
        "generation_config": {
            "max_output_tokens": 3,
            "stop_sequences": ["x"],
            "response_mime_type": "application/json",
            "response_schema": {"type": "ARRAY", "items": {"type": "STRING"}},
        },
        "tools": [
            {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {}}}]}
        ],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
    }
    request = GEMINI.parse_request("/v1beta/models/org%2Fm:generateContent", body)

    assert request == ModelRequest(
        model="org/m",
        messages=(Message(Role.SYSTEM, "be brief"), Message(Role.USER, "hi")),
        sampling=Sampling(max_tokens=3, stop=("x",)),
        tools=({"name": "f", "parameters": {"type": "object", "properties": {}}},),
        tool_choice={"name": "f"},
        response_format={"type": "json_schema", "schema": {"type": "array", "items": {"type": "string"}}},
    )


def test_anthropic_refuses_to_promise_json_it_cannot_ask_for() -> None:
    request = ModelRequest(
        model="m", messages=(Message(Role.USER, "hi"),), response_format={"type": "json_object"}
    )

    with pytest.raises(ModelRequestError, match="give a json_schema"):
        MESSAGES.render_request(request)


def test_a_tool_without_parameters_takes_none() -> None:
    request = ModelRequest(model="m", messages=(Message(Role.USER, "hi"),), tools=({"name": "now"},))

    assert MESSAGES.render_request(request)["tools"] == [
        {"name": "now", "input_schema": {"type": "object", "properties": {}}}
    ]
    assert GEMINI.render_request(request)["tools"] == [{"functionDeclarations": [{"name": "now"}]}]


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("wire", "body", "said"),
    [
        (CHAT, {"messages": user("hi")}, "model: expected a string, found nothing"),
        (CHAT, {"model": "m"}, "messages: expected a list of at least one message, found nothing"),
        (CHAT, {"model": "m", "messages": user("hi"), "n": 4}, "n: expected 1, or none at all"),
        (CHAT, {"model": "m", "messages": [{"role": "robot"}]}, "messages[0].role: expected one of system"),
        (CHAT, {"model": "m", "messages": ["hi"]}, 'messages[0]: expected an object, found "hi"'),
        (
            CHAT,
            {"model": "m", "messages": user([{"type": "text"}])},
            "messages[0].content[0].text: expected a",
        ),
        (
            CHAT,
            {"model": "m", "messages": user("hi"), "temperature": "hot"},
            "temperature: expected a number",
        ),
        (CHAT, {"model": "m", "messages": user("hi"), "temperature": True}, "temperature: expected a number"),
        (
            CHAT,
            {"model": "m", "messages": user("hi"), "max_tokens": 0},
            "max_tokens: expected a whole number",
        ),
        (CHAT, {"model": "m", "messages": user("hi"), "stop": [1]}, "stop: expected a string or a list of"),
        (CHAT, {"model": "m", "messages": user("hi"), "stream": "yes"}, "stream: expected true or false"),
        (CHAT, {"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (RESPONSES, {"model": "m"}, "input: expected a text or a list of at least one item, found nothing"),
        (
            RESPONSES,
            {"model": "m", "input": [{"type": "function_call"}]},
            "input[0].call_id: expected a string",
        ),
        (
            MESSAGES,
            {"model": "m", "messages": []},
            "messages: expected a list of at least one message, found []",
        ),
        (
            MESSAGES,
            {"model": "m", "messages": user("a"), "tool_choice": {"type": "x"}},
            "tool_choice.type: exp",
        ),
        (
            MESSAGES,
            {"model": "m", "messages": user("a"), "tools": [{"name": "f"}]},
            "tools[0].input_schema: exp",
        ),
        (GEMINI, {"contents": []}, "contents: expected a list of at least one content, found []"),
        (GEMINI, {"contents": [{"role": "x", "parts": []}]}, "contents[0].role: expected user or model"),
        (
            GEMINI,
            {"contents": [{"parts": []}], "generationConfig": {"candidateCount": 2}},
            "candidateCount: ex",
        ),
        (
            GEMINI,
            {"contents": [{"parts": [{"functionResponse": {"name": "f"}}]}]},
            "functionResponse.name: exp",
        ),
    ],
)
def test_a_request_no_server_would_take_is_refused_by_the_name_of_its_field(
    wire: Wire, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelRequestError) as caught:
        wire.parse_request(STREAM_PATH, body)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/chat/completions", "openai_chat"),
        ("POST", "/v1/chat/completions/", "openai_chat"),
        ("POST", "/openai/deployments/x/chat/completions?api-version=1", "openai_chat"),
        ("POST", "/v1/responses", "openai_responses"),
        ("POST", "/v1/messages?beta=true", "anthropic_messages"),
        ("POST", "/v1/models/m:generateContent", "gemini"),
        ("POST", "/v1beta/models/org/m:1:streamGenerateContent?alt=sse", "gemini"),
        ("GET", "/v1/chat/completions", None),
        ("POST", "/v1/completions", None),
        ("POST", "/v1/messages/count_tokens", None),
        ("POST", "/v1beta/models/m:countTokens", None),
        ("POST", "/v1/models", None),
        ("POST", "/", None),
    ],
)
def test_a_request_line_belongs_to_one_wire_or_none(method: str, path: str, name: str | None) -> None:
    found = wire_for(method, path)

    assert (None if found is None else found.name) == name
    assert sum(wire.matches(method, path) for wire in WIRES) == (name is not None)


@each_wire
def test_what_was_not_carried_changes_nothing_that_is_sent(wire: Wire) -> None:
    request = ModelRequest(model="m", messages=(Message(Role.USER, "hi"),))

    assert wire.render_request(replace(request, uncarried=("top_k",))) == wire.render_request(request)
