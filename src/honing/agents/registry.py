"""Agents by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from honing.agents.base import Agent
from honing.agents.installed import AgentSettings
from honing.errors import UsageError, boundary

Maker = Callable[[AgentSettings], Agent]


def _codex(settings: AgentSettings) -> Agent:
    from honing.agents.codex import CodexAgent

    return CodexAgent(settings)


def _claude_code(settings: AgentSettings) -> Agent:
    from honing.agents.claude_code import ClaudeCodeAgent

    return ClaudeCodeAgent(settings)


def _nop(_: AgentSettings) -> Agent:
    from honing.agents.nop import NopAgent

    return NopAgent()


_MAKERS: Mapping[str, Maker] = {"codex": _codex, "claude_code": _claude_code, "nop": _nop}
AGENT_NAMES = tuple(_MAKERS)


def agent_named(name: str, settings: AgentSettings | None = None) -> Agent:
    """The agent of that name.

    Args:
        name: One of `AGENT_NAMES` (dashes are as good as underscores), or `module:callable`, which is called
            with the settings and returns an agent.
        settings: Where programs are looked for.

    Raises:
        UsageError: There is no such agent, or the callable cannot be imported or returns none.
    """
    settings = settings or AgentSettings()
    maker = _MAKERS.get(name.replace("-", "_"))
    if maker is not None:
        return maker(settings)
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UsageError(
            f"--agent {name!r}: there is no such agent; known are {', '.join(AGENT_NAMES)}, and "
            "module:callable for one of your own."
        )
    with boundary(UsageError, f"--agent {name!r}"):
        made = getattr(import_module(module), attribute)(settings)
    if not callable(getattr(made, "run", None)) or not isinstance(getattr(made, "name", None), str):
        raise UsageError(
            f"--agent {name!r}: it gave {type(made).__name__}, which has no `name` and `run`; "
            "see docs/agents.md."
        )
    agent: Agent = made
    return agent
