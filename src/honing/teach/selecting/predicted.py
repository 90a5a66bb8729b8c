"""By what teaching a snapshot pays, as predicted."""

from __future__ import annotations

from dataclasses import dataclass

from honing.teach.selecting.base import Pool


@dataclass(frozen=True, slots=True)
class Predicted:
    """Top K by predicted ELP_net, each predicted by a predictor that never saw the snapshot's task."""

    name: str = "predictor"
    about: str = "highest ELP_net predicted out of fold"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        return pool.take(pool.best(pool.score(self.name)))
