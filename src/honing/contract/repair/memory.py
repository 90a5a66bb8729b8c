"""What a repair has tried: the record that repair.json holds, and the memory that stops it from going in
circles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from honing.contract.repair.base import (
    SCHEMA,
    Iteration,
    Proposal,
    RepairEnding,
    RepairOptions,
    Verdict,
)
from honing.contract.stages.failures import Failure, FailureKind

_STAGES = (
    "target", "contract", "environment", "auth", "bootstrap", "tests", "deploy.setup", "deploy.health",
    "oracle", "benchmark", "rollout", "evaluate", "calibrate",
)  # fmt: skip
"""In the order in which they are reached."""
_BEYOND_A_CONTRACT = frozenset({FailureKind.INFRASTRUCTURE, FailureKind.STOPPED, FailureKind.NO_ANSWER})
"""Failures that lie with this machine, the user or the model's server."""


@dataclass(slots=True, kw_only=True)
class RepairRecord:
    """The iterations so far and how it ended."""

    options: RepairOptions
    first: Failure | None
    """What failed before anything was tried."""
    iterations: list[Iteration] = field(default_factory=list)
    ending: RepairEnding = RepairEnding.UNFINISHED
    reason: str = ""
    _tried: set[str] = field(default_factory=set)

    def may_go_on(self, failure: Failure) -> bool:
        """Whether another patch may be asked for; sets the ending where not."""
        if self.ending is not RepairEnding.UNFINISHED:
            return False
        if failure.kind in _BEYOND_A_CONTRACT:
            self.end(RepairEnding.NOT_MENDABLE, f"no contract can close this: {failure.next_step}")
        elif len(self.iterations) >= self.options.iterations:
            last = self.iterations[-1] if self.iterations else None
            why = f"; the last: {last.verdict.value}, {last.reason}" if last is not None else ""
            self.end(RepairEnding.ITERATIONS, f"{len(self.iterations)} patches were asked for{why}")
        return self.ending is RepairEnding.UNFINISHED

    def add(self, iteration: Iteration) -> None:
        """Keep an iteration; a patch that came back ends the repair."""
        self.iterations.append(iteration)
        if iteration.verdict is Verdict.REPEATED:
            self.end(RepairEnding.REPETITION, iteration.reason)
        elif iteration.verdict is Verdict.REPAIRED:
            self.end(RepairEnding.REPAIRED, "")

    def end(self, ending: RepairEnding, reason: str) -> None:
        self.ending, self.reason = ending, reason

    def seen(self, failure: Failure, proposal: Proposal) -> bool:
        """Whether this patch was proposed for this failure before; remembers it."""
        key = hashlib.sha256(f"{fingerprint(failure)}\0{proposal.patch}".encode()).hexdigest()
        known = key in self._tried
        self._tried.add(key)
        return known

    def as_document(self) -> dict[str, Any]:
        """repair.json."""
        return {
            "schema": SCHEMA,
            "ending": self.ending.value,
            "reason": self.reason,
            **self.options.identity,
            "first_failure": None if self.first is None else self.first.as_document(),
            "iterations": [one.as_document() for one in self.iterations],
        }


def fingerprint(failure: Failure) -> str:
    """What makes two failures the same; times and places in their texts do not count."""
    return "\0".join((failure.kind.value, failure.stage, failure.command, *failure.names))


def is_further(after: Failure, before: Failure) -> bool:
    """Whether a failure comes later than another: in a later stage, or in the same one for another reason, as
    where one missing module was closed and the next is named."""
    reached, was = _rank(after), _rank(before)
    if reached != was:
        return reached > was
    same_command = after.command == before.command
    return after.kind is not before.kind or (same_command and after.names != before.names)


def _rank(failure: Failure) -> int:
    return _STAGES.index(failure.stage) if failure.stage in _STAGES else 0
