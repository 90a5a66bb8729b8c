"""The second control: by chance among the same kinds of action."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from honing.teach.selecting.base import Pool
from honing.teach.selecting.oracle import Oracle


@dataclass(frozen=True, slots=True)
class RandomSameKind:
    """As many of each kind of taught action as the oracle chooses, drawn by chance: what is left of the
    oracle's gain here was owed to which actions are taught, not to which states pay."""

    name: str = "random_same_kind"
    about: str = "drawn by chance, as many of each kind of taught action as the oracle takes"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        by_id = {snapshot.id: snapshot for snapshot in pool.snapshots}
        wanted = Counter(pool.taught_kind(by_id[name]) for name in Oracle().choose(pool))
        order, left = [], Counter(wanted)
        for snapshot in pool.drawn("random_same_kind"):
            kind = pool.taught_kind(snapshot)
            if left[kind] > 0:
                left[kind] -= 1
                order.append(snapshot)
        # The oracle kept to the cap; so many of each kind, drawn elsewhere, need not: kinds come first.
        return replace(pool, cap_per_fact=None).take(order)
