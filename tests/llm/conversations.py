"""Strategies that draw requests and replies, and what of them each wire can carry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from honing.llm import Finish, Message, ModelReply, ModelRequest, Role, Sampling, ToolCall, Usage, Wire

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,12}", fullmatch=True)
texts = st.text(max_size=40)
some_text = st.text(min_size=1, max_size=40)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
broken_arguments = st.sampled_from(['{"a": ', "no JSON", '["a list"]', "{'a': 1}", '{"a": NaN}', "1e999"])


@st.composite
def arguments(draw: st.DrawFn) -> str:
    """Compact JSON of an object, now and then text that is none."""
    if draw(st.integers(0, 9)) == 0:
        return draw(broken_arguments)
    value = draw(st.dictionaries(names, json_values, max_size=3))
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """System turns, then user, assistant and tool turns in an order that every provider accepts."""
    turns = [Message(Role.SYSTEM, text) for text in draw(st.lists(some_text, max_size=2))]
    count = 0
    for _ in range(draw(st.integers(1, 3))):
        turns.append(Message(Role.USER, draw(texts)))
        if not draw(st.booleans()):
            continue
        wanted = draw(st.lists(st.tuples(names, arguments()), max_size=3))
        calls = tuple(ToolCall(f"call_{count + i}", name, text) for i, (name, text) in enumerate(wanted))
        count += len(calls)
        turns.append(Message(Role.ASSISTANT, draw(texts), tool_calls=calls))
        turns += [Message(Role.TOOL, draw(texts), tool_call_id=call.id) for call in calls]
    return tuple(turns)


samplings = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    max_tokens=st.none() | st.integers(1, 10**6),
    stop=st.none() | st.lists(some_text, min_size=1, max_size=4).map(tuple),
    seed=st.none() | st.integers(-(2**31), 2**31 - 1),
    logprobs=st.none() | st.integers(0, 20),
)
schemas = st.dictionaries(names, st.just({"type": "string"}), max_size=2).map(
    lambda properties: {"type": "object", "properties": properties}
)


@st.composite
def tools(draw: st.DrawFn) -> tuple[dict[str, Any], ...]:
    """Tool definitions, some without a description."""
    found = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        tool = {"name": name, "parameters": draw(schemas)}
        found.append({**tool, "description": draw(some_text)} if draw(st.booleans()) else tool)
    return tuple(found)


formats = st.one_of(
    st.none(),
    st.just({"type": "json_object"}),
    st.builds(
        lambda name, schema, strict: {"type": "json_schema", "name": name, "schema": schema, **strict},
        names,
        schemas,
        st.sampled_from([{}, {"strict": True}, {"strict": False}]),
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> ModelRequest:
    """Requests within what the neutral form says."""
    stream = draw(st.booleans())
    return ModelRequest(
        model=draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)),
        messages=draw(conversations()),
        sampling=draw(samplings),
        tools=draw(tools()),
        tool_choice=draw(
            st.sampled_from([None, "auto", "none", "required"]) | names.map(lambda n: {"name": n})
        ),
        response_format=draw(formats),
        stream=stream,
        stream_usage=draw(st.booleans()) if stream else True,
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Token counts whose parts fit into their wholes."""
    given, written = draw(st.none() | st.integers(0, 10**6)), draw(st.none() | st.integers(0, 10**6))
    cached = None if given is None else draw(st.none() | st.integers(0, given))
    stored = None if given is None else draw(st.none() | st.integers(0, given - (cached or 0)))
    reasoning = None if written is None else draw(st.none() | st.integers(0, written))
    return Usage(
        input_tokens=given,
        output_tokens=written,
        cached_tokens=cached,
        cache_written_tokens=stored,
        reasoning_tokens=reasoning,
    )


entries = st.builds(
    lambda token, value, top: {"token": token, "logprob": value, "top": top},
    texts,
    st.floats(-100, 0),
    st.dictionaries(texts, st.floats(-100, 0), max_size=2),
)


@st.composite
def replies(draw: st.DrawFn) -> ModelReply:
    """Replies whose ending agrees with what they hold."""
    wanted = draw(st.lists(st.tuples(names, arguments()), max_size=3))
    calls = tuple(ToolCall(f"call_{i}", name, text) for i, (name, text) in enumerate(wanted))
    endings = [Finish.TOOL_CALLS if calls else Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER]
    return ModelReply(
        text=draw(texts | st.text(min_size=300, max_size=400)),
        finish=draw(st.sampled_from(endings)),
        tool_calls=calls,
        usage=draw(usages()),
        model=draw(names),
        logprobs=draw(st.none() | st.lists(entries, max_size=3).map(tuple)),
    )


def carried(wire: Wire, request: ModelRequest) -> ModelRequest:
    """What of a request a wire has a place for."""
    response_format = request.response_format
    if response_format is not None and wire.name in ("anthropic_messages", "gemini"):
        response_format = {k: v for k, v in response_format.items() if k in ("type", "schema")}
    if wire.name == "anthropic_messages" and response_format == {"type": "json_object"}:
        response_format = None
    return replace(
        request,
        sampling=wire.sendable(request.sampling),
        response_format=response_format,
        stream_usage=request.stream_usage or wire.name != "openai_chat",
    )


def sendable(wire: Wire, request: ModelRequest) -> ModelRequest:
    """The request without what the wire refuses to send."""
    if wire.name == "anthropic_messages" and request.response_format == {"type": "json_object"}:
        return replace(request, response_format=None)
    return request


def carried_reply(wire: Wire, reply: ModelReply) -> ModelReply:
    """What of a reply a wire has a place for."""
    if wire.name == "anthropic_messages":
        return replace(reply, logprobs=None)
    return replace(reply, usage=replace(reply.usage, cache_written_tokens=None))
