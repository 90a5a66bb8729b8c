"""How the run of an agent ends that acts in our own process, without a program or a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from honing.agents.base import AgentEvent, AgentOutcome, AgentRun, Trouble
from honing.errors import AgentError
from honing.sandbox import Cancel


def acted(name: str, cancel: Cancel | None, act: Callable[[], tuple[str, Sequence[AgentEvent]]]) -> AgentRun:
    """Let it act, unless it was asked to stop before.

    Args:
        name: The agent's.
        cancel: Whether it was asked to stop.
        act: Does the work; gives what the agent says in the end, and what it did. An `AgentError` makes the
            run a crash with its text.
    """
    if cancel is not None and cancel.is_set():
        return AgentRun(agent=name, outcome=AgentOutcome.STOPPED, reason="it was asked to stop")
    try:
        message, events = act()
    except AgentError as error:
        return AgentRun(agent=name, outcome=AgentOutcome.CRASH, trouble=Trouble.OTHER, reason=str(error))
    return AgentRun(agent=name, outcome=AgentOutcome.FINISHED, message=message, events=tuple(events))
