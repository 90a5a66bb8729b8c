"""The agent that changes nothing: the control that shows what a loop does without one."""

from __future__ import annotations

from honing.agents.base import AgentOutcome, AgentRun, AgentTask
from honing.agents.installed import AgentSettings
from honing.agents.options import told
from honing.sandbox import Cancel


class NopAgent:
    """Reads the brief and leaves it at that."""

    name = "nop"
    reads_brief = False

    def __init__(self, settings: AgentSettings | None = None) -> None:
        told(settings or AgentSettings(), self.name, {})

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        return AgentRun(agent=self.name, outcome=AgentOutcome.FINISHED, message="nothing to do")
