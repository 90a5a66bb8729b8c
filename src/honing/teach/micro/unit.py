"""The unit of phase 1B: a few snapshots, each learned in tiny trainings of its own, each then played from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task, world_named
from honing.learn import (
    ActingHarness,
    AdapterJob,
    Example,
    Harnessed,
    JobOutcome,
    SftOptions,
    StackedStudent,
    Start,
    micro_train,
    noted_examples,
    policy_from,
    roll_out,
    student_inside,
)

Json = Any
Key = tuple[Json, ...]

_IN_FLIGHT = 256
"""Wider than usual: an adapter has few episodes, and the base below all of them is asked at once."""


def micro_train_chunk(work: Mapping[str, Json]) -> list[Json]:
    """Train one adapter per snapshot and setting, all in one pass, then play before and after.

    Args:
        work: `student` and `world` (documents), `snapshots` (rows with `example`, `task`, `state`, `history`,
            `similar`: documents of tasks), `settings` (options of `SftOptions`), `n_rollouts`, `max_steps`,
            `seed`.

    Returns:
        Per snapshot: successes `same_before` and `similar_before`, and per setting `same_after`,
        `similar_after`, `first_loss`, `final_loss`.
    """
    harness = ActingHarness.from_document(work["student"].get("harness", {}))
    student = student_inside(policy_from(work["student"]))
    rows, settings = work["snapshots"], work["settings"]
    stack, outcomes = micro_train(student, _jobs(rows, settings, harness))
    stacked = StackedStudent(student, stack)
    plays = _plays(rows, len(settings), work["n_rollouts"])
    episodes = roll_out(
        Harnessed(stacked, harness) if "harness" in work["student"] else stacked,
        world_named(work["world"]["name"], work["world"]["options"]),
        list(plays.values()),
        temperature=1.0,
        seed=work["seed"],
        in_flight=_IN_FLIGHT,
        max_steps=work["max_steps"],
    )
    ended = {
        key: int(episode.success and not episode.tampered)
        for key, episode in zip(plays, episodes, strict=True)
    }
    return [_result(index, row, ended, outcomes, work) for index, row in enumerate(rows)]


def _jobs(
    rows: Sequence[Mapping[str, Json]], settings: Sequence[Mapping[str, Json]], harness: ActingHarness
) -> list[AdapterJob]:
    return [
        AdapterJob(
            name=f"{index}-{place}",
            examples=tuple(noted_examples([Example.from_document(row["example"])], harness)),
            options=SftOptions(**setting),
        )
        for index, row in enumerate(rows)
        for place, setting in enumerate(settings)
    ]


def _plays(rows: Sequence[Mapping[str, Json]], n_settings: int, n_rollouts: int) -> dict[Key, Start]:
    """Every episode that is needed, once. Before and after meet the same draws; what the base does on a task
    is the same for all snapshots that the task is like."""
    found: dict[Key, Start] = {}
    for index, row in enumerate(rows):
        for adapter in (None, *range(index * n_settings, (index + 1) * n_settings)):
            for number in range(n_rollouts):
                found[_same(index, adapter, number)] = Start(
                    task=Task.from_document(row["task"]),
                    draw=f"micro:{number}",
                    state=row["state"],
                    history=tuple(row["history"]),
                    adapter=adapter,
                )
            for document in row["similar"]:
                found[_similar(adapter, document)] = Start(
                    task=Task.from_document(document), draw="micro:similar", adapter=adapter
                )
    return found


def _same(index: int, adapter: int | None, number: int) -> Key:
    return ("same", index, adapter, number)


def _similar(adapter: int | None, task: Mapping[str, Json]) -> Key:
    return ("similar", adapter, task["id"])


def _result(
    index: int,
    row: Mapping[str, Json],
    ended: Mapping[Key, int],
    outcomes: Sequence[JobOutcome],
    work: Mapping[str, Json],
) -> Json:
    numbers, n_settings = range(work["n_rollouts"]), len(work["settings"])
    adapters = range(index * n_settings, (index + 1) * n_settings)
    return {
        "same_before": [ended[_same(index, None, number)] for number in numbers],
        "similar_before": [ended[_similar(None, task)] for task in row["similar"]],
        "settings": [
            {
                "same_after": [ended[_same(index, adapter, number)] for number in numbers],
                "similar_after": [ended[_similar(adapter, task)] for task in row["similar"]],
                "n_steps": outcomes[adapter].n_steps,
                "first_loss": outcomes[adapter].losses[0],
                "final_loss": outcomes[adapter].losses[-1],
            }
            for adapter in adapters
        ],
    }
