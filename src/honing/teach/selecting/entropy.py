"""By how unsure the student is."""

from __future__ import annotations

from dataclasses import dataclass

from honing.teach.selecting.base import Pool


@dataclass(frozen=True, slots=True)
class Entropy:
    """Top K by the entropy of the student's distribution over the valid actions."""

    name: str = "entropy"
    about: str = "highest entropy"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        scores = {one.id: one.uncertainty.entropy for one in pool.snapshots if one.uncertainty is not None}
        return pool.take(pool.best(scores))
