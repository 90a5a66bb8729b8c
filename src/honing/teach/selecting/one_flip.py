"""By one forced rollout: a snapshot is kept if the taught action alone turns the failure into a success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.environments import Task, world_named
from honing.learn import Start, policy_from, roll_out
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.selecting.base import Pool, taught_action
from honing.teach.snapshot import Snapshot

Json = Any

_SNAPSHOTS_PER_UNIT = 64


@dataclass(frozen=True, slots=True)
class OneFlip:
    """First those whose one rollout flipped, then the others; within both by chance."""

    name: str = "one_flip"
    about: str = "one forced rollout succeeds where the episode failed"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        return pool.take(pool.best(pool.score(self.name)))


def flips(
    desk: Desk, snapshots: Sequence[Snapshot], policy: Mapping[str, Json], *, step: str = "select.one_flip"
) -> dict[str, float]:
    """1 for each snapshot from which one fresh episode with the taught action forced succeeds, else 0.

    One episode per snapshot, at temperature 1. Snapshots without a saved state have no entry.

    Args:
        desk: Of the study.
        snapshots: Which.
        policy: The student, as `learn.policy_from` takes it.
        step: In the journal.
    """
    rows = [
        {
            "id": one.id,
            "task": one.task,
            "state": one.env_state,
            "history": one.history,
            "forced": taught_action(one),
        }
        for one in snapshots
        if one.env_state is not None
    ]
    works = [
        {
            "world": world_document(desk),
            "policy": dict(policy),
            "seed": desk.spec.seed,
            "rows": rows[first : first + _SNAPSHOTS_PER_UNIT],
        }
        for first in range(0, len(rows), _SNAPSHOTS_PER_UNIT)
    ]
    return {
        name: float(value) for found in desk.map(step, flip_chunk, works) for name, value in found.items()
    }


def flip_chunk(work: Mapping[str, Json]) -> dict[str, int]:
    """One unit: by snapshot, whether its forced episode succeeds."""
    policy = policy_from(work["policy"])
    world = world_named(work["world"]["name"], work["world"]["options"])
    starts = [
        Start(
            task=Task.from_document(row["task"]),
            draw="one_flip",
            state=row["state"],
            history=tuple(row["history"]),
            forced=row["forced"],
        )
        for row in work["rows"]
    ]
    episodes = roll_out(policy, world, starts, temperature=1.0, seed=work["seed"])
    return {
        row["id"]: int(episode.success and not episode.tampered)
        for row, episode in zip(work["rows"], episodes, strict=True)
    }
