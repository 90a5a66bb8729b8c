"""What a candidate is: one edited harness, how it ended and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from honing.harness.tasks.base import Evaluation
from honing.store import TreeId


class Outcome(StrEnum):
    """How a candidate ended. Exactly one holds."""

    BASELINE = "baseline"
    """The harness as the user gave it."""
    KEEP = "keep"
    """It beat its parent, and did so again when it was tested again."""
    DISCARD = "discard"
    """It was evaluated, in full or until it was hopeless, and did not beat its parent."""
    CRASH = "crash"
    """The agent could not be launched, authenticate or find its model, or it broke."""
    TIMEOUT = "timeout"
    """The agent reached its time limit; its whole process tree was killed."""
    NO_CHANGE = "no-change"
    """The agent ended well, and the folder is what it was."""
    SCOPE_VIOLATION = "scope-violation"
    """It changed something outside the allowed write scope."""
    CLASS_VIOLATION = "class-violation"
    """It changed files of more classes than one candidate may."""
    LEAKAGE_VIOLATION = "leakage-violation"
    """What it wrote names tasks or phrases that a harness must not know."""
    TAMPERED = "tampered"
    """It tried to reach its judge: the grader, the results, another candidate, the run."""
    INFRA_ERROR = "infra_error"
    """Ours failed: sandbox, disk, network, gateway, the model's server. Says nothing about the candidate."""


class Arm(StrEnum):
    """Which search a candidate belongs to."""

    SEARCH = "search"
    CONTROL = "control"
    """Independent proposals from the baseline at the same budget: what the search has to beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What asking the agent once led to; the part of a candidate that costs money."""

    tree: TreeId | None
    """The folder as the agent left it; None where it could not be read."""
    agent: Mapping[str, Any] = field(default_factory=dict)
    """`AgentRun.as_document()` without its transcript: agent, version, outcome, trouble, reason, usage,
    duration_s, sandbox."""
    manifest: Mapping[str, Any] | None = None
    """The change manifest that the agent wrote, checked; None where it wrote none. Never believed."""
    manifest_problem: str = ""
    """Why a manifest that it wrote could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Whether a candidate's gain over its parent is believed, and how large it is."""

    accepted: bool
    sentence: str
    difference: tuple[float, float, float] | None = None
    """Paired difference to the parent on the search tasks: estimate, low, high. None where nothing was
    compared."""
    retest: tuple[float, float, float] | None = None
    """The same from fresh episodes alone; None where none were needed or run."""
    estimate: float | None = None
    """The candidate's score, free of the luck that led to its selection where a re-test was made."""
    task_runs: int = 0
    """Task runs that the re-test cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One row of the ledger. What is in it decides nothing but is decided by everything before it."""

    id: str
    """`c0000` is the baseline, `c0001` ... the search's proposals by slot, `b0001` ... the control's."""
    arm: Arm
    slot: int
    """Position in its arm, from 1; 0 for the baseline."""
    parents: tuple[str, ...] = ()
    """The candidate it was made from first; others that it was shown to merge."""
    outcome: Outcome
    sentence: str
    """Why, in one sentence."""
    tree: TreeId | None = None
    size_bytes: int = 0
    """Of all files of the tree, transient ones left out."""
    proposal: Proposal | None = None
    """None for the baseline and for candidates that were made without an agent."""
    changed: tuple[str, ...] = ()
    """Paths that differ from the first parent, transient ones left out."""
    offending: tuple[str, ...] = ()
    """Paths, classes or phrases that broke a rule."""
    evaluation: Evaluation | None = None
    """None where nothing was run."""
    acceptance: Acceptance | None = None
    note: str = ""
    """Why the search chose this parent."""

    @property
    def score(self) -> float | None:
        """Weighted mean over the search tasks; None where not all were scored."""
        return self.evaluation.score if self.evaluation is not None else None

    @property
    def in_lineage(self) -> bool:
        """Whether later candidates may be made from it."""
        return self.outcome in (Outcome.BASELINE, Outcome.KEEP)
