"""Which endpoint a request line means, and in whose shape to answer where it means none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.llm.canonical import estimate_tokens
from honing.llm.wires import Wire, wire_for, wire_named


class Job(StrEnum):
    """What a caller wants. Exactly one holds."""

    CALL = "call"
    """A model call."""
    COUNT_TOKENS = "count_tokens"
    MODELS = "models"
    """The list of models, or one of them."""
    HEALTH = "health"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request line leads."""

    job: Job
    wire: Wire
    """The caller's wire; for endpoints that several share, the one its headers suggest."""
    model: str = ""
    """The one model asked about, for MODELS."""


def find_route(method: str, path: str, headers: Mapping[str, str]) -> Route:
    """Find the endpoint. Header names in lower case."""
    wire = wire_for(method, path)
    if wire is not None:
        return Route(Job.CALL, wire)
    guessed = _guess(path, headers)
    reading = method in {"GET", "HEAD"}
    if reading and path.rstrip("/") in {"", "/health", "/healthz", "/v1"}:
        return Route(Job.HEALTH, guessed)
    if method == "POST" and (path.endswith("/count_tokens") or path.endswith(":countTokens")):
        return Route(Job.COUNT_TOKENS, guessed)
    before, models, after = path.partition("/models")
    if reading and models and before in {"", "/v1", "/v1beta"} and after[:1] in {"", "/"}:
        return Route(Job.MODELS, guessed, after.strip("/"))
    return Route(Job.UNKNOWN, guessed)


def given_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The token a caller shows, in whichever place its wire has for one; "" where there is none."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip()
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or query.get("key", "")


def render_models(wire: Wire, models: list[str], asked: str) -> dict[str, Any] | None:
    """The list of models in a wire's shape, or the one asked about; None where that one is not served."""
    gemini = wire.name == "gemini"
    entries = {name: _gemini_model(name) if gemini else _model(name) for name in models}
    if asked:
        return entries.get(asked)
    if gemini:
        return {"models": list(entries.values())}
    return {"object": "list", "data": list(entries.values()), "has_more": False}


def render_token_count(wire: Wire, body: Any) -> dict[str, Any]:
    """An estimate of the tokens in a request body, in a wire's shape: four characters of its texts are
    one."""
    tokens = estimate_tokens("".join(_texts(body)))
    return {"totalTokens": tokens} if wire.name == "gemini" else {"input_tokens": tokens}


def _guess(path: str, headers: Mapping[str, str]) -> Wire:
    if "/v1beta" in path or "x-goog-api-key" in headers or ":" in path:
        return wire_named("gemini")
    if "/messages" in path or "x-api-key" in headers or "anthropic-version" in headers:
        return wire_named("anthropic_messages")
    return wire_named("openai_responses" if "/responses" in path else "openai_chat")


def _model(name: str) -> dict[str, Any]:
    """One entry that OpenAI's and Anthropic's clients both read."""
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "honing",
        "type": "model",
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
    }


def _gemini_model(name: str) -> dict[str, Any]:
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return []
