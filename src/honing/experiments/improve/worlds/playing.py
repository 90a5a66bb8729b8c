"""Episodes of a policy as units of work, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from honing.environments import Task, task_hash, world_named
from honing.errors import ExecutorError
from honing.executors import Executor, MapOptions, Observation, Progress, SilentProgress, Unit, run_map
from honing.learn import Episode, Keep, Start, policy_from, roll_out
from honing.store import Run, digest

Json = Any
TASKS_PER_UNIT = 64
"""Fixed, so that results do not depend on the number of workers; as many as are in flight in lock step."""


def chunks_of(
    world: Mapping[str, Json],
    policy: Mapping[str, Json],
    tasks: Sequence[Task],
    *,
    seeds: Sequence[int],
    keep: Keep = Keep.ENDING,
) -> list[Json]:
    """The units of work of every task under every seed, by seed, then by task.

    Args:
        world: `name` and `options`.
        policy: As `learn.policy_from` takes it.
        tasks: Of the world.
        seeds: Of the draws: versions that share one meet the same random numbers.
        keep: How much of each episode.
    """
    work = {"world": dict(world), "policy": dict(policy), "keep": keep.value}
    return [
        {
            **work,
            "seed": seed,
            "tasks": [task.as_document() for task in tasks[first : first + TASKS_PER_UNIT]],
        }
        for seed in seeds
        for first in range(0, len(tasks), TASKS_PER_UNIT)
    ]


def play_chunk(work: Mapping[str, Json]) -> list[Json]:
    """One unit: an episode of each task of a chunk. The harness decides how boldly is acted, so draws follow
    the distribution as it is."""
    episodes = roll_out(
        policy_from(work["policy"]),
        world_named(work["world"]["name"], work["world"]["options"]),
        [Start(task=Task.from_document(document), draw="improve") for document in work["tasks"]],
        temperature=1.0,
        seed=work["seed"],
        keep=Keep(work["keep"]),
        in_flight=TASKS_PER_UNIT,
    )
    if work["keep"] != Keep.ENDING:
        return [episode.as_document() for episode in episodes]
    # What a measurement needs; the rest of an ending would fill the journal.
    return [
        {"success": episode.success, "tampered": bool(episode.tampered), "steps": len(episode.actions)}
        for episode in episodes
    ]


def episodes_of(rows: Sequence[Json]) -> list[Episode]:
    """Episodes that were kept with more than their ending."""
    return [Episode.from_document(row) for row in rows]


def hash_chunk(work: Mapping[str, Json]) -> list[str]:
    """One unit: the identity by content of each task of a chunk."""
    environment = world_named(work["world"]["name"], work["world"]["options"]).make()
    try:
        tasks = [Task.from_document(document) for document in work["tasks"]]
        return [task_hash(environment.reset(task), task) for task in tasks]
    finally:
        environment.close()


def mapped(
    run: Run,
    executor: Executor,
    step: str,
    fn: Callable[[Json], Json],
    units: Sequence[Json],
    *,
    progress: Progress | None = None,
) -> list[Json]:
    """The results of units, each remembered in the run's journal; lists are joined.

    Raises:
        ExecutorError: A unit failed; those that ended are kept.
        HoningError: See `executors.run_map`.
    """
    options = MapOptions(observe=_observed, progress=progress or SilentProgress())
    ended = run_map(run, step, fn, units, executor=executor, options=options)
    lost = next((each for each in ended if not each.ok), None)
    if lost is not None:
        raise ExecutorError(
            f"Step '{step}', unit {lost.index}: {lost.error_kind}: {lost.error} What ended is kept; the same "
            "command goes on."
        )
    return [row for each in ended for row in each.result]


def at_once(executor: Executor, fn: Callable[[Json], Json], units: Sequence[Json]) -> list[Json]:
    """The same without a journal, for work that is remembered elsewhere. Safe from several threads.

    Raises:
        ExecutorError: A unit failed.
    """
    asked = [Unit(key=digest([number, unit]), index=number, input=unit) for number, unit in enumerate(units)]
    found: dict[int, Json] = {}
    for completed in _completed(executor, fn, asked):
        if completed.error:
            raise ExecutorError(f"Unit {completed.unit.index}: {completed.error_kind}: {completed.error}")
        found[completed.unit.index] = completed.result
    return [row for number in range(len(asked)) for row in found[number]]


def _completed(executor: Executor, fn: Callable[[Json], Json], units: Sequence[Unit]) -> Iterator[Any]:
    for batch in executor.run(fn, units, lambda: False):
        yield from batch


def _observed(rows: Json) -> Observation:
    """The share of episodes that succeeded, for the live score. Work of this machine costs no money."""
    played = [row["success"] for row in rows if isinstance(row, dict) and "success" in row]
    return Observation(value=sum(played) / len(played) if played else None, cost_usd=0.0)
