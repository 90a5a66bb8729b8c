"""Which server answers for a model name."""

from __future__ import annotations

import pytest

from honing.errors import ModelAuthenticationError, SettingsError
from honing.llm import Resolved, resolve

KEYS = {
    "ANTHROPIC_API_KEY": "sk-ant-1",
    "OPENAI_API_KEY": "sk-oai-1",
    "GEMINI_API_KEY": "gem-1",
}
LOCAL_V1 = "http://127.0.0.1:8000/v1"
LOCAL = {"OPENAI_BASE_URL": LOCAL_V1}
ANTHROPIC, OPENAI, GOOGLE = (
    "https://api.anthropic.com",
    "https://api.openai.com/v1",
    "https://generativelanguage.googleapis.com",
)
OLLAMA = "http://127.0.0.1:11434/v1"


def brief(found: Resolved) -> tuple[str, str, str, str]:
    return (found.model, found.endpoint.wire, found.endpoint.base_url, found.endpoint.key)


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        ("claude-opus-5", KEYS, ("claude-opus-5", "anthropic_messages", ANTHROPIC, "sk-ant-1")),
        ("gpt-5-mini", KEYS, ("gpt-5-mini", "openai_chat", OPENAI, "sk-oai-1")),
        ("o3", KEYS, ("o3", "openai_chat", OPENAI, "sk-oai-1")),
        ("o4-mini", KEYS, ("o4-mini", "openai_chat", OPENAI, "sk-oai-1")),
        ("gemini-2.5-pro", KEYS, ("gemini-2.5-pro", "gemini", GOOGLE, "gem-1")),
        ("gemini-2.5-pro", {"GOOGLE_API_KEY": "goo-1"}, ("gemini-2.5-pro", "gemini", GOOGLE, "goo-1")),
        ("anthropic/gpt-5", KEYS, ("gpt-5", "anthropic_messages", ANTHROPIC, "sk-ant-1")),
        ("openai/claude-x", KEYS, ("claude-x", "openai_chat", OPENAI, "sk-oai-1")),
        ("gemini/tuned", KEYS, ("tuned", "gemini", GOOGLE, "gem-1")),
        ("ollama/llama3:8b", KEYS, ("llama3:8b", "openai_chat", OLLAMA, "")),
        ("Qwen/Qwen3-4B", LOCAL, ("Qwen/Qwen3-4B", "openai_chat", LOCAL_V1, "")),
        ("scripted", {**LOCAL, **KEYS}, ("scripted", "openai_chat", LOCAL_V1, "sk-oai-1")),
        ("gpt-oss-20b", {**LOCAL, **KEYS}, ("gpt-oss-20b", "openai_chat", LOCAL_V1, "sk-oai-1")),
        ("openai/org/name", LOCAL, ("org/name", "openai_chat", LOCAL_V1, "")),
        ("claude-opus-5", {**LOCAL, **KEYS}, ("claude-opus-5", "anthropic_messages", ANTHROPIC, "sk-ant-1")),
        ("claude-opus-5", LOCAL, ("claude-opus-5", "openai_chat", LOCAL_V1, "")),
        (
            "claude-opus-5",
            {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9000", **LOCAL},
            ("claude-opus-5", "anthropic_messages", "http://127.0.0.1:9000", ""),
        ),
        ("gemini-x", {"GOOGLE_GEMINI_BASE_URL": "http://h:1"}, ("gemini-x", "gemini", "http://h:1", "")),
        ("llama3", {"OLLAMA_HOST": "box"}, ("llama3", "openai_chat", "http://box:11434/v1", "")),
        ("llama3", {"OLLAMA_HOST": "0.0.0.0:80"}, ("llama3", "openai_chat", "http://127.0.0.1:80/v1", "")),
        ("llama3", {"OLLAMA_HOST": "0.0.0.0"}, ("llama3", "openai_chat", "http://127.0.0.1:11434/v1", "")),
        ("llama3", {"OLLAMA_HOST": "https://box/"}, ("llama3", "openai_chat", "https://box/v1", "")),
        ("llama3", {"OLLAMA_HOST": "[::1]:80"}, ("llama3", "openai_chat", "http://[::1]:80/v1", "")),
        ("llama3", {"OLLAMA_HOST": "http://box:1/v1"}, ("llama3", "openai_chat", "http://box:1/v1", "")),
        ("x", {"OPENAI_API_BASE": " http://h:1/v1 "}, ("x", "openai_chat", "http://h:1/v1", "")),
    ],
)  # fmt: skip
def test_a_name_leads_to_its_server(
    model: str, settings: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    assert brief(resolve(model, settings)) == expected


@pytest.mark.parametrize(
    ("model", "settings", "variables"),
    [
        ("claude-opus-5", {}, ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")),
        ("claude-opus-5", {"OPENAI_API_KEY": "sk-1"}, ("ANTHROPIC_API_KEY",)),
        ("gpt-5", {"OPENAI_API_KEY": "  "}, ("OPENAI_API_KEY", "OPENAI_BASE_URL")),
        ("gemini-2.5-pro", {}, ("GEMINI_API_KEY or GOOGLE_API_KEY",)),
        ("anthropic/x", LOCAL, ("ANTHROPIC_API_KEY",)),
        ("llama3", {}, ("OPENAI_BASE_URL", "OLLAMA_HOST", "ollama/llama3")),
        ("llama3", KEYS, ("OPENAI_BASE_URL",)),
    ],
)
def test_what_is_missing_is_named(model: str, settings: dict[str, str], variables: tuple[str, ...]) -> None:
    with pytest.raises(ModelAuthenticationError) as caught:
        resolve(model, settings)

    assert [name for name in variables if name not in str(caught.value)] == []
    assert f"model {model.rpartition('/')[2]!r}" in str(caught.value)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="expected http://HOST"):
        resolve("x", {"OPENAI_BASE_URL": "localhost:8000"})
    with pytest.raises(SettingsError, match="OLLAMA_HOST 'box:port'"):
        resolve("x", {"OLLAMA_HOST": "box:port"})


def test_a_key_is_not_shown() -> None:
    assert "sk-ant-1" not in repr(resolve("claude-opus-5", KEYS))
