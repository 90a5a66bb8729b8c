"""Agents of other people: entry points of the group `honing.agents`, and `module:callable`.

A plugin gives an agent (`name` and `run`). One that was written for the predecessor gives a back end with
`name`, `prepare`, `invoke` and `collect`; `predecessor.py` runs it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from honing.agents.base import Agent
from honing.agents.installed import AgentSettings
from honing.errors import UsageError, boundary

GROUP = "honing.agents"
"""Name of the group of entry points."""
PREDECESSOR = ("prepare", "invoke", "collect")


def plugin_names() -> tuple[str, ...]:
    """The plugins that are installed, by name."""
    return tuple(sorted(entry_points(group=GROUP).names))


def agent_from_entry_point(name: str, settings: AgentSettings) -> Agent | None:
    """The agent of an installed plugin; None where there is none of that name.

    Raises:
        UsageError: It cannot be loaded, or gives no agent; or two packages give one of that name.
    """
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if not found:
        return None
    if len({point.value for point in found}) > 1:
        values = ", ".join(sorted(point.value for point in found))
        raise UsageError(f"--agent {name!r}: several plugins have that name ({values}); name one of these.")
    with boundary(UsageError, f"--agent {name!r}, plugin {found[0].value}"):
        made = _called(found[0].load(), settings)
    return _agent(made, name)


def agent_from_callable(name: str, settings: AgentSettings) -> Agent:
    """The agent that a callable makes.

    Args:
        name: `module:callable`; the callable may be nested (`module:outer.inner`).
        settings: Given to it.

    Raises:
        UsageError: It cannot be imported, fails, or gives no agent.
    """
    module, _, path = name.partition(":")
    with boundary(UsageError, f"--agent {name!r}"):
        target: Any = import_module(module)
        for attribute in path.split("."):
            target = getattr(target, attribute)
        made = _called(target, settings)
    return _agent(made, name)


def _called(maker: Any, settings: AgentSettings) -> Any:
    """What the maker gives: called with the settings, or with what the predecessor gave its makers."""
    if not callable(maker):
        return maker
    parameters = inspect.signature(maker).parameters
    named = {name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_POSITIONAL}
    old: Mapping[str, Any] = {
        "backend_name": "plugin",
        "project": settings.base,
        "options": dict(settings.options),
    }
    if named & set(old) or any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        return maker(**{key: value for key, value in old.items() if takes_all or key in named})
    return maker(settings) if parameters else _bare(maker)


def _bare(maker: Callable[[], Any]) -> Any:
    return maker()


def _agent(made: Any, name: str) -> Agent:
    named = isinstance(getattr(made, "name", None), str)
    if named and callable(getattr(made, "run", None)):
        agent: Agent = made
        return agent
    if named and all(callable(getattr(made, step, None)) for step in PREDECESSOR):
        from honing.agents.predecessor import PredecessorAgent

        return PredecessorAgent(made)
    raise UsageError(
        f"--agent {name!r}: it gave {type(made).__name__}, which has no `name` and `run`; see docs/agents.md."
    )
