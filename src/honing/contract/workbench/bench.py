"""What a measurement stands on, and what it leaves: the records that rollout and evaluate pass on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.asking.rollout import Plan
from honing.contract.controls.control import AnswerBook
from honing.contract.controls.gold import Gold
from honing.contract.data.task import DatasetTask
from honing.contract.grading.evaluate import Evaluation
from honing.contract.samples.sample import Sample
from honing.contract.scorers import Row, Scorer
from honing.contract.spec import ContractSpec
from honing.contract.stages.failures import Failure
from honing.contract.stages.stage import StageContext
from honing.contract.workbench.surroundings import Surroundings
from honing.executors import Executor
from honing.llm import Answerer, Channel, Client, Gateway
from honing.store import Run, TreeId, TreeStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything a measurement stands on, fixed once a target is set up."""

    run: Run
    contract: ContractSpec
    task: DatasetTask | None
    scorer: Scorer | None
    rows: Mapping[str, Row]
    """Rows of the task by id; empty without a task."""
    gold: Gold | None
    """The right answers, where the target or the user gives them."""
    book: AnswerBook | None
    """Joins a prompt of the target's own to its row; None without gold."""
    trees: TreeStore
    original: Path
    """The target as it was resolved; never shown to a command."""
    prepared: TreeId
    """The tree that setup left; every rollout begins with a fresh copy of it."""
    gateway: Gateway
    surroundings: Surroundings
    """Where commands run."""
    client: Callable[[Channel], Client]
    asking: Executor
    """For units that wait for a model."""
    judging: Executor | None
    """For scorers whose judging costs something; None judges in place."""
    sandbox_name: str
    """What contains foreign code; "" where the contract has none."""
    policy: Answerer | None = None
    """Plays the perfect model, where the contract brings a program that does."""
    user_oracle: bool = False
    """Whether the right answers are the user's own, so that the contract's are not asked for."""
    until_end: ExitStack = field(default_factory=ExitStack)
    """What is stopped at teardown."""

    def context(self, folder: Path, channel: Channel | None, plan: Plan | None) -> StageContext:
        """Where a measurement's commands run; a stage without a channel reaches no model."""
        return self.surroundings.context(folder, channel, plan)

    @property
    def programs(self) -> Path | None:
        """Folder of the programs that were installed for the target alone; None where none were."""
        built = self.surroundings.built
        return None if built is None else built.folder / "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What a rollout left."""

    plan: Plan
    samples: tuple[Sample, ...]
    tree: TreeId | None
    """The working copy after the rollout's commands; None where no command ran."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """Why the rollout is not valid; empty where it is."""
    failure: Failure | None = None
    """The same, typed, where it is a failure of the target's commands."""
    judged: Mapping[str, Any] | None = None
    """What a command that asks and judges left: its number, its results, its causes."""

    @property
    def ok(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A rollout with its evaluation."""

    rollout: Rollout
    samples: tuple[Sample, ...]
    """Judged, where we or the target judged them."""
    evaluation: Evaluation
    reason: str = ""
    """Why there is no score; empty where there is one."""
    failure: Failure | None = None
    """The same, typed, where it is a failure of the target's commands."""
    causes: Mapping[str, Any] | None = None
    """What the target's own judge did (`audit.causes`); None where Honing judged."""


def without_score(rollout: Rollout, reason: str, failure: Failure | None = None) -> Measurement:
    """A measurement that came to nothing, with the reason."""
    evaluation = Evaluation(score=None, n_planned=rollout.plan.planned, n_scored=0)
    return Measurement(
        rollout=rollout,
        samples=rollout.samples,
        evaluation=evaluation,
        reason=reason,
        failure=failure or rollout.failure,
    )


def counts_of(samples: tuple[Sample, ...]) -> dict[str, Any]:
    """Calls and tokens of samples, also of those a former session asked."""
    return {
        "calls": len(samples),
        "input_tokens": sum(sample.usage.get("input_tokens") or 0 for sample in samples),
        "output_tokens": sum(sample.usage.get("output_tokens") or 0 for sample in samples),
    }
