"""Which server answers for an agent's model: a provider's, or one of the user's own machine.

An agent sees the gateway and nothing else, so a local server (Ollama, LM Studio, any that speaks chat
completions) serves every agent, not only those that know of it; `codex --oss` is this and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.errors import UsageError
from honing.llm import Endpoint, Resolved, resolve

OSS_MODEL = "gpt-oss:20b"
"""The model of a local server where none is named: the one that Codex takes with `--oss`."""
_LM_STUDIO = "http://127.0.0.1:1234/v1"
_WIRE = "openai_chat"


def served_by(model: str, options: Mapping[str, Any], variables: Mapping[str, str]) -> Resolved:
    """The server of an agent's model, and the model's name there.

    Args:
        model: As the user named it; empty for a local server's usual one.
        options: The agent's. `oss` is `ollama` (or true), `lmstudio`, or the address of a server that speaks
            chat completions.
        variables: Addresses and keys by their usual names; OLLAMA_HOST says where Ollama is.

    Raises:
        UsageError: `oss` is none of these, or no model is named for a provider.
        ModelAuthenticationError: A provider's key is missing, or nothing says where the model is.
        SettingsError: An address or a key cannot be used.
    """
    oss = options.get("oss")
    if not oss:
        if not model:
            raise UsageError("the agent's model is not named: give --agent-model MODEL.")
        return resolve(model, variables)
    name = model or OSS_MODEL
    if oss is True or oss == "ollama":
        return resolve(f"ollama/{name.removeprefix('ollama/')}", variables)
    if oss == "lmstudio":
        return _at(_LM_STUDIO, name.removeprefix("lmstudio/"), "lmstudio")
    if "://" in str(oss):
        return _at(str(oss), name, "local")
    raise UsageError(
        f"option oss: {oss!r} is no local server; write ollama, lmstudio, or an address (http://HOST:PORT/v1)."
    )


def _at(address: str, model: str, provider: str) -> Resolved:
    base = address.rstrip("/")
    endpoint = Endpoint(base_url=base if base.endswith("/v1") else f"{base}/v1", wire=_WIRE)
    return Resolved(endpoint=endpoint, model=model, provider=provider)
