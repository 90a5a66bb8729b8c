"""Replies of OpenAI's chat completions, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from honing.errors import ModelReplyError
from honing.llm.base import Finish, ModelReply, ModelRequest, ToolCall, Usage
from honing.llm.wires.events import EventParser, cut, event, pieces
from honing.llm.wires.fields import Fields
from honing.llm.wires.identity import call_id, reply_id
from honing.llm.wires.logprobs import read_logprobs, written_logprobs
from honing.llm.wires.openai_shapes import written_calls
from honing.llm.wires.usage import checked, tokens

_DONE = "[DONE]"
_FINISH = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
}
_MESSAGE = {
    *("role", "name", "content", "tool_calls", "refusal", "annotations"),
    *("reasoning", "reasoning_content", "reasoning_details"),
}
"""A message's known fields. Reasoning is not the answer and stays out of it."""
_HIDDEN_CONTENT = {"thinking", "reasoning"}


def read_chat_reply(body: Mapping[str, Any]) -> ModelReply:
    """Read an unstreamed reply; raises ModelReplyError where it holds no answer."""
    fields = Fields(body, "", ModelReplyError)
    if fields.has("error"):
        fields.refuse("error", "a reply without an error")
    choices = list(fields.each("choices"))
    if len(choices) != 1:
        fields.refuse("choices", "a list of exactly one choice")
    choice = choices[0]
    message = choice.within("message")
    calls = tuple(_call(call, i) for i, call in enumerate(message.each("tool_calls")))
    finish = _finish(choice, calls)
    text = _text(message)
    if text is None:
        text = message.text_or("refusal", "")
        finish = Finish.CONTENT_FILTER if text else finish
        if finish is Finish.STOP:
            message.refuse("content", "the answer's text")
    if not text and finish is Finish.STOP and message.beyond(_MESSAGE):
        raise ModelReplyError(
            f"{message.where}: the answer's text is empty while {', '.join(message.beyond(_MESSAGE))} holds "
            "something this wire does not define; expected the answer in content or tool_calls"
        )
    return ModelReply(
        text=text,
        finish=finish,
        tool_calls=calls,
        usage=_usage(fields.within_or_empty("usage")),
        model=fields.text_or("model", ""),
        logprobs=_logprobs(choice),
    )


def _finish(choice: Fields, calls: tuple[ToolCall, ...]) -> Finish:
    finish = _FINISH.get(choice.text("finish_reason"))
    if finish is None:
        choice.refuse("finish_reason", f"one of {', '.join(_FINISH)}")
    if finish is Finish.TOOL_CALLS and not calls:
        choice.refuse("finish_reason", "tool calls in the message, since it says there are some")
    # Some local servers say "stop" beside their tool calls.
    return Finish.TOOL_CALLS if finish is Finish.STOP and calls else finish


def _text(message: Fields) -> str | None:
    content = message.body.get("content")
    if not isinstance(content, list):
        return message.text("content") if message.has("content") else None
    texts = []
    for part in message.each("content"):
        if part.text("type") == "text":
            texts.append(part.text("text"))
        elif part.text("type") not in _HIDDEN_CONTENT:
            part.refuse("type", f"text, {' or '.join(sorted(_HIDDEN_CONTENT))}")
    return "".join(texts)


def _call(fields: Fields, index: int) -> ToolCall:
    if fields.text_or("type", "function") == "custom":
        inner = fields.within("custom")
        arguments = inner.text("input")
    else:
        inner = fields.within("function")
        arguments = inner.text_or("arguments", "")
    name = inner.text("name")
    return ToolCall(
        id=fields.text_or("id", "") or call_id(name, arguments, index), name=name, arguments=arguments
    )


def _usage(fields: Fields) -> Usage:
    output = tokens(fields, "completion_tokens")
    reasoning = tokens(fields.within_or_empty("completion_tokens_details"), "reasoning_tokens")
    given = tokens(fields, "prompt_tokens")
    total = tokens(fields, "total_tokens")
    if output is not None and reasoning and total == (given or 0) + output + reasoning:
        # Some servers (xAI's) state hidden tokens beside the shown ones; their total tells.
        output += reasoning
    return checked(
        fields,
        Usage(
            input_tokens=given,
            output_tokens=output,
            cached_tokens=tokens(fields.within_or_empty("prompt_tokens_details"), "cached_tokens"),
            reasoning_tokens=reasoning,
        ),
    )


