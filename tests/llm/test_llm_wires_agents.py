"""Requests as coding agents really send them."""

from __future__ import annotations

from typing import Any

import pytest

from honing.llm import (
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
SCHEMA = {"type": "object", "properties": {"cmd": {"type": "string"}}}
STREAM_PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"

CHAT_BODY = {
    "model": "scripted",
    "messages": [
        {"role": "developer", "content": "You are an agent."},
        {"role": "user", "content": [{"type": "text", "text": "List"}, {"type": "text", "text": "files."}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "I should look.",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "bash", "arguments": '{"cmd": "ls"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "README.md"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "bash",
                "description": "Runs a command.",
                "parameters": SCHEMA,
                "strict": False,
            },
        }
    ],
    "tool_choice": "auto",
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_completion_tokens": 500,
    "temperature": 0,
    "parallel_tool_calls": True,
    "prompt_cache_key": "session",
}
RESPONSES_BODY = {
    "model": "scripted",
    "instructions": "You are an agent.",
    "input": [
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "List"}, {"type": "input_text", "text": "files."},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "bash",
         "arguments": '{"cmd": "ls"}'},
        {"type": "function_call_output", "call_id": "call_a", "output": "README.md"},
    ],
    "tools": [
        {"type": "function", "name": "bash", "description": "Runs a command.", "strict": False,
         "parameters": SCHEMA},
    ],
    "tool_choice": "auto",
    "stream": True,
    "temperature": 0,
    "max_output_tokens": 500,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "session",
    "parallel_tool_calls": False,
}  # fmt: skip
MESSAGES_BODY = {
    "model": "scripted",
    "max_tokens": 500,
    "temperature": 0,
    "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "List"},
            {"type": "text", "text": "files.", "cache_control": {"type": "ephemeral"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "call_a", "name": "bash", "input": {"cmd": "ls"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_a",
             "content": [{"type": "text", "text": "README.md"}]},
        ]},
    ],
    "tools": [{"name": "bash", "description": "Runs a command.", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto"},
    "stream": True,
    "metadata": {"user_id": "someone"},
}  # fmt: skip
GEMINI_BODY = {
    "systemInstruction": {"role": "user", "parts": [{"text": "You are an agent."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "List"}, {"text": "files."}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "bash", "args": {"cmd": "ls"}}, "thoughtSignature": "AbC="},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "bash", "response": {"output": "README.md"}}},
        ]},
    ],
    "tools": [{"functionDeclarations": [
        {"name": "bash", "description": "Runs a command.", "parametersJsonSchema": SCHEMA},
    ]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {"temperature": 0, "maxOutputTokens": 500},
}  # fmt: skip


def expected(arguments: str = '{"cmd":"ls"}', ident: str = "call_a", model: str = "scripted") -> ModelRequest:
    return ModelRequest(
        model=model,
        messages=(
            Message(Role.SYSTEM, "You are an agent."),
            Message(Role.USER, "List\nfiles."),
            Message(Role.ASSISTANT, "", tool_calls=(ToolCall(ident, "bash", arguments),)),
            Message(Role.TOOL, "README.md", tool_call_id=ident),
        ),
        sampling=Sampling(temperature=0, max_tokens=500),
        tools=({"name": "bash", "description": "Runs a command.", "parameters": SCHEMA},),
        tool_choice="auto",
        stream=True,
    )


@pytest.mark.parametrize(
    ("wire", "path", "body", "request_"),
    [
        (CHAT, "/v1/chat/completions", CHAT_BODY, expected('{"cmd": "ls"}')),
        (RESPONSES, "/v1/responses", RESPONSES_BODY, expected('{"cmd": "ls"}')),
        (MESSAGES, "/v1/messages?beta=true", MESSAGES_BODY, expected()),
        (GEMINI, STREAM_PATH + "?alt=sse", GEMINI_BODY, expected(ident="call_0", model="gemini-2.5-flash")),
    ],
    ids=["as OpenCode", "as Codex", "as Claude Code", "as Gemini CLI"],
)
def test_a_coding_agents_request_is_read_whole(
    wire: Wire, path: str, body: dict[str, Any], request_: ModelRequest
) -> None:
    assert wire_for("POST", path) is wire
    assert wire.parse_request(path, body) == request_
