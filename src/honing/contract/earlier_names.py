"""Names that earlier tools had for options of ours, given as variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "AIDER_"


@dataclass(frozen=True, slots=True)
class Translated:
    """Variables given with --env, those that stand for options of ours taken out."""

    env: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    """Values by the name of our option."""
    unknown: tuple[str, ...] = ()
    """Variables of the earlier tool that have no counterpart; they are passed on as they are."""


_OPTIONS = {
    "AIDER_FSM_MAX_CMD_SECONDS": "max_cmd_seconds",
    "AIDER_FSM_MAX_TOTAL_SECONDS": "max_total_seconds",
    "AIDER_FSM_MAX_TOKENS": "max_tokens",
    "AIDER_EVAL_MODE": "mode",
    "AIDER_EVAL_LIMIT": "limit",
    "AIDER_LLM_MODEL": "llm",
    "AIDER_TRAINED_MODEL_DIR": "llm",
    "AIDER_OPENCODE_MODEL": "opencode_model",
}


def translated(env: Mapping[str, str]) -> Translated:
    """Options among variables, by the names that earlier tools had for them."""
    options = {_OPTIONS[name]: value for name, value in env.items() if name in _OPTIONS}
    rest = {name: value for name, value in env.items() if name not in _OPTIONS}
    unknown = tuple(sorted(name for name in rest if name.startswith(PREFIX)))
    return Translated(env=rest, options=options, unknown=unknown)
