"""What is improved: a subject can be measured, its harness rewritten, its weights taught.

The loop owns what makes a gain believable (parts of the panel, seeds, gates, the sealed last look) and knows
no benchmark; a subject owns what a task, a harness and a model are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from honing.errors import LeakageError

if TYPE_CHECKING:
    from honing.experiments.improve.desk import Desk


class Part(StrEnum):
    """What a task of the panel may be used for. Exactly one holds."""

    SEARCH = "search"
    """Proposers are judged on it, and failures on it are taught."""
    CHECK = "check"
    """Decides whether a step is kept."""
    HELD_OUT = "held_out"
    """Sealed until the end, then measured once."""


class StepName(StrEnum):
    """The steps of the loop that change something, in their order."""

    HARNESS = "harness"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTask:
    """One task, known by what it asks and not by its name alone."""

    id: str
    digest: str
    """Hash of everything a solver is shown: two tasks with one digest are the same task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Which tasks are used for what, fixed before anything is measured.

    Raises:
        LeakageError: Two parts share a task, by id or by content.
    """

    tasks: Mapping[Part, tuple[PanelTask, ...]]
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """Why a score on it can be believed, in the subject's own terms: a calibration, an expert and a random
    agent that bracket it."""

    def __post_init__(self) -> None:
        """Refuse a panel whose parts overlap."""
        seen: dict[str, Part] = {}
        for part in Part:
            for key in {word for task in self.tasks[part] for word in (f"id {task.id}", task.digest)}:
                if key in seen:
                    raise LeakageError(
                        f"the panel's parts '{seen[key]}' and '{part}' share a task ({key}); a gain on it "
                        "would prove nothing. Take duplicates out of the data."
                    )
                seen[key] = part

    @property
    def id(self) -> str:
        """Hash of every task's content and part: equal panels ask the same."""
        content = {part.value: sorted(task.digest for task in self.tasks[part]) for part in Part}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def ids(self, part: Part) -> tuple[str, ...]:
        """The ids of a part's tasks, in their order."""
        return tuple(task.id for task in self.tasks[part])


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One state of the agent: a harness and a model."""

    harness: str
    """Tree of the harness's files in the store of the folder of runs (`TreeStore`)."""
    model: str
    """A model's name, a hub id or a folder. A folder that the run itself made is relative to it
    (`weights/adapter`)."""

    def as_document(self) -> dict[str, str]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> Version:
        """The version that `as_document` wrote."""
        return cls(**document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What something cost."""

    task_runs: int = 0
    """Tasks attempted, repeats counted."""
    calls: int = 0
    """Model calls that left this process, to a server or an API."""
    tokens: int = 0
    cost_usd: float = 0.0
    wall_s: float = 0.0
    """Volatile: kept in the journal, never in what identity is over."""
    proposals: int = 0
    training_steps: int = 0
    """Optimiser steps."""

    def plus(self, other: Spending) -> Spending:
        """The sum of both."""
        mine, more = asdict(self), asdict(other)
        return Spending(**{name: mine[name] + more[name] for name in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """One attempt at one task."""

    task: str
    seed: int
    score: float | None
    """In [0, 1], higher is better; None where ours failed or the attempt cannot be trusted: never a zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One version on tasks of one part, under some seeds."""

    scores: tuple[TaskScore, ...]
    """One per task and seed, in the order of tasks, then of seeds."""
    spent: Spending = Spending()
    deterministic: bool = False
    """Whether other seeds would have given the same: a re-test then needs other tasks."""

    def by_task(self) -> dict[str, list[float]]:
        """The scores of each task in the order of seeds; tasks with a score missing are left out."""
        found: dict[str, list[float]] = {}
        lacking = {one.task for one in self.scores if one.score is None}
        for one in self.scores:
            if one.score is not None and one.task not in lacking:
                found.setdefault(one.task, []).append(one.score)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a step proposes. Nothing is kept because a step says that it is good."""

    version: Version | None
    """None where there is nothing to try; `reason` says why."""
    control: Version | None = None
    """What the same budget gives without the step's idea (independent proposals instead of a search, training
    on states drawn at random): measured on the held-out tasks beside it. None where there is none."""
    reason: str = ""
    """One sentence: what was changed, or why nothing is proposed."""
    spent: Spending = Spending()
    run: str = ""
    """Folder of the step's own run, relative to the loop's run; empty where there is none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a reader may want to see: the diff of the harness, losses, how many examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a loop over a subject will attempt, known before anything is spent."""

    tasks: Mapping[Part, int]
    search_runs_each: int
    """Attempts at tasks that judging one harness candidate takes, at most."""
    search_runs_more: int = 0
    """Further attempts of a harness search, however many candidates: a last look at its winners."""
    search_arms: int = 2
    """Arms of the harness search: with a control arm every proposal is made twice over."""
    training_runs: int = 0
    """Attempts at tasks that teaching takes, at most."""


@runtime_checkable
class Sized(Protocol):
    """A subject that can say beforehand how much there is to attempt."""

    def sizes(self) -> Sizes:
        """Found out without asking a model and without a run."""
        ...


class Subject(Protocol):
    """A target, an agent on it, and how both are changed. Everything here is deterministic in its arguments
    and resumable: a call that was killed is made again and goes on where it was.

    In every session the loop calls `start`, then `panel`, before anything else, also where their results are
    known already: a subject may hold on to what they open. One that has a method `close(error)` is
    closed at the end of a session, with the error that ended it or None.
    """

    @property
    def name(self) -> str:
        """For titles: what is improved on what."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Everything that decides results beside versions and seeds, as plain data: a run of another identity
        is another run."""
        ...

    def start(self, desk: Desk) -> Version:
        """The version that is to be improved; its files are put into the store."""
        ...

    def panel(self, desk: Desk) -> Panel:
        """Fix the tasks, and certify that scores on them can be believed.

        Raises:
            HoningError: They cannot be: the target does not calibrate, no expert solves the tasks.
        """
        ...

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """Attempt every task of a part under every seed. Common seeds mean common random numbers."""
        ...

    def rewrite(self, desk: Desk, version: Version) -> Proposal:
        """Search for a better harness on the tasks of SEARCH alone, within the desk's budget for it."""
        ...

    def teach(self, desk: Desk, version: Version) -> Proposal:
        """Train the model on failures of SEARCH alone, acting through the version's harness.

        Where the weights cannot be trained (a hosted model, the extra not installed) the proposal has no
        version, and its reason is the sentence to show.
        """
        ...
