"""What a task is: a judge of one aspect of a harness, run on a throw-away copy of it, out of its reach.

A task never runs anything in our own process: whatever lies in the folder was written by an agent. It starts
commands through its `Place`, which contains them, and reads what they left strictly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from honing.harness.tasks.objective import ContractObjective
from honing.sandbox import Cancel, Finished, Forward, Limits, Mount
from honing.store import TreeId


class Cascade(StrEnum):
    """When a task is run: cheap ones first, so that a hopeless candidate costs little."""

    STATIC = "static"
    """Reads files only; starts nothing."""
    SMOKE = "smoke"
    """Starts something small: a candidate that fails it is not worth more."""
    SUBSET = "subset"
    FULL = "full"


CASCADE = tuple(Cascade)
"""In the order in which they run."""


class TaskStatus(StrEnum):
    """How one run of one task ended. Exactly one holds."""

    SCORED = "scored"
    TIMEOUT = "timeout"
    """At its time limit: scored as the worst, and said."""
    TAMPERED = "tampered"
    """The candidate reached for its judge. Never a score."""
    INFRA_ERROR = "infra_error"
    """Ours failed. Never a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """What one run of one task gave."""

    status: TaskStatus
    score: float | None = None
    """In [0, 1], 1 best; None unless `scored` or `timeout`."""
    reason: str = ""
    """Why it is not 1, in one sentence for the proposer; never what the hidden part of a grader holds."""
    log: str = ""
    """The end of what the candidate's own commands printed, sanitised."""
    checks: Mapping[str, bool] = field(default_factory=dict)
    """Parts of the task by name, where it has some (hidden tests by id, phrases by text)."""
    duration_s: float = 0.0
    cost: float = 0.0
    """What the run spent, where the grader says so, in its own unit (a contract: US dollars of model calls).
    One of the things that the search `frontier` weighs."""
    sandbox: str = ""
    """What contained the candidate's code; empty where none of it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One run of one task under one seed."""

    task: str
    seed: int
    weight: float
    score: TaskScore
    tree: str = ""
    """Tree it ran on, which is part of the cache's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Every task run of one candidate."""

    runs: tuple[TaskRun, ...]
    """In the order of tasks, then of seeds."""
    complete: bool
    """Whether every planned run was made and scored."""
    stopped: str = ""
    """Why it was stopped early: the cascade, or a race that was lost."""

    @property
    def score(self) -> float | None:
        """Weighted mean over the tasks, each the mean over its seeds; None unless all were made and
        scored."""
        if not self.complete or not self.runs:
            return None
        weights = {run.task: run.weight for run in self.runs}
        by_task = self.by_task
        return sum(weights[task] * by_task.get(task, 0.0) for task in weights) / sum(weights.values())

    @property
    def by_task(self) -> dict[str, float]:
        """Mean score of each task that was scored, over its seeds."""
        scores: dict[str, list[float]] = {}
        for run in self.runs:
            if run.score.score is not None:
                scores.setdefault(run.task, []).append(run.score.score)
        return {task: sum(found) / len(found) for task, found in scores.items()}


class Place(Protocol):
    """A throw-away copy of a candidate, and the only way to start something in it.

    Each start has a process table, a temporary folder and, where the sandbox has one, a file tree of its own;
    whatever it leaves running is dead when it returns.
    """

    @property
    def tree(self) -> TreeId:
        """What the copy was made from."""
        ...

    @property
    def cancel(self) -> Cancel | None:
        """Set when the caller asks to stop."""
        ...

    @property
    def objective(self) -> ContractObjective | None:
        """Measures contracts; None where this run has nothing that does."""
        ...

    @property
    def workspace(self) -> Path:
        """The copy on this machine. Reading it needs care: what lies there is hostile (`read_text`)."""
        ...

    @property
    def inside(self) -> str:
        """Where the copy is seen by what runs in it: `/workspace` where the sandbox has a file tree of its
        own, so that results do not depend on where a run lies."""
        ...

    @property
    def own_network(self) -> bool:
        """Whether each start has loopback ports of its own, rather than the machine's."""
        ...

    @property
    def scratch(self) -> Path:
        """An empty folder of ours beside it, not visible inside unless mounted."""
        ...

    def run(
        self,
        shell: str,
        *,
        limits: Limits | None = None,
        workdir: str = ".",
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
    ) -> Finished:
        """Run shell text (`bash -c`) inside, contained, without network.

        Args:
            shell: As the project's author wrote it, never the candidate's.
            limits: The place's own where None.
            workdir: Relative to the copy.
            env: Beyond PATH, HOME, LANG and TMPDIR.
            mounts: Further folders, read-only unless they say otherwise.

        Raises:
            SandboxError: The sandbox itself failed (ours).
            StoppedError: The caller asked to stop.
        """
        ...

    def argv(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        workdir: str = ".",
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        forwards: Sequence[Forward] = (),
        cancel: Cancel | None = None,
    ) -> Finished:
        """The same for a program and its arguments.

        Args:
            argv: An absolute path first, so that nothing of the candidate's is looked up.
            limits: As for `run`.
            workdir: As for `run`.
            env: As for `run`.
            mounts: As for `run`.
            forwards: Loopback ports inside that lead to a socket of ours.
            cancel: Ends this one alone; its ending is then `stopped`, and nothing is raised.
        """
        ...

    def beside(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        forwards: Sequence[Forward] = (),
        stdin: bytes = b"",
    ) -> Finished:
        """Run a grader's program contained in the same way, but where the copy cannot be seen: nothing of the
        candidate's runs in it or beside it.

        Args:
            argv: Program and arguments.
            limits: As for `run`.
            env: As for `run`.
            mounts: All that it sees beside the system; the first is where it starts.
            forwards: As for `argv`.
            stdin: What it reads.
        """
        ...

    def mount(self, source: Path, name: str, *, writable: bool = False) -> Mount:
        """A folder of ours to be seen under a constant name, where the sandbox can give it one."""
        ...

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Write a file of ours into the copy. Whatever is in the way goes, links are not followed.

        Raises:
            SandboxError: The copy cannot be written.
        """
        ...

    def branch(self) -> AbstractContextManager[Place]:
        """A further throw-away copy, of this one as it is now: what was run in it before is part of it.

        Raises:
            StoreError: What the candidate left cannot be copied: unreadable, too large, too deep.
            SandboxError: Ours failed.
        """
        ...

    def read_text(self, path: str, *, limit_bytes: int = 1_000_000) -> str | None:
        """A file of the copy as text with bad bytes replaced; None unless it is a plain file of that size,
        reached without any link."""
        ...


class Task(Protocol):
    """Judges one aspect of a harness."""

    @property
    def id(self) -> str: ...

    @property
    def weight(self) -> float:
        """Share in a candidate's score, > 0."""
        ...

    @property
    def cascade(self) -> Cascade: ...

    @property
    def shares(self) -> str:
        """Tasks that name the same word run in one copy, one after the other; empty for a copy of its own."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether the same tree always gets the same score, so that one run settles it."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Everything but tree and seed that decides the score, graders' contents by hash: part of the cache's
        key."""
        ...

    def judge(self, place: Place, seed: int) -> TaskScore:
        """Run the task once.

        Returns for everything the candidate does, however hostile.

        Raises:
            HoningError: Ours failed (sandbox, disk, the grader's own code); becomes `infra_error`.
            StoppedError: The caller asked to stop.
        """
        ...
