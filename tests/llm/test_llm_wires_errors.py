"""Errors of every provider's shape are named by their status and never repeat a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.errors import (
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
    UsageError,
)
from honing.llm import WIRES, Wire, redact, wire_named

each_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
KEY = "tp-9f8e7d6c5b4a39281706"


@each_wire
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (307, ModelRequestError),
        (400, ModelRequestError),
        (401, ModelAuthenticationError),
        (403, ModelAuthenticationError),
        (404, ModelRequestError),
        (408, ModelTimeoutError),
        (413, ModelRequestError),
        (422, ModelRequestError),
        (429, ModelRateLimitError),
        (500, ModelServerError),
        (503, ModelServerError),
        (504, ModelTimeoutError),
        (529, ModelServerError),
    ],
)
def test_an_error_we_render_is_read_back_by_its_status(
    wire: Wire, status: int, kind: type[ModelError]
) -> None:
    body = json.dumps(wire.render_error(status, "the reason")).encode()

    error = wire.parse_error(status, body)

    assert type(error) is kind
    assert f"HTTP {status}: the reason" in str(error)


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        (
            "openai_chat",
            429,
            {
                "error": {
                    "message": "slow",
                    "type": "rate_limit_error",
                    "param": None,
                    "code": "rate_limit_exceeded",
                }
            },
        ),
        (
            "openai_responses",
            500,
            {"error": {"message": "slow", "type": "server_error", "param": None, "code": "server_error"}},
        ),
        (
            "anthropic_messages",
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "slow"}},
        ),
        ("gemini", 429, {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}),
    ],
)
def test_each_wire_has_its_own_shape_of_error(wire: str, status: int, body: dict[str, Any]) -> None:
    assert wire_named(wire).render_error(status, "slow") == body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "model not found"}', "model not found"),
        (b'{"object": "error", "message": "model not found"}', "model not found"),
        (b'{"detail": "model not found"}', "model not found"),
        (b'{"detail": [{"loc": ["body"], "msg": "model not found"}]}', "model not found"),
        (b'[{"error": {"code": 404, "message": "model not found"}}]', "model not found"),
        (b"<html>model not found</html>", "<html>model not found</html>"),
        (b"", "no message"),
        (b"null", "no message"),
        (b'"model not found"', "model not found"),
        (b"\xff\x00\x1b[31mmodel", "model"),
        (b"{" * 100_000, "{{{"),
        (b'{"error": {"message": {"deep": "model not found"}}}', "model not found"),
    ],
)
def test_any_shape_of_error_gives_its_text(body: bytes, said: str) -> None:
    error = WIRES[0].parse_error(404, body)

    assert type(error) is ModelRequestError
    assert said in str(error)
    assert len(str(error)) < 1100
    assert all(character.isprintable() or character == "\n" for character in str(error))


@settings(max_examples=150, deadline=None)
@given(
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    start=st.integers(0, len(KEY) - 8),
    size=st.integers(8, len(KEY)),
)
def test_no_eight_characters_of_a_key_survive(before: str, after: str, start: int, size: int) -> None:
    shown = redact(before + KEY[start : start + size] + after, [KEY])

    assert not any(KEY[i : i + 8] in shown for i in range(len(KEY) - 7))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-proj-abcd****wxyz.", "Incorrect API key provided: [key removed]"),
        ("key AIzaSyA1234567890abcdef in use", "key [key removed] in use"),
        ("header Bearer abc.def-123456 refused", "header Bearer [key removed] refused"),
        (f"twice {KEY} and {KEY}!", "twice [key removed] and [key removed]!"),
        (f"quoted {KEY[:12]}", "quoted [key removed]"),
        ("a word like sketch or disk-based is kept", "a word like sketch or disk-based is kept"),
    ],
)
def test_what_looks_like_a_key_is_removed_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert redact(text, [KEY]) == shown


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("pass", "the pass word", "the [key removed] word"),
        ("abc", "abc is too short to be a secret", "abc is too short to be a secret"),
        ("", "nothing to hide", "nothing to hide"),
        ("a key+with/signs", "at ?key=a%20key%2Bwith%2Fsigns&x", "at ?key=[key removed]&x"),
    ],
)
def test_short_and_quoted_secrets(secret: str, text: str, shown: str) -> None:
    assert redact(text, [secret]) == shown


@each_wire
def test_a_parsed_error_holds_no_key_even_where_it_is_cut(wire: Wire) -> None:
    body = json.dumps(wire.render_error(401, "x" * 995 + KEY)).encode()

    assert KEY[:4] not in str(wire.parse_error(401, body, secrets=[KEY]))


def test_an_unknown_wire_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no wire is called 'morse'"):
        wire_named("morse")


@pytest.mark.parametrize(
    ("wire", "headers"),
    [
        ("openai_chat", {"authorization": "Bearer k"}),
        ("openai_responses", {"authorization": "Bearer k"}),
        ("anthropic_messages", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
        ("gemini", {"x-goog-api-key": "k"}),
    ],
)
def test_the_key_travels_in_a_header(wire: str, headers: dict[str, str]) -> None:
    assert wire_named(wire).auth_headers("k") == headers
