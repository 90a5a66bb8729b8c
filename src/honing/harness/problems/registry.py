"""Problems by name: to rehearse, to write out as projects, and as the agent that those projects name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from honing.agents import Agent, AgentSettings
from honing.errors import UsageError
from honing.harness.problems.base import Problem, proposer
from honing.harness.problems.circle_packing import circle_packing
from honing.harness.problems.coupled_trap import coupled_trap
from honing.harness.problems.noisy_agent import noisy_agent
from honing.harness.problems.rastrigin import rastrigin

_PROBLEMS: Mapping[str, Callable[[int], Problem]] = {
    "circle_packing_10": lambda _: circle_packing(10),
    "circle_packing_26": lambda _: circle_packing(26),
    "coupled_trap": coupled_trap,
    "rastrigin": lambda _: rastrigin(),
    "noisy_agent": noisy_agent,
}
PROBLEM_NAMES = tuple(_PROBLEMS)


def problem_named(name: str, instance: int = 0) -> Problem:
    """A problem.

    Args:
        name: One of `PROBLEM_NAMES`.
        instance: Which of its kind, for those that are made by chance.

    Raises:
        UsageError: There is no such problem.
    """
    if name not in _PROBLEMS:
        raise UsageError(f"there is no problem {name!r}; known are {', '.join(PROBLEM_NAMES)}.")
    return _PROBLEMS[name](instance)


def propose(settings: AgentSettings) -> Agent:
    """The agent of a problem's project: `agent.name` is this function, `agent.options` name the problem.

    Raises:
        UsageError: The options name no problem.
    """
    options: Mapping[str, Any] = settings.options
    return proposer(problem_named(str(options.get("problem", "")), int(options.get("instance", 0))))
