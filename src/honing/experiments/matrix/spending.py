"""What the trials of a matrix may still spend."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

from honing.errors import BudgetExhaustedError, HoningError
from honing.executors import Budget, Json, Observation
from honing.experiments.matrix.kinds.base import Ended, Limits, Spent, TrialKind
from honing.experiments.matrix.spec import MatrixBudget
from honing.store import Run


class Purse:
    """The budget of a matrix and what each trial spent of it. Safe to use from several threads.

    A trial that failed, or that a kill cut off, has spent as well: its own run says how much.

    Args:
        budget: Of all trials together.
    """

    def __init__(self, budget: MatrixBudget) -> None:
        self._budget = budget
        self._spent: dict[str, Spent] = {}
        self._guard = threading.Lock()

    def of(self, trial: str) -> Spent:
        """What a trial spent so far."""
        with self._guard:
            return self._spent.get(trial, Spent())

    def put(self, trial: str, spent: Spent) -> None:
        """Replace what is known of a trial."""
        with self._guard:
            self._spent[trial] = spent

    def limits(self, trial: str) -> Limits:
        """What a trial may spend in all: what the others left.

        Raises:
            BudgetExhaustedError: They left nothing.
        """
        tokens, cost = self._left(without=trial)
        if (tokens is not None and tokens <= 0) or (cost is not None and cost <= 0):
            spent = f"{self._budget.tokens} tokens" if tokens is not None and tokens <= 0 else "money"
            raise BudgetExhaustedError(f"The budget of {spent} is spent by the trials so far.")
        return Limits(tokens=tokens, cost_usd=None if cost is None else Decimal(str(cost)))

    def _left(self, *, without: str) -> tuple[int | None, float | None]:
        with self._guard:
            every = [one for name, one in self._spent.items() if name != without]
        tokens, cost = self._budget.tokens, self._budget.cost_usd
        if tokens is not None:
            tokens -= sum(one.tokens for one in every)
        if cost is not None:
            cost -= sum(one.cost_usd or 0.0 for one in every)
        return tokens, cost


def budget_of(budget: MatrixBudget) -> Budget:
    """The same limits for `run_map`."""
    return Budget(tokens=budget.tokens, cost_usd=budget.cost_usd, wall_s=budget.wall_s)


def observed(document: Json) -> Observation:
    """Spending of a trial's result. Its score is no part of the live line: a mean over cells that differ is a
    mean of nothing; the tables have each cell's own."""
    ended = Ended.from_document(document)
    return Observation(tokens=ended.spent.tokens, cost_usd=ended.spent.cost_usd)


def spent_in(folder: Path, kind: TrialKind) -> Spent:
    """What the run of a trial spent so far; nothing where there is none, or none that can be read."""
    try:
        return kind.spent(Run.open(folder))
    except HoningError:
        return Spent()
