"""The real programs, started otherwise than we start them: what each of our choices is there for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from agent_scene import INSTALLED

from honing.agents import Agent, AgentSettings, AgentTask, ClaudeCodeAgent, CodexAgent
from honing.agents.launch import Invocation, Place

Arguments = tuple[str, ...]


def variant(
    name: str,
    *,
    env: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    arguments: Callable[[Arguments], Arguments] = lambda given: given,
) -> Agent:
    """The real agent with other variables or arguments.

    Args:
        name: codex or claude_code.
        env: Variables to set beside or in place of ours.
        without: Variables of ours to leave out.
        arguments: Makes the arguments from ours.
    """

    def changed(given: Invocation) -> Invocation:
        variables = {**given.env, **(env or {})}
        kept = {name: value for name, value in variables.items() if name not in without}
        return replace(given, env=kept, arguments=arguments(tuple(given.arguments)))

    class OtherCodex(CodexAgent):
        def invocation(self, task: AgentTask, place: Place) -> Invocation:
            return changed(super().invocation(task, place))

    class OtherClaude(ClaudeCodeAgent):
        def invocation(self, task: AgentTask, place: Place) -> Invocation:
            return changed(super().invocation(task, place))

    assert (INSTALLED / ".installed").is_file(), f"no agents in {INSTALLED}: run `make agents`"
    kind: type[CodexAgent] | type[ClaudeCodeAgent] = OtherCodex if name == "codex" else OtherClaude
    return kind(AgentSettings(folder=INSTALLED))


def replacing(old: str, new: str) -> Callable[[Arguments], Arguments]:
    """Arguments with one part of one of them replaced."""

    def change(given: Arguments) -> Arguments:
        assert any(old in word for word in given), f"{old!r} is not among {given}"
        return tuple(word.replace(old, new) for word in given)

    return change
