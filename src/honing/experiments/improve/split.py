"""The budget: how it is divided before anything is spent, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from honing.errors import BudgetExhaustedError, UsageError
from honing.experiments.improve.base import Part, Sizes, Spending, StepName
from honing.experiments.improve.desk import Allowance
from honing.experiments.improve.spec import ImproveLimits, ImproveSpec

_SEARCH_SHARE = 0.5
"""Of tokens and money, where they are limited: for the harness search."""
_TEACHING_SHARE = 0.1
"""For asking the model what is to be taught."""


class Purpose(StrEnum):
    """What budget is for."""

    SEARCH = "search"
    TRAINING = "training"
    CHECK = "check"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one purpose may take, at most. None: no limit."""

    task_runs: int | None
    tokens: int | None = None
    cost_usd: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSplit:
    """How the budget is divided."""

    shares: Mapping[Purpose, Share]
    proposals: int
    training_steps: int
    limits: ImproveLimits

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "shares": {purpose.value: asdict(self.shares[purpose]) for purpose in Purpose},
            "proposals": self.proposals,
            "training_steps": self.training_steps,
            "limits": asdict(self.limits),
        }

    def lines(self) -> list[str]:
        """For a reader, one line each."""
        return [
            f"budget, {purpose.value.replace('_', '-')}: {_words(self.shares[purpose])}"
            for purpose in Purpose
        ]

    def allowance(self, step: StepName, spent: Spending) -> Allowance:
        """What a step may take: its share, and the time that is left of the whole."""
        share = self.shares[Purpose.SEARCH if step is StepName.HARNESS else Purpose.TRAINING]
        wall = None if self.limits.wall_s is None else max(0.0, self.limits.wall_s - spent.wall_s)
        return Allowance(
            proposals=self.proposals,
            training_steps=self.training_steps,
            task_runs=share.task_runs,
            tokens=share.tokens,
            cost_usd=share.cost_usd,
            wall_s=wall,
        )


def split_budget(spec: ImproveSpec, limits: ImproveLimits, sizes: Sizes) -> BudgetSplit:
    """Divide what may be spent. Checking and the last look are set aside first: a loop that cannot pay for
    its proof is not begun.

    Raises:
        UsageError: The limit of task runs does not pay for the proof, or not for one proposal beside it.
    """
    harness = StepName.HARNESS in spec.steps and spec.proposals > 0
    weights = StepName.WEIGHTS in spec.steps and spec.training_steps > 0
    check = check_runs(spec, sizes.tasks[Part.CHECK], steps=harness + weights)
    held_out = sizes.tasks[Part.HELD_OUT] * spec.final_repeats * (1 + 2 * (harness + weights))
    training = sizes.training_runs if weights else 0
    proposals = spec.proposals if harness else 0
    search = _search_runs(proposals, sizes)
    if limits.task_runs is not None:
        left = limits.task_runs - check - held_out - training
        while proposals and _search_runs(proposals, sizes) > left:
            proposals -= 1
        if left < 0 or (harness and not proposals):
            one = _search_runs(1, sizes) if harness else 0
            least = check + held_out + training + one
            raise UsageError(
                f"--task-runs {limits.task_runs}: this loop takes {least} attempts at tasks at least (check "
                f"{check}, held-out {held_out}, training {training}, one proposal of each arm {one}). Allow "
                "more, or make the panel's parts smaller."
            )
        search = left if harness else 0
    runs = {
        Purpose.SEARCH: search,
        Purpose.TRAINING: training,
        Purpose.CHECK: check,
        Purpose.HELD_OUT: held_out,
    }
    split = BudgetSplit(
        shares={purpose: Share(task_runs=count) for purpose, count in runs.items()},
        proposals=proposals,
        training_steps=spec.training_steps if weights else 0,
        limits=limits,
    )
    return replace(split, shares=_with_money(split.shares, limits, harness=harness, weights=weights))


def check_runs(spec: ImproveSpec, tasks: int, *, steps: int) -> int:
    """Attempts at check tasks: before and after each step, under both sets of seeds, which are its own."""
    return tasks * 2 * steps * (spec.check_repeats + spec.retest_repeats)


def check_limits(limits: ImproveLimits, spent: Spending, *, needs: int = 0, doing: str) -> None:
    """Stop where a limit is met, or where the next part is known not to fit.

    Args:
        limits: Of the whole loop.
        spent: Over all sessions.
        needs: Attempts at tasks that come next.
        doing: What comes next, for the message.

    Raises:
        BudgetExhaustedError: So it is.
    """
    for name, limit, used, more in (
        ("task runs", limits.task_runs, spent.task_runs, needs),
        ("tokens", limits.tokens, spent.tokens, 0),
        ("US dollars", limits.cost_usd, spent.cost_usd, 0),
        ("seconds", limits.wall_s, spent.wall_s, 0),
    ):
        if limit is None or (used + more <= limit if more else used < limit):
            continue
        raise BudgetExhaustedError(
            f"The budget of {limit:g} {name} is spent ({used:g}) before {doing}"
            + (f", which takes {more} more" if more else "")
            + ". What ended is kept; the same call with a larger budget goes on."
        )


def _search_runs(proposals: int, sizes: Sizes) -> int:
    candidates = 1 + sizes.search_arms * proposals
    return sizes.search_runs_each * candidates + sizes.search_runs_more if proposals else 0


def _with_money(
    shares: Mapping[Purpose, Share], limits: ImproveLimits, *, harness: bool, weights: bool
) -> dict[Purpose, Share]:
    """Tokens and money by fixed shares; measuring takes what is left, by its attempts at tasks."""
    search = _SEARCH_SHARE if harness else 0.0
    training = _TEACHING_SHARE if weights else 0.0
    attempts = {purpose: shares[purpose].task_runs or 0 for purpose in (Purpose.CHECK, Purpose.HELD_OUT)}
    measured = max(1, sum(attempts.values()))
    parts = {
        Purpose.SEARCH: search,
        Purpose.TRAINING: training,
        **{purpose: (1 - search - training) * count / measured for purpose, count in attempts.items()},
    }
    return {
        purpose: replace(
            share,
            tokens=None if limits.tokens is None else int(limits.tokens * parts[purpose]),
            cost_usd=None if limits.cost_usd is None else round(limits.cost_usd * parts[purpose], 6),
        )
        for purpose, share in shares.items()
    }


def _words(share: Share) -> str:
    runs = "as needed" if share.task_runs is None else f"{share.task_runs} attempts at tasks at most"
    tokens = "" if share.tokens is None else f", {share.tokens:,} tokens"
    money = "" if share.cost_usd is None else f", ${share.cost_usd:.4f}"
    return f"{runs}{tokens}{money}"
