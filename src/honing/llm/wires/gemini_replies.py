"""Replies of Google's generateContent, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from honing.errors import ModelReplyError
from honing.llm.base import Finish, ModelReply, ModelRequest, ToolCall, Usage
from honing.llm.wires.arguments import arguments_text
from honing.llm.wires.events import EventParser, cut, event, pieces
from honing.llm.wires.fields import Fields
from honing.llm.wires.gemini_turns import written_call
from honing.llm.wires.identity import call_id, reply_id
from honing.llm.wires.usage import added, checked, tokens

_FINISH = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "LANGUAGE": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
}
_REASON = {
    Finish.STOP: "STOP",
    Finish.TOOL_CALLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
}
_BESIDE = ("executableCode", "codeExecutionResult")
"""Parts of the server's own tool; the answer stands in others."""


def read_gemini_reply(body: Mapping[str, Any]) -> ModelReply:
    """Read an unstreamed reply; raises ModelReplyError where it holds no answer."""
    fields = Fields(body, "", ModelReplyError)
    if fields.has("error"):
        fields.refuse("error", "a reply without an error")
    candidates = list(fields.each("candidates"))
    usage, model = _usage(fields.within_or_empty("usageMetadata")), fields.text_or("modelVersion", "")
    if not candidates and fields.within_or_empty("promptFeedback").has("blockReason"):
        return ModelReply(text="", finish=Finish.CONTENT_FILTER, usage=usage, model=model)
    if len(candidates) != 1:
        fields.refuse("candidates", "a list of exactly one candidate")
    candidate = candidates[0]
    finish = _FINISH.get(candidate.text("finishReason"))
    if finish is None:
        candidate.refuse("finishReason", f"one of {', '.join(_FINISH)}")
    texts, calls = _read_parts(candidate.within_or_empty("content"))
    if finish is Finish.STOP and not texts and not calls:
        candidate.refuse("content", "a part with text or a function call")
    return ModelReply(
        text="".join(texts),
        finish=Finish.TOOL_CALLS if finish is Finish.STOP and calls else finish,
        tool_calls=tuple(calls),
        usage=usage,
        model=model,
        logprobs=_logprobs(candidate),
    )


def _read_parts(content: Fields) -> tuple[list[str], list[ToolCall]]:
    texts: list[str] = []
    calls: list[ToolCall] = []
    for part in content.each("parts"):
        if part.has("functionCall"):
            call = part.within("functionCall")
            name, arguments = call.text("name"), arguments_text(call.within_or_empty("args").body)
            ident = call.text_or("id", "") or call_id(name, arguments, len(calls))
            calls.append(ToolCall(ident, name, arguments))
        elif part.has("text"):
            # A thought is marked by a flag beside its text and is not the answer.
            texts += [] if part.flag("thought") else [part.text("text")]
        elif not any(part.has(name) for name in (*_BESIDE, "thoughtSignature")):
            raise ModelReplyError(
                f"{part.where}: expected text or functionCall, found {', '.join(part.body) or 'nothing'}"
            )
    return texts, calls


def _usage(fields: Fields) -> Usage:
    # This wire counts thoughts beside the candidates, and tool results beside the prompt.
    shown, thought = tokens(fields, "candidatesTokenCount"), tokens(fields, "thoughtsTokenCount")
    prompt, results = tokens(fields, "promptTokenCount"), tokens(fields, "toolUsePromptTokenCount")
    return checked(
        fields,
        Usage(
            input_tokens=None if prompt is None else added(prompt, results),
            output_tokens=added(shown, thought),
            cached_tokens=tokens(fields, "cachedContentTokenCount"),
            reasoning_tokens=thought,
        ),
    )


