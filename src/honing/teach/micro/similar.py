"""Tasks like a snapshot's own: where a micro-trained student is tried besides the snapshot."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from honing.environments import Task, World
from honing.learn import draw
from honing.teach.apart import tasks_at_most

_FIRST_POOL, _LARGEST_POOL = 10, 80
"""Tasks that are looked through for each one wanted, at first and at most."""


def task_pool(world: World, tags: Collection[frozenset[str]], n: int, *, seed: int) -> list[Task]:
    """Tasks of the split "validation": so many that `n` of them have each of the sets of tags, as far as the
    world has them.

    Args:
        world: Whose tasks.
        tags: The sets that are looked for.
        n: Wanted of each.
        seed: Of the drawing.
    """
    size = _FIRST_POOL * n
    found = tasks_at_most(world, "validation", size, seed=seed)
    while size < _LARGEST_POOL * n and len(found) == size and not _enough(found, tags, n):
        size *= 2
        found = tasks_at_most(world, "validation", size, seed=seed)
    return found


def similar_tasks(task: Task, pool: Sequence[Task], n: int, *, seed: int) -> list[Task]:
    """The `n` tasks of a pool whose tags are most like a task's; equals in an order drawn for this task."""
    wanted = frozenset(task.tags)
    return sorted(
        pool, key=lambda other: (-likeness(wanted, frozenset(other.tags)), draw(seed, task.id, other.id))
    )[:n]


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the tags of either that both have (Jaccard); 1 where neither has any."""
    return len(one & other) / len(one | other) if one | other else 1.0


def _enough(tasks: Sequence[Task], tags: Collection[frozenset[str]], n: int) -> bool:
    return all(sum(frozenset(task.tags) == wanted for task in tasks) >= n for wanted in tags)
