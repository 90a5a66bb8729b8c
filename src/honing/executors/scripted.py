"""An executor that plays a script: the order, the losses and the duplicates that a cluster may bring."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from honing.executors.attempt import attempt
from honing.executors.base import Completed, Unit, UnitFunction, UnitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedExecutor:
    """Runs units in this thread, but delivers them as badly as an executor may.

    Units come in shuffled order in batches, some are started more than once, some come back twice, some lose
    their workers for good.
    """

    seed: int = 0
    """Of the order in which units complete."""
    workers: int = 4
    """Units per batch."""
    starts: Mapping[int, int] = field(default_factory=dict)
    """How often a unit is started, by its index; 1 where it is not named. Every start really runs the
    function."""
    duplicated: frozenset[int] = frozenset()
    """Indices of units that are delivered twice, in one batch."""
    lost: frozenset[int] = frozenset()
    """Indices of units that end as WORKER_LOST without having run."""

    @property
    def name(self) -> str:
        return "scripted"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        order = random.Random(self.seed)
        source = iter(units)
        while not should_stop() and (batch := list(islice(source, self.workers))):
            order.shuffle(batch)
            yield [ended for unit in batch for ended in self._play(fn, unit)]

    def _play(self, fn: UnitFunction, unit: Unit) -> list[Completed]:
        if unit.index in self.lost:
            return [
                Completed(
                    unit=unit, status=UnitStatus.WORKER_LOST, error="lost by the script", worker="scripted"
                )
            ]
        endings = [attempt(fn, unit, worker="scripted") for _ in range(self.starts.get(unit.index, 1))]
        return endings[-1:] * (2 if unit.index in self.duplicated else 1)