def _written_usage(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if usage.input_tokens is not None:
        found["promptTokenCount"] = usage.input_tokens
    if usage.output_tokens is not None:
        found["candidatesTokenCount"] = usage.output_tokens - (usage.reasoning_tokens or 0)
        found["totalTokenCount"] = usage.output_tokens + (usage.input_tokens or 0)
    if usage.reasoning_tokens is not None:
        found["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_tokens is not None:
        found["cachedContentTokenCount"] = usage.cached_tokens
    return found


def _logprobs(candidate: Fields) -> tuple[Mapping[str, Any], ...] | None:
    if not candidate.has("logprobsResult"):
        return None
    result = candidate.within("logprobsResult")
    chosen = [_logprob(entry) for entry in result.each("chosenCandidates")]
    tops = [dict(_logprob(top) for top in entry.each("candidates")) for entry in result.each("topCandidates")]
    tops += [{}] * (len(chosen) - len(tops))
    return tuple(
        {"token": token, "logprob": value, "top": top}
        for (token, value), top in zip(chosen, tops, strict=False)
    )


def _logprob(fields: Fields) -> tuple[str, float]:
    value = fields.number("logProbability")
    return fields.text("token"), fields.refuse("logProbability", "a number") if value is None else value


def _written_logprobs(reply: ModelReply) -> dict[str, Any]:
    if reply.logprobs is None:
        return {}

    def written(token: str, value: float) -> dict[str, Any]:
        return {"token": token, "logProbability": value}

    return {
        "logprobsResult": {
            "chosenCandidates": [written(e["token"], e["logprob"]) for e in reply.logprobs],
            "topCandidates": [
                {"candidates": [written(*top) for top in entry["top"].items()]} for entry in reply.logprobs
            ],
        }
    }


def written_gemini_reply(reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
    """The JSON body of an unstreamed reply."""
    parts = [{"text": reply.text}] if reply.text or not reply.tool_calls else []
    candidate = {
        "content": {"role": "model", "parts": [*parts, *(written_call(call) for call in reply.tool_calls)]},
        "finishReason": _REASON[reply.finish],
        "index": 0,
        **_written_logprobs(reply),
    }
    return {
        "candidates": [candidate],
        "usageMetadata": _written_usage(reply.usage),
        "modelVersion": reply.model or request.model,
        "responseId": reply_id(reply, request),
    }


def gemini_events(reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
    """The reply as a few unnamed events; the last says how it ended."""
    whole = written_gemini_reply(reply, request)
    head = {name: whole[name] for name in ("modelVersion", "responseId")}
    candidate = whole["candidates"][0]
    *texts, last = pieces(reply.text) if reply.text else [""]
    for piece in texts:
        content = {"role": "model", "parts": [{"text": piece}]}
        yield event({**head, "candidates": [{"content": content, "index": 0}]})
    parts = [{**part, "text": last} if "text" in part else part for part in candidate["content"]["parts"]]
    ending = {**candidate, "content": {"role": "model", "parts": parts}}
    yield event({**whole, "candidates": [ending]})


class GeminiStream(EventParser):
    """Joins the parts of all events. There is no terminal event: the bytes must end after a finishReason."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Any] = []
        self._candidate: dict[str, Any] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._body: dict[str, Any] = {}

    def _take(self, data: Fields) -> str:
        for name in ("usageMetadata", "modelVersion", "promptFeedback"):
            if data.has(name):
                self._body[name] = data.body[name]
        text = ""
        for candidate in data.each("candidates"):
            if candidate.count("index"):
                candidate.refuse("index", "0, since one answer was asked for")
            if candidate.has("finishReason"):
                self._candidate["finishReason"] = candidate.text("finishReason")
            result = candidate.within_or_empty("logprobsResult")
            for name in ("chosenCandidates", "topCandidates"):
                if result.has(name):
                    self._logprobs.setdefault(name, []).extend(result.sequence(name))
            content = candidate.within_or_empty("content")
            self._parts += content.sequence("parts")
            text += "".join(_read_parts(content)[0])
        return text

    def _reply(self) -> ModelReply:
        blocked = "blockReason" in (self._body.get("promptFeedback") or {})
        if "finishReason" not in self._candidate and not blocked:
            raise cut("a finishReason")
        if blocked and not self._candidate:
            return read_gemini_reply(self._body)
        candidate = {**self._candidate, "content": {"parts": self._parts}}
        if self._logprobs:
            candidate["logprobsResult"] = self._logprobs
        return read_gemini_reply({**self._body, "candidates": [candidate]})
