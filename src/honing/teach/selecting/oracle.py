"""By what teaching a snapshot pays, as measured: the bracket above."""

from __future__ import annotations

from dataclasses import dataclass

from honing.teach.selecting.base import Pool


@dataclass(frozen=True, slots=True)
class Oracle:
    """Top K by true ELP_net: what the labels themselves would choose."""

    name: str = "oracle"
    about: str = "highest true ELP_net"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        scores = {one.id: one.cpt.ELP_net for one in pool.snapshots if one.cpt is not None}
        return pool.take(pool.best(scores))
