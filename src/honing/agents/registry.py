"""Agents by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module

from honing.agents.base import Agent
from honing.agents.installed import AgentSettings
from honing.agents.plugins import agent_from_callable, agent_from_entry_point, plugin_names
from honing.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One agent that is shipped."""

    home: str
    """The file that defines it."""
    maker: str
    """Its class; called with the settings."""
    needs_model: bool = False
    """Whether it can do nothing without a model."""
    rest: str = ""
    """The option that `NAME:REST` gives; empty where the name stands alone."""


_KNOWN = {
    "codex": _Known(home="codex", maker="CodexAgent", needs_model=True),
    "claude_code": _Known(home="claude_code", maker="ClaudeCodeAgent", needs_model=True),
    "gemini_cli": _Known(home="gemini_cli", maker="GeminiCliAgent", needs_model=True),
    "opencode": _Known(home="opencode", maker="OpenCodeAgent", needs_model=True),
    "pi": _Known(home="pi", maker="PiAgent", needs_model=True),
    "command": _Known(home="command", maker="CommandAgent", rest="argv"),
    "scripted": _Known(home="controls.script_file", maker="scripted_agent", rest="file"),
    "oracle": _Known(home="controls.oracle", maker="OracleAgent", rest="solution"),
    "nop": _Known(home="controls.nop", maker="NopAgent"),
    "cheat": _Known(home="controls.cheat", maker="CheatAgent"),
}
AGENT_NAMES = tuple(_KNOWN)


def agent_named(name: str, settings: AgentSettings | None = None) -> Agent:
    """The agent of that name.

    Args:
        name: One of `AGENT_NAMES` (dashes are as good as underscores); `command:PROGRAM ARGUMENTS`,
            `scripted:FILE` or `oracle:FOLDER`; the name of a plugin (entry points of the group
            `honing.agents`); or `module:callable`, which is called with the settings and returns an agent.
        settings: Where programs are looked for, and the agent's options.

    Raises:
        UsageError: There is no such agent, its options cannot be used, or a plugin cannot be imported or
            returns no agent.
    """
    settings = settings or AgentSettings()
    head, colon, rest = name.partition(":")
    known = _KNOWN.get(head.strip().replace("-", "_"))
    if known is not None:
        return _made(head, known, rest.strip() if colon else "", settings)
    if colon:
        return agent_from_callable(name, settings)
    plugin = agent_from_entry_point(name, settings)
    if plugin is not None:
        return plugin
    installed = f"; installed plugins: {', '.join(plugin_names())}" if plugin_names() else ""
    near = get_close_matches(head, AGENT_NAMES, 1, 0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"--agent {name!r}: there is no such agent; known are {', '.join(AGENT_NAMES)}, and "
        f"module:callable for one of your own{installed}.{hint}"
    )


def needs_model(name: str) -> bool:
    """Whether the agent of that name can do nothing without a model; False for one that is not ours."""
    known = _KNOWN.get(name.partition(":")[0].strip().replace("-", "_"))
    return known is not None and known.needs_model


def _made(head: str, known: _Known, rest: str, settings: AgentSettings) -> Agent:
    if rest and not known.rest:
        raise UsageError(f"--agent {head}:{rest}: {head} takes nothing after its name.")
    if rest:
        settings = replace(settings, options={**settings.options, known.rest: rest})
    made: Agent = getattr(import_module(f"honing.agents.{known.home}"), known.maker)(settings)
    return made
