"""Replies of OpenAI's responses interface, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from honing.errors import ModelReplyError
from honing.llm.base import Finish, ModelReply, ModelRequest, ToolCall, Usage
from honing.llm.wires.events import EventParser, cut, event, pieces
from honing.llm.wires.fields import Fields, compact_json
from honing.llm.wires.identity import call_id, reply_id
from honing.llm.wires.logprobs import read_logprobs, written_logprobs
from honing.llm.wires.refusals import printable, redact
from honing.llm.wires.usage import checked, tokens

_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_BESIDE = {
    *("reasoning", "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"),
    *("mcp_call", "mcp_list_tools", "mcp_approval_request", "compaction"),
}
"""Items that a server adds for its own tools and thoughts; the answer stands in others."""
_INCOMPLETE = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER}


def read_response(body: Mapping[str, Any]) -> ModelReply:
    """Read an unstreamed reply; raises ModelReplyError where it holds no answer."""
    fields = Fields(body, "", ModelReplyError)
    if fields.has("error"):
        fields.refuse("error", "a reply without an error")
    finish = _ending(fields)
    texts: list[str] = []
    calls: list[ToolCall] = []
    logprobs: list[Mapping[str, Any]] | None = None
    if not fields.has("output"):
        fields.refuse("output", "a list of items")
    for item in fields.each("output"):
        kind = item.text("type")
        if kind in _CALLS:
            calls.append(_call(item, _CALLS[kind], len(calls)))
        elif kind == "message":
            for part in item.each("content"):
                finish = _read_part(part, texts, finish)
                if part.has("logprobs"):
                    logprobs = [*(logprobs or []), *read_logprobs(part, "logprobs")]
        elif kind not in _BESIDE:
            item.refuse("type", "message, function_call or another kind of item this wire defines")
    if finish is Finish.STOP and not texts and not calls:
        fields.refuse("output", "a message or a function call")
    return ModelReply(
        text="".join(texts),
        finish=Finish.TOOL_CALLS if calls and finish is Finish.STOP else finish,
        tool_calls=tuple(calls),
        usage=_usage(fields.within_or_empty("usage")),
        model=fields.text_or("model", ""),
        logprobs=None if logprobs is None else tuple(logprobs),
    )


def _ending(fields: Fields) -> Finish:
    status = fields.text("status")
    if status == "completed":
        return Finish.STOP
    if status != "incomplete":
        fields.refuse("status", "completed or incomplete")
    details = fields.within("incomplete_details")
    finish = _INCOMPLETE.get(details.text("reason"))
    return details.refuse("reason", f"one of {', '.join(_INCOMPLETE)}") if finish is None else finish


def _read_part(part: Fields, texts: list[str], finish: Finish) -> Finish:
    match part.text("type"):
        case "output_text":
            texts.append(part.text("text"))
            return finish
        case "refusal":
            texts.append(part.text("refusal"))
            return Finish.CONTENT_FILTER
        case _:
            return part.refuse("type", "output_text or refusal")


def _call(item: Fields, arguments: str, index: int) -> ToolCall:
    name, written = item.text("name"), item.text(arguments)
    return ToolCall(
        id=item.text_or("call_id", "") or call_id(name, written, index), name=name, arguments=written
    )


def _usage(fields: Fields) -> Usage:
    return checked(
        fields,
        Usage(
            input_tokens=tokens(fields, "input_tokens"),
            output_tokens=tokens(fields, "output_tokens"),
            cached_tokens=tokens(fields.within_or_empty("input_tokens_details"), "cached_tokens"),
            reasoning_tokens=tokens(fields.within_or_empty("output_tokens_details"), "reasoning_tokens"),
        ),
    )


def written_response(reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
    """The JSON body of an unstreamed reply."""
    reason = next((name for name, finish in _INCOMPLETE.items() if finish is reply.finish), None)
    return {
        **_head(reply, request),
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": _written_output(reply, request),
        **_written_usage(reply.usage),
    }


def _head(reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
    return {
        "id": f"resp_{reply_id(reply, request)}",
        "object": "response",
        "created_at": 0,
        "error": None,
        "model": reply.model or request.model,
    }


def _written_output(reply: ModelReply, request: ModelRequest) -> list[dict[str, Any]]:
    ident = reply_id(reply, request)
    items: list[dict[str, Any]] = []
    if reply.text or reply.logprobs is not None or not reply.tool_calls:
        part: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": []}
        if reply.logprobs is not None:
            part["logprobs"] = written_logprobs(reply.logprobs)
        items.append(
            {
                "type": "message",
                "id": f"msg_{ident}",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    items += [
        {
            "type": "function_call",
            "id": f"fc_{ident}_{index}",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for index, call in enumerate(reply.tool_calls)
    ]
    return items


def _written_usage(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if usage.input_tokens is not None:
        found["input_tokens"] = usage.input_tokens
    if usage.output_tokens is not None:
        found["output_tokens"] = usage.output_tokens
    if len(found) == 2:
        found["total_tokens"] = sum(found.values())
    if usage.cached_tokens is not None:
        found["input_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        found["output_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return {"usage": found} if found else {}


def response_events(reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
    """The reply as the sequence of events that Codex and OpenAI's own libraries follow."""
    whole = written_response(reply, request)
    begun = {**_head(reply, request), "status": "in_progress", "output": []}
    events = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun})]
    for index, item in enumerate(whole["output"]):
        events += _item_events(index, item)
    events.append((f"response.{whole['status']}", {"response": whole}))
    for number, (name, fields) in enumerate(events):
        yield event({"type": name, "sequence_number": number, **fields}, name=name)


def _item_events(index: int, item: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        added = {**item, "status": "in_progress", "arguments": ""}
        arguments = "response.function_call_arguments"
        inner = [
            (f"{arguments}.delta", {**place, "delta": item["arguments"]}),
            (f"{arguments}.done", {**place, "arguments": item["arguments"]}),
        ]
    else:
        added = {**item, "status": "in_progress", "content": []}
        part, text = item["content"][0], item["content"][0]["text"]
        place = {**place, "content_index": 0}
        inner = [
            ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
            *(("response.output_text.delta", {**place, "delta": piece}) for piece in pieces(text)),
            ("response.output_text.done", {**place, "text": text}),
            ("response.content_part.done", {**place, "part": part}),
        ]
    return [
        ("response.output_item.added", {"output_index": index, "item": added}),
        *inner,
        ("response.output_item.done", {"output_index": index, "item": item}),
    ]


class ResponsesStream(EventParser):
    """Collects finished items; the terminal event holds the rest of the reply."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Any] = []
        self._model = ""
        self._body: dict[str, Any] | None = None

    def _take(self, data: Fields) -> str:
        match data.text("type"):
            case "response.created":
                self._model = data.within("response").text_or("model", "")
            case "response.output_text.delta":
                return data.text("delta")
            case "response.output_item.done":
                self._items.append(data.mapping("item"))
            case "response.completed" | "response.incomplete" as name:
                self._end(data.within("response"), name.removeprefix("response."))
            case "response.failed" | "response.cancelled" | "error" as name:
                raise ModelReplyError(f"it ended in {name}: {printable(redact(compact_json(data.body)))}")
        return ""

    def _end(self, response: Fields, status: str) -> None:
        self._ended = True
        # Some servers leave out of the last event what they said before: the items, the model, the status.
        self._body = {"status": status, "model": self._model, **response.body}
        if not response.sequence("output"):
            self._body["output"] = self._items

    def _reply(self) -> ModelReply:
        if self._body is None:
            raise cut("response.completed")
        return read_response(self._body)