def _logprobs(choice: Fields) -> tuple[Mapping[str, Any], ...] | None:
    if not choice.has("logprobs"):
        return None
    logprobs = choice.within("logprobs")
    return read_logprobs(logprobs, "content") if logprobs.has("content") else None


def written_chat_reply(reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
    """The JSON body of an unstreamed reply."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.tool_calls:
        message["content"] = reply.text or None
        message["tool_calls"] = written_calls(reply.tool_calls)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _written_logprobs(reply),
        "finish_reason": reply.finish.value,
    }
    body = {**_head(reply, request, "chat.completion"), "choices": [choice]}
    usage = _written_usage(reply.usage)
    return {**body, "usage": usage} if usage else body


def _head(reply: ModelReply, request: ModelRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply_id(reply, request)}",
        "object": kind,
        "created": 0,
        "model": reply.model or request.model,
    }


def _written_logprobs(reply: ModelReply) -> dict[str, Any] | None:
    return None if reply.logprobs is None else {"content": written_logprobs(reply.logprobs)}


def _written_usage(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if usage.input_tokens is not None:
        found["prompt_tokens"] = usage.input_tokens
    if usage.output_tokens is not None:
        found["completion_tokens"] = usage.output_tokens
    if len(found) == 2:
        found["total_tokens"] = sum(found.values())
    if usage.cached_tokens is not None:
        found["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return found


def chat_events(reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
    """The reply as chunks, the usage where it was asked for, and the mark of the end."""
    head = _head(reply, request, "chat.completion.chunk")

    def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
        return event({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": None if reply.tool_calls and not reply.text else ""})
    if reply.logprobs is not None:
        yield chunk({}, logprobs=_written_logprobs(reply))
    for piece in pieces(reply.text):
        yield chunk({"content": piece})
    for index, call in enumerate(written_calls(reply.tool_calls)):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    yield chunk({}, reply.finish.value)
    usage = _written_usage(reply.usage)
    if usage and request.stream_usage:
        yield event({**head, "choices": [], "usage": usage})
    yield event(_DONE)


class ChatStream(EventParser):
    """Assembles chunks into the reply they are pieces of."""

    def __init__(self) -> None:
        super().__init__()
        self._content: list[str] = []
        self._message: dict[str, Any] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] | None = None
        self._finish: str | None = None
        self._body: dict[str, Any] = {}

    def _sentinel(self, text: str) -> bool:
        self._ended = text == _DONE
        return self._ended

    def _take(self, data: Fields) -> str:
        for name in ("model", "usage"):
            if data.has(name):
                self._body[name] = data.body[name]
        text = ""
        for choice in data.each("choices"):
            if choice.count("index"):
                choice.refuse("index", "0, since one answer was asked for")
            self._finish = choice.text_or("finish_reason", "") or self._finish
            if choice.has("logprobs"):
                self._logprobs = [*(self._logprobs or []), *choice.within("logprobs").sequence("content")]
            text += self._take_delta(choice.within_or_empty("delta"))
        return text

    def _take_delta(self, delta: Fields) -> str:
        for name, value in delta.body.items():
            if name == "tool_calls":
                for call in delta.each(name):
                    self._take_call(call)
            elif name != "content" and isinstance(value, str) and name != "role":
                self._message[name] = str(self._message.get(name, "")) + value
            elif name != "content" and value:
                self._message[name] = value
        if not delta.has("content"):
            return ""
        text = _text(delta) or ""
        self._content.append(text)
        return text

    def _take_call(self, fields: Fields) -> None:
        index = fields.count("index")
        known = self._calls.setdefault(len(self._calls) if index is None else index, {"function": {}})
        for name in ("id", "type"):
            if fields.has(name):
                known[name] = fields.text(name)
        function, piece = known["function"], fields.within_or_empty("function")
        function["name"] = function.get("name", "") + piece.text_or("name", "")
        function["arguments"] = function.get("arguments", "") + piece.text_or("arguments", "")

    def _reply(self) -> ModelReply:
        if not self._ended:
            raise cut(f"data: {_DONE}" if self._finish else "a finish_reason")
        message = {**self._message, "content": "".join(self._content) if self._content else None}
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        choice: dict[str, Any] = {"message": message, "finish_reason": self._finish}
        if self._logprobs is not None:
            choice["logprobs"] = {"content": self._logprobs}
        return read_chat_reply({**self._body, "choices": [choice]})
