"""Task runs, remembered in the run's journal and counted against its budget."""

from __future__ import annotations

import threading
from collections.abc import Callable

from honing.errors import BudgetExhaustedError
from honing.executors import Json, Memo
from honing.harness.evaluate import STEP


class Metered:
    """What `Evaluator` remembers by. Safe to use from several threads.

    Args:
        memo: Of the run.
        limit: Runs of tasks in the life of the run, re-tests and the last look included; those under way
            when it is met are finished. None: no limit.
    """

    def __init__(self, memo: Memo, limit: int | None) -> None:
        self._memo = memo
        self._limit = limit
        self._guard = threading.Lock()
        self._made = sum(len(known["runs"]) for known in memo.results(STEP)) if limit is not None else 0

    def remember(self, step: str, key: Json, make: Callable[[], Json]) -> Json:
        """See `Memo.remember`.

        Raises:
            BudgetExhaustedError: One more would be too many.
        """

        def metered() -> Json:
            with self._guard:
                if self._limit is not None and self._made >= self._limit:
                    raise BudgetExhaustedError(f"the budget of {self._limit} task runs is spent")
                self._made += len(key["tasks"])
            return make()

        return self._memo.remember(step, key, metered)
