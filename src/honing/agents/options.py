"""What a user may tell an agent beyond its name and model, checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from honing.agents.installed import AgentSettings
from honing.errors import UsageError

SHARED = {"oss": (str, bool)}
"""Options of every agent that asks a model: see `served_by`."""


def told(
    settings: AgentSettings, agent: str, known: Mapping[str, type | tuple[type, ...]]
) -> Mapping[str, Any]:
    """The options of an agent; those that it does not know, or of another type, are refused.

    Args:
        settings: Hold the options.
        agent: Whose they are, for the message.
        known: Type (or types) by name; `SHARED` ones need not be named.

    Raises:
        UsageError: An option is unknown, or has a value that cannot be used.
    """
    allowed = {**SHARED, **known}
    for name, value in settings.options.items():
        if name not in allowed:
            near = get_close_matches(name, allowed, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(
                f"agent {agent}: there is no option {name!r}; known are {', '.join(sorted(allowed))}.{hint}"
            )
        wanted = allowed[name]
        if not isinstance(value, wanted):
            kinds = wanted if isinstance(wanted, tuple) else (wanted,)
            names = " or ".join(kind.__name__ for kind in kinds)
            raise UsageError(f"agent {agent}: option {name!r} must be {names}, got {value!r}.")
    return settings.options


def placed(settings: AgentSettings, path: str) -> Path:
    """A path among the options: from the folder that they start from, or from the current one where it lies
    there and not in the first."""
    here = (settings.here or Path.cwd()) / path
    own = here if settings.base is None else settings.base / path
    return here if here.exists() and not own.exists() else own
