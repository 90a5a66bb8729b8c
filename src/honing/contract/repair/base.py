"""What a repair is asked for, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from honing.agents import Agent
from honing.contract.options import RolloutOptions
from honing.contract.stages.failures import Failure
from honing.llm import Budget, Source
from honing.sandbox import Limits
from honing.store import TreeId

REPAIR = "repair.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """Who may repair a contract, and how often."""

    agent: Agent
    model: str = ""
    """The agent's model, by the name it is asked for."""
    source: Callable[[], Source] | None = None
    """What answers for that model; None for an agent that asks none."""
    iterations: int = 3
    """Patches to ask for at most."""
    limits: Limits = field(default_factory=lambda: Limits(wall_s=900.0))
    """Of each run of the agent."""
    budget: Budget | None = None
    """For the agent's model calls, all iterations together."""
    measured: str = "control"
    """The model that will be measured. A target's own commands see its name, so the controls that a repair
    is judged by show it too, and are then not measured again."""
    asked: RolloutOptions = field(default_factory=RolloutOptions)
    """How that model will be asked."""
    told: Callable[[Iteration], None] = lambda _: None
    """Is told how each iteration ended."""

    @property
    def identity(self) -> dict[str, Any]:
        """What decides a repaired measurement's result beside its target, as plain data."""
        return {"agent": self.agent.name, "model": self.model, "iterations": self.iterations}


class Verdict(StrEnum):
    """How one iteration ended. Exactly one holds."""

    REPAIRED = "repaired"
    """The contract now calibrates."""
    PROGRESS = "progress"
    """It fails further on than before; the patch is kept."""
    NOT_REPAIRED = "not-repaired"
    """It fails as before, or earlier; the patch is dropped."""
    REFUSED = "refused"
    """A gate refused the patch; it is dropped whole and was never run."""
    REPEATED = "repeated"
    """The same patch was tried before."""
    NO_CHANGE = "no-change"
    TIMEOUT = "timeout"
    """The agent did not end within its limit; whatever it had written is dropped."""


class RepairEnding(StrEnum):
    """How a repair ended. Exactly one holds."""

    NOT_NEEDED = "not-needed"
    REPAIRED = "repaired"
    ITERATIONS = "iterations"
    """The limit was met."""
    REPETITION = "repetition"
    """A patch came back that had been tried for the same failure."""
    AGENT_FAILED = "agent-failed"
    """The agent could not be launched, authenticate or reach its model."""
    NOT_MENDABLE = "not-mendable"
    """No contract can close what failed."""
    UNFINISHED = "unfinished"
    """It is still going on, or was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why a gate refused a patch."""

    gate: str
    where: str
    """A path, or a dotted part of the contract."""
    text: str
    """A sentence for the agent and the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an agent left, after the gates."""

    verdict: Verdict | None
    """Set where there is nothing to try."""
    reason: str = ""
    tree: TreeId | None = None
    """The target with the patch; None where there is nothing to try."""
    paths: tuple[str, ...] = ()
    """Everything that it changed."""
    patch: str = ""
    """The change as a unified diff."""
    refusals: tuple[Refusal, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    """The agent's run, as plain data."""

    def as_document(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "verdict": None if self.verdict is None else self.verdict.value,
            "reason": self.reason,
            "tree": self.tree,
            "paths": list(self.paths),
            "patch": self.patch,
            "refusals": [{"gate": r.gate, "where": r.where, "text": r.text} for r in self.refusals],
            "run": dict(self.run),
        }


def proposal_from(document: Mapping[str, Any]) -> Proposal:
    """The proposal that `as_document` wrote."""
    verdict, tree = document["verdict"], document["tree"]
    return Proposal(
        verdict=None if verdict is None else Verdict(verdict),
        reason=document["reason"],
        tree=None if tree is None else TreeId(tree),
        paths=tuple(document["paths"]),
        patch=document["patch"],
        refusals=tuple(Refusal(**one) for one in document["refusals"]),
        run=document["run"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One turn of the loop."""

    number: int
    """From 1."""
    failure: Failure
    """What the agent was asked to mend."""
    proposal: Proposal
    verdict: Verdict
    reason: str
    """One sentence where it is not repaired."""
    after: Failure | None = None
    """What failed with the patch; None where nothing did or it was not tried."""

    def as_document(self) -> dict[str, Any]:
        """For repair.json and evidence."""
        return {
            "iteration": self.number,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "failure": self.failure.as_document(),
            "after": None if self.after is None else self.after.as_document(),
            "paths": list(self.proposal.paths),
            "patch": self.proposal.patch,
            "refusals": self.proposal.as_document()["refusals"],
            "agent": dict(self.proposal.run),
        }
