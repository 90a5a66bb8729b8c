"""Addresses and keys that cannot work are refused before the first call."""

from __future__ import annotations

import pytest

from honing.errors import SettingsError, UsageError
from honing.llm import (
    ClientConfig,
    Endpoint,
)


@pytest.mark.parametrize(
    ("base_url", "path", "expected"),
    [
        ("https://api.openai.com/v1", "/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("http://host:1/a/v1beta", "/v1beta/models/m:x", "http://host:1/a/v1beta/models/m:x"),
        ("http://host:1/", "/responses", "http://host:1/responses"),
    ],
)
def test_a_version_in_address_and_path_stands_once(base_url: str, path: str, expected: str) -> None:
    assert Endpoint(base_url=base_url, wire="openai_chat").url(path) == expected


@pytest.mark.parametrize(
    ("base_url", "key", "said"),
    [
        ("api.openai.com/v1", "", "expected http://HOST"),
        ("ftp://host/v1", "", "expected http://HOST"),
        ("https://", "", "expected http://HOST"),
        ("http://host:port", "", "Port could not be cast"),
        ("http://host:99999", "", "out of range"),
        ("http://[::1", "", "Invalid IPv6"),
        ("http://ho st", "", "expected http://HOST"),
        ("https://user:hidden-word@host/v1", "", "must stand on its own"),
        ("ftp://user:hidden-word@host/v1", "", "must stand on its own"),
        ("https://host/v1?key=hidden-word", "", "expected no '?'"),
        ("https://host/v1", "hidden-word\n", "copy it again"),
        ("https://host/v1", "hidden wörd", "copy it again"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused_and_no_secret_is_shown(
    base_url: str, key: str, said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Endpoint(base_url=base_url, wire="openai_chat", key=key)

    assert said in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_an_unknown_wire_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="openai_chat, openai_responses, anthropic_messages, gemini"):
        Endpoint(base_url="http://host", wire="smoke signals")


@pytest.mark.parametrize(
    "limits",
    [{"total_s": 0.0}, {"read_s": -1.0}, {"attempt_s": float("nan")}, {"requests_per_minute": 0.0}],
)
def test_limits_under_which_no_call_could_be_made_are_refused(limits: dict[str, float]) -> None:
    (name,) = limits

    with pytest.raises(SettingsError, match=f"{name} must be greater than 0"):
        ClientConfig(**limits)  # type: ignore[arg-type]
