"""Replies of Anthropic's messages, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from honing.errors import ModelReplyError
from honing.llm.base import Finish, ModelReply, ModelRequest, ToolCall, Usage
from honing.llm.wires.arguments import arguments_object, arguments_text
from honing.llm.wires.events import EventParser, cut, event, pieces
from honing.llm.wires.fields import Fields, compact_json
from honing.llm.wires.identity import reply_id
from honing.llm.wires.usage import added, checked, tokens

_FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "pause_turn": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.CONTENT_FILTER,
}
"""`pause_turn` is a server's own tool that ran too long: like a limit, the turn could go on."""
_STOP_REASON = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
}
_BESIDE = {
    *("thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result"),
    *("web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result"),
    *("text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_use"),
    *("mcp_tool_result", "container_upload", "compaction"),
}
"""Blocks for thoughts and for the server's own tools; the answer stands in others."""
_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def read_anthropic_reply(body: Mapping[str, Any]) -> ModelReply:
    """Read an unstreamed reply; raises ModelReplyError where it holds no answer."""
    fields = Fields(body, "", ModelReplyError)
    if fields.has("error"):
        fields.refuse("error", "a reply without an error")
    if not fields.has("content"):
        fields.refuse("content", "a list of blocks")
    texts: list[str] = []
    calls: list[ToolCall] = []
    for block in fields.each("content"):
        match block.text("type"):
            case "text":
                texts.append(block.text("text"))
            case "tool_use":
                arguments = arguments_text(block.mapping("input"))
                calls.append(ToolCall(block.text("id"), block.text("name"), arguments))
            case kind if kind not in _BESIDE:
                block.refuse("type", "text, tool_use or another kind of block this wire defines")
    return ModelReply(
        text="".join(texts),
        finish=_finish(fields, calls),
        tool_calls=tuple(calls),
        usage=_usage(fields.within_or_empty("usage")),
        model=fields.text_or("model", ""),
    )


def _finish(fields: Fields, calls: list[ToolCall]) -> Finish:
    finish = _FINISH.get(fields.text("stop_reason"))
    if finish is None:
        fields.refuse("stop_reason", f"one of {', '.join(_FINISH)}")
    if finish is Finish.TOOL_CALLS and not calls:
        fields.refuse("stop_reason", "a tool_use block in content, since it says there is one")
    return Finish.TOOL_CALLS if finish is Finish.STOP and calls else finish


def _usage(fields: Fields) -> Usage:
    # This wire counts what came from a cache beside `input_tokens`, not in it.
    cached = tokens(fields, "cache_read_input_tokens")
    fresh = tokens(fields, "input_tokens")
    written = tokens(fields, "cache_creation_input_tokens")
    return checked(
        fields,
        Usage(
            input_tokens=None if fresh is None else added(fresh, cached, written),
            output_tokens=tokens(fields, "output_tokens"),
            cached_tokens=cached,
            cache_written_tokens=written,
            reasoning_tokens=tokens(fields.within_or_empty("output_tokens_details"), "thinking_tokens"),
        ),
    )


def _written_usage(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if usage.input_tokens is not None:
        beside = (usage.cached_tokens or 0) + (usage.cache_written_tokens or 0)
        found["input_tokens"] = usage.input_tokens - beside
    if usage.cached_tokens is not None:
        found["cache_read_input_tokens"] = usage.cached_tokens
    if usage.cache_written_tokens is not None:
        found["cache_creation_input_tokens"] = usage.cache_written_tokens
    if usage.output_tokens is not None:
        found["output_tokens"] = usage.output_tokens
    if usage.reasoning_tokens is not None:
        found["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return found


def written_anthropic_reply(reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
    """The JSON body of an unstreamed reply."""
    return {
        "id": f"msg_{reply_id(reply, request)}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or request.model,
        "content": _written_blocks(reply),
        "stop_reason": _STOP_REASON[reply.finish],
        "stop_sequence": None,
        "usage": _written_usage(reply.usage),
    }


def _written_blocks(reply: ModelReply) -> list[dict[str, Any]]:
    text = [{"type": "text", "text": reply.text}] if reply.text else []
    return [
        *text,
        *(
            {"type": "tool_use", "id": c.id, "name": c.name, "input": arguments_object(c.arguments)}
            for c in reply.tool_calls
        ),
    ]


def anthropic_events(reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
    """The reply as events, block by block."""

    def named(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, **fields}, name=kind)

    whole = written_anthropic_reply(reply, request)
    usage = whole["usage"]
    begun = {**usage, "output_tokens": 0} if "output_tokens" in usage else usage
    yield named("message_start", message={**whole, "content": [], "stop_reason": None, "usage": begun})
    for index, block in enumerate(whole["content"]):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        yield named("content_block_start", index=index, content_block=empty)
        for delta in _written_deltas(block):
            yield named("content_block_delta", index=index, delta=delta)
        yield named("content_block_stop", index=index)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield named("message_delta", delta=ending, usage=usage)
    yield named("message_stop")


def _written_deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    else:
        yield {"type": "input_json_delta", "partial_json": compact_json(block["input"])}


class AnthropicStream(EventParser):
    """Assembles blocks from their deltas into the reply they are pieces of."""

    def __init__(self) -> None:
        super().__init__()
        self._body: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}

    def _take(self, data: Fields) -> str:
        match data.text("type"):
            case "message_start":
                self._body = dict(data.mapping("message"))
            case "content_block_start":
                block = dict(data.mapping("content_block"))
                self._blocks[self._index(data)] = block
                return str(block.get("text") or "") if block.get("type") == "text" else ""
            case "content_block_delta":
                return self._take_delta(self._index(data), data.within("delta"))
            case "message_delta":
                self._body.update(data.mapping("delta"))
                usage = data.within_or_empty("usage").body
                stated = {name: value for name, value in usage.items() if value is not None}
                self._body["usage"] = {**(self._body.get("usage") or {}), **stated}
            case "message_stop":
                self._ended = True
        return ""

    @staticmethod
    def _index(data: Fields) -> int:
        index = data.count("index")
        return data.refuse("index", "the number of a block") if index is None else index

    def _take_delta(self, index: int, delta: Fields) -> str:
        block = self._blocks.get(index)
        if block is None:
            raise ModelReplyError(f"a delta belongs to block {index}, which was never begun")
        kind = delta.text("type")
        if kind == "input_json_delta":
            self._inputs[index] = self._inputs.get(index, "") + delta.text("partial_json")
        elif kind in _DELTAS:
            name = _DELTAS[kind]
            block[name] = str(block.get(name) or "") + delta.text(name)
            return delta.text(name) if kind == "text_delta" else ""
        elif block.get("type") not in _BESIDE and kind != "citations_delta":
            delta.refuse("type", f"one of {', '.join(_DELTAS)}, input_json_delta")
        return ""

    def _reply(self) -> ModelReply:
        if not self._ended:
            raise cut("message_stop")
        for index, text in self._inputs.items():
            self._blocks[index]["input"] = arguments_object(text)
        content = [self._blocks[index] for index in sorted(self._blocks)]
        return read_anthropic_reply({**self._body, "content": content})
