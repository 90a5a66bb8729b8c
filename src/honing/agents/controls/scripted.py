"""The shipped fake: an agent that makes the changes it is given. No program, no model, no sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.controls.acting import acted
from honing.agents.controls.writing import remove, write
from honing.sandbox import Cancel

Edits = Mapping[str, str | None]
"""Text by path in the workspace; None removes the file or folder."""


class ScriptedAgent:
    """Writes files.

    Args:
        edits: What to write; or a function of the task that says so, called once for each run. A function
            that raises `AgentError` makes the run a crash with its text.
        name: What it is called in reports.
        reads_brief: Whether the function looks at the task's brief or at what is mounted.
    """

    def __init__(
        self,
        edits: Edits | Callable[[AgentTask], Edits],
        *,
        name: str = "scripted",
        reads_brief: bool = True,
    ) -> None:
        self.name = name
        self.reads_brief = reads_brief and callable(edits)
        self._edits = edits

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        def act() -> tuple[str, list[AgentEvent]]:
            edits = self._edits(task) if callable(self._edits) else self._edits
            events = [_carry_out(task.workspace, name, text) for name, text in edits.items()]
            return f"{len(events)} files changed", events

        return acted(self.name, cancel, act)


def _carry_out(workspace: Path, name: str, text: str | None) -> AgentEvent:
    if text is None:
        remove(workspace, name)
        return AgentEvent("tool", f"remove {name}")
    write(workspace, name, text)
    return AgentEvent("tool", f"write {name}")
