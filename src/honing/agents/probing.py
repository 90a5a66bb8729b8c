"""Trying an agent out on the smallest task there is, so that what is wrong shows before it matters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from honing.agents.base import Agent, AgentOutcome, AgentRun, AgentTask, Trouble

FILE = "honing-probe.txt"
WORD = "ready"
BRIEF = (
    f"Write the file {FILE} into the current folder. Its only content is the word {WORD}. Do nothing else, "
    "and then say that you are done."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an agent turned out to be able to do."""

    launches: bool
    """Its program starts and says its version."""
    answers: bool
    """Its model answered it."""
    writes: bool
    """It wrote what it was asked to write."""
    trouble: Trouble
    reason: str
    run: AgentRun

    @property
    def ok(self) -> bool:
        return self.writes


def probe(agent: Agent, task: AgentTask) -> Probe:
    """Ask an agent to write one small file.

    Args:
        agent: Who is tried.
        task: Where and with which model; its brief is replaced, its workspace must be empty.
    """
    run = agent.run(replace(task, brief=BRIEF))
    path = task.workspace / FILE
    wrote = path.is_file() and not path.is_symlink() and path.read_text(errors="replace").strip() == WORD
    trouble, reason = run.trouble, run.reason
    if run.outcome is AgentOutcome.FINISHED and not wrote:
        trouble = Trouble.PERMISSION if run.usage.calls else Trouble.OTHER
        reason = f"it ended well and {FILE} is not there: it may not write, or its model did not ask it to"
    return Probe(
        launches=trouble not in (Trouble.PROGRAM, Trouble.VERSION),
        answers=run.usage.calls > run.usage.failed,
        writes=wrote,
        trouble=Trouble.NONE if wrote else trouble,
        reason="" if wrote else reason,
        run=run,
    )
