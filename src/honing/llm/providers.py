"""Which server answers for a model name: decided from a mapping of settings, never the environment itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from honing.errors import ModelAuthenticationError, SettingsError, boundary
from honing.llm.endpoint import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider: its wire, where it is, and the variables that say otherwise."""

    name: str
    """The prefix that chooses it: NAME/MODEL."""
    wire: str
    base_url: str
    base_variables: tuple[str, ...]
    """Settings that replace `base_url`, the first that is set."""
    key_variables: tuple[str, ...]
    """Settings that hold its key, the first that is set; none where it wants no key."""
    family: str
    """Pattern of the model names that are its own; matches nothing where it has none."""


PROVIDERS = (
    Provider(
        name="anthropic",
        wire="anthropic_messages",
        base_url="https://api.anthropic.com",
        base_variables=("ANTHROPIC_BASE_URL",),
        key_variables=("ANTHROPIC_API_KEY",),
        family=r"claude-",
    ),
    Provider(
        name="openai",
        wire="openai_chat",
        base_url="https://api.openai.com/v1",
        base_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_variables=("OPENAI_API_KEY",),
        family=r"gpt-(?!oss)|chatgpt-|o[1-9](?:-|$)|codex-|ft:",
    ),
    Provider(
        name="gemini",
        wire="gemini",
        base_url="https://generativelanguage.googleapis.com",
        base_variables=("GOOGLE_GEMINI_BASE_URL",),
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        family=r"gemini-",
    ),
    Provider(
        name="ollama",
        wire="openai_chat",
        base_url="http://127.0.0.1:11434",
        base_variables=("OLLAMA_HOST",),
        key_variables=(),
        family=r"(?!)",
    ),
)
_OPENAI, _OLLAMA = "openai", "ollama"
_OLLAMA_PORT = 11434


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A model name and the server that answers for it."""

    endpoint: Endpoint
    model: str
    """The name as that server knows it, without our prefix."""
    provider: str


def resolve(model: str, settings: Mapping[str, str]) -> Resolved:
    """Find the server for a model name.

    A prefix (`anthropic/`, `openai/`, `gemini/`, `ollama/`) chooses; any other slash is part of the name
    (`meta-llama/x`). Without a prefix, a name of a provider's family goes to that provider where its key or
    address is set. Every other name goes to OPENAI_BASE_URL where that is set, then to OLLAMA_HOST.

    Args:
        model: The name a user gave.
        settings: Variables by name, as gathered from flags, environment and files.

    Raises:
        ModelAuthenticationError: The key is missing, or nothing says where the model is; the text names the
            variables to set.
        SettingsError: An address or key cannot be used.
    """
    prefix, slash, rest = model.partition("/")
    chosen = next((p for p in PROVIDERS if slash and rest and p.name == prefix), None)
    if chosen is not None:
        return _resolved(chosen, rest, settings)
    own = next((p for p in PROVIDERS if re.match(p.family, model)), None)
    if own is not None and _first((*own.key_variables, *own.base_variables), settings):
        return _resolved(own, model, settings)
    by_name = {provider.name: provider for provider in PROVIDERS}
    if _first(by_name[_OPENAI].base_variables, settings):
        return _resolved(by_name[_OPENAI], model, settings)
    if own is not None:
        return _resolved(own, model, settings)
    if _first(by_name[_OLLAMA].base_variables, settings):
        return _resolved(by_name[_OLLAMA], model, settings)
    raise ModelAuthenticationError(
        f"model {model!r}: nothing says where it is. Set OPENAI_BASE_URL to its server (any that speaks chat "
        "completions) or OLLAMA_HOST, or put a provider before its name: "
        f"{', '.join(f'{p.name}/{model}' for p in PROVIDERS)}"
    )


def _resolved(provider: Provider, model: str, settings: Mapping[str, str]) -> Resolved:
    given = _first(provider.base_variables, settings)
    base_url = given or provider.base_url
    key = _first(provider.key_variables, settings)
    # A server of the user's own may want no key; a provider's public one always does.
    if provider.key_variables and not key and not given:
        raise ModelAuthenticationError(
            f"model {model!r} at {provider.name}: no key. Set {' or '.join(provider.key_variables)}, "
            f"or {provider.base_variables[0]} for a server of your own"
        )
    if provider.name == _OLLAMA:
        base_url = _ollama_url(base_url)
    endpoint = Endpoint(base_url=base_url.strip(), wire=provider.wire, key=key)
    return Resolved(endpoint=endpoint, model=model, provider=provider.name)


def _first(names: tuple[str, ...], settings: Mapping[str, str]) -> str:
    return next((found for name in names if (found := settings.get(name, "").strip())), "")


def _ollama_url(host: str) -> str:
    """Ollama's own variable may be an address, a host, or a host and port; its chat wire is below /v1."""
    with boundary(SettingsError, f"OLLAMA_HOST {host!r}"):
        parts = urlsplit(host if "://" in host else f"http://{host}")
        port = parts.port or (_OLLAMA_PORT if parts.scheme == "http" else None)
    # What a server listens on everywhere is no address to call.
    name = "127.0.0.1" if parts.hostname == "0.0.0.0" else parts.hostname or ""
    place = f"[{name}]" if ":" in name else name
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{path}/v1"
