"""Whatever a wire can carry comes back as it went out, whole or streamed, and survives a change of wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from conversations import carried, carried_reply, replies, requests, sendable
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.errors import ModelError, ModelReplyError, ModelRequestError
from honing.llm import WIRES, Message, ModelReply, ModelRequest, Role, Wire, wire_for

each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
EXAMPLES = 15
"""Per wire; `--hypothesis-seed` and a greater number here make a campaign of it."""
PROMPT = ModelRequest(model="m", messages=(Message(Role.USER, "hello"),))


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(request=requests())
def test_a_request_comes_back_as_it_went_out(wire: Wire, request: ModelRequest) -> None:
    request = replace(sendable(wire, request), stream_usage=carried(wire, request).stream_usage)

    body = wire.render_request(request)

    assert wire.parse_request(wire.request_path(request), body) == carried(wire, request)


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(reply=replies())
def test_a_reply_comes_back_as_it_went_out(wire: Wire, reply: ModelReply) -> None:
    assert wire.parse_reply(wire.render_reply(reply, PROMPT)) == carried_reply(wire, reply)


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(reply=replies(), cuts=st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_a_stream_cut_anywhere_gives_the_reply_that_was_not_streamed(
    wire: Wire, reply: ModelReply, cuts: list[int]
) -> None:
    stream = b"".join(wire.render_stream(reply, PROMPT))
    parser = wire.stream_parser()
    shown: list[str] = []
    start = 0
    while start < len(stream):
        size = cuts[start % len(cuts)]
        shown += parser.feed(stream[start : start + size])
        start += size

    assert parser.finish() == carried_reply(wire, reply)
    assert "".join(shown) == reply.text
    assert parser.complete is (wire.name != "gemini")


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(reply=replies(), share=st.floats(0, 1, exclude_max=True))
def test_a_stream_without_its_end_is_never_a_reply(wire: Wire, reply: ModelReply, share: float) -> None:
    stream = b"".join(wire.render_stream(reply, PROMPT)).rstrip()
    parser = wire.stream_parser()
    parser.feed(stream[: int(len(stream) * share)])

    with pytest.raises(ModelReplyError):
        parser.finish()


@settings(max_examples=EXAMPLES, deadline=None)
@given(request=requests(), first=st.sampled_from(WIRES), second=st.sampled_from(WIRES))
def test_translation_to_another_wire_keeps_text_tools_and_sampling(
    request: ModelRequest, first: Wire, second: Wire
) -> None:
    request = replace(request, response_format=None, stream_usage=True)
    arrived = first.parse_request(first.request_path(request), first.render_request(request))
    translated = second.parse_request(second.request_path(arrived), second.render_request(arrived))

    assert translated.messages == request.messages
    assert (translated.model, translated.tools) == (request.model, request.tools)
    assert (translated.tool_choice, translated.stream) == (request.tool_choice, request.stream)
    assert translated.sampling == second.sendable(first.sendable(request.sampling))


@each_wire
@settings(max_examples=10, deadline=None)
@given(request=requests())
def test_a_wire_recognises_the_path_it_sends_to(wire: Wire, request: ModelRequest) -> None:
    path = wire.request_path(request)

    assert wire_for("POST", path) is wire
    assert wire_for("POST", f"/some/prefix{path}") is wire
    assert wire_for("GET", path) is None


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a document."""
    inner = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for name, child in inner for place in _places(child, (*path, name)))]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The document with one value replaced, or removed where `new` is `...`."""
    if not path:
        return new
    name, *rest = path
    if isinstance(value, Mapping):
        if not rest and new is ...:
            return {key: child for key, child in value.items() if key != name}
        return {
            key: _replaced(child, tuple(rest), new) if key == name else child for key, child in value.items()
        }
    return [
        _replaced(child, tuple(rest), None if new is ... else new) if i == name else child
        for i, child in enumerate(value)
    ]


def _or_error(expected: type[ModelError], read: Callable[[], Any]) -> Any:
    """What a reading gives, or the one error it may raise; any other goes through and fails the test."""
    try:
        return read()
    except expected as error:
        return error


damage = st.sampled_from([..., None, "", "text", -1, 10**15, 1.5, True, [], ["x"], [None], {}, {"x": 1}])


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(reply=replies(), data=st.data())
def test_a_damaged_reply_is_a_reply_or_a_named_error(
    wire: Wire, reply: ModelReply, data: st.DataObject
) -> None:
    body = wire.render_reply(reply, PROMPT)
    place = data.draw(st.sampled_from(_places(body)[1:]))
    damaged = _replaced(body, place, data.draw(damage))

    found = _or_error(ModelReplyError, lambda: wire.parse_reply(damaged))

    assert isinstance(found, ModelReply | ModelReplyError)


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(request=requests(), data=st.data())
def test_a_damaged_request_is_a_request_or_a_named_error(
    wire: Wire, request: ModelRequest, data: st.DataObject
) -> None:
    body = wire.render_request(sendable(wire, request))
    place = data.draw(st.sampled_from(_places(body)[1:]))
    damaged = _replaced(body, place, data.draw(damage))

    found = _or_error(ModelRequestError, lambda: wire.parse_request(wire.request_path(request), damaged))

    assert isinstance(found, ModelRequest | ModelRequestError)


@each_wire
@settings(max_examples=EXAMPLES, deadline=None)
@given(reply=replies(), data=st.data())
def test_a_stream_with_a_damaged_event_is_a_reply_or_a_named_error(
    wire: Wire, reply: ModelReply, data: st.DataObject
) -> None:
    stream = b"".join(wire.render_stream(reply, PROMPT))
    place = data.draw(st.integers(0, len(stream) - 1))
    junk = data.draw(st.binary(max_size=4) | st.sampled_from([b"\n\n", b"\r", b'"', b"}", b"null", b"{}"]))
    parser = wire.stream_parser()
    parser.feed(stream[:place] + junk + stream[place + data.draw(st.integers(0, 6)) :])

    assert isinstance(_or_error(ModelReplyError, parser.finish), ModelReply | ModelReplyError)
