"""Collect and mine: from a student and a world to snapshots."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from teach_runs import CHAIN, chain_world, small_desk, small_spec

from honing.environments import Task
from honing.errors import BudgetExhaustedError, LeakageError
from honing.executors import Budget
from honing.learn import Start, policy_from, roll_out
from honing.store import Run, identity
from honing.teach.apart import hashes_by_group
from honing.teach.desk import Desk, read_rows
from honing.teach.mining.honest import read_episodes
from honing.teach.phases.collect import ROLLOUTS, TASKS_PER_UNIT, collect, trajectories_path
from honing.teach.phases.mine import EXPERT, FAILURES, RETENTION, SUCCEEDING, mine
from honing.teach.phases.prepare import REPLAY


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = small_desk(tmp_path_factory.mktemp("mined"))
    collect(desk)
    mine(desk)
    return desk


def test_every_task_of_the_split_is_played_once_in_order(mined: Desk) -> None:
    episodes = read_episodes(mined.run.path / ROLLOUTS)

    assert [episode.task for episode in episodes] == chain_world().tasks("collect", 90)
    assert all(move.state is not None for episode in episodes for move in episode.moves)


def test_the_summary_gives_success_with_its_interval(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, small_spec(collect={"n_tasks": 20, "expert_tasks": 5}))

    summary = collect(desk).summary

    solved = sum(one.success for one in read_episodes(desk.run.path / ROLLOUTS))
    assert summary["student_success"] == solved / 20
    assert 0 < summary["student_success_low"] < solved / 20 < summary["student_success_high"] < 1
    assert (summary["student_episodes"], summary["expert_episodes"]) == (20, 5)
    assert (summary["expert_success"], summary["expert_steps_mean"]) == (1.0, 4.0)
    assert (summary["student_tampered"], summary["expert_tampered"]) == (0, 0)


def test_no_expert_trajectories_where_none_are_asked_for(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, small_spec(collect={"n_tasks": 5, "expert_tasks": 0}))

    outcome = collect(desk)

    assert outcome.artifacts == (ROLLOUTS,)
    assert not (desk.run.path / trajectories_path("scripted")).exists()


def test_failures_are_split_and_no_side_shares_a_task(mined: Desk) -> None:
    failures, shown = mined.snapshots(FAILURES), mined.snapshots(EXPERT)
    sides = Counter(one.split for one in failures)

    assert sides == {"train": 30, "panel": 10}
    training = {one.task_hash for one in (*failures, *shown) if one.split == "train"}
    held_out = {one.task_hash for one in (*failures, *shown) if one.split == "panel"}
    assert training.isdisjoint(held_out)
    evaluated = hashes_by_group(mined, {"evaluate": chain_world().tasks("evaluate", 10)})
    assert training.isdisjoint(evaluated["evaluate"])


def test_failures_come_from_failed_and_succeeding_ones_from_solved_episodes(mined: Desk) -> None:
    success = {one.task.id: one.success for one in read_episodes(mined.run.path / ROLLOUTS)}

    failed = [success[one.the_task().id] for one in mined.snapshots(FAILURES)]
    solved = [(success[one.the_task().id], one.split) for one in mined.snapshots(SUCCEEDING)]

    assert failed == [False] * 40
    assert solved == [(True, "panel")] * 8


def test_snapshots_of_the_expert_come_from_its_own_trajectories(mined: Desk) -> None:
    shown = mined.snapshots(EXPERT)
    tasks = {task.id for task in chain_world().tasks("expert", 12)}

    assert len({one.id for one in shown}) == len(shown) > 5
    assert {one.the_task().id for one in shown} <= tasks
    assert {(one.source, one.logprobs.count(None) + 1) for one in shown} == {
        ("expert", len(one.valid_actions)) for one in shown
    }


def test_retention_tasks_are_the_first_that_the_student_solves_without_luck(mined: Desk) -> None:
    tasks = chain_world().tasks("retention", 60)
    episodes = roll_out(
        policy_from(CHAIN), chain_world(), [Start(task=task) for task in tasks], temperature=0.0, seed=99
    )

    solved = [one.task.as_document() for one in episodes if one.success]
    assert mined.run.read_json(RETENTION) == solved[:6]


def test_retention_gives_up_after_ten_times_as_many_tasks(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, small_spec(collect={"n_tasks": 5}, mine={"retention_tasks": 13}))
    student = desk.run.read_json("phase0/student.json")
    hopeless = {"kind": "mock", "seed": 1, "sharpness": 30.0}
    desk.run.write_json("phase0/student.json", {**student, "policy": hopeless})
    collect(desk)

    summary = mine(desk).summary

    assert (summary["retention_tried"], summary["retention"] < 13) == (130, True)


def test_mining_needs_no_student_but_then_measures_no_retention(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    collect(desk)
    (desk.run.path / "phase0/student.json").unlink()

    summary = mine(desk).summary

    assert (summary["train"], summary["retention"], summary["retention_tried"]) == (30, 0, 0)


def test_the_same_study_gives_the_same_bytes_with_any_number_of_workers_and_after_a_stop(
    mined: Desk, tmp_path: Path
) -> None:
    stopped = small_desk(tmp_path, workers=2, budget=Budget(units=1))
    with pytest.raises(BudgetExhaustedError):
        collect(stopped)
    again = replace(stopped, run=Run.open(stopped.run.path), budget=Budget())
    collect(again)
    mine(again)

    assert identity(again.run.path) == identity(mined.run.path)


def test_units_are_of_a_fixed_size(mined: Desk) -> None:
    with mined.run.journal() as journal:
        units = len(journal.results("collect.student"))

    assert units == -(-90 // TASKS_PER_UNIT)


def test_work_of_this_machine_spends_nothing_of_a_budget_of_money(tmp_path: Path) -> None:
    spec = small_spec(collect={"n_tasks": 70, "expert_tasks": 0})

    desk = small_desk(tmp_path, spec, budget=Budget(cost_usd=0.01, tokens=1))

    assert collect(desk).artifacts == (ROLLOUTS,)


def test_a_failure_on_a_task_that_is_measured_elsewhere_is_dropped(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    collect(desk)
    evaluated = [Start(task=task, draw="collect") for task in chain_world().tasks("evaluate", 10)]
    from honing.learn import Keep

    leaked = roll_out(policy_from(CHAIN), chain_world(), evaluated, temperature=1.0, seed=0, keep=Keep.STATES)
    rows = [*read_rows(desk.run.path / ROLLOUTS), *(one.as_document() for one in leaked)]
    desk.run.write_json(ROLLOUTS, rows)

    outcome = mine(desk)

    assert outcome.summary["in_another_split"] == 10
    snapshots = [*desk.snapshots(FAILURES), *desk.snapshots(SUCCEEDING)]
    assert not {one.the_task().id for one in snapshots} & {start.task.id for start in evaluated}


def test_replay_of_a_task_that_is_measured_fails_the_run(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    collect(desk)
    borrowed = _with_task_of("evaluate", "replay", desk)

    with pytest.raises(LeakageError, match=r"'replay'.*'evaluate'"):
        mine(borrowed)


def _with_task_of(split: str, other: str, desk: Desk) -> Desk:
    """The desk with a world that gives one task to two splits, and a replay file that uses it."""
    spec = desk.spec.model_copy(
        update={
            "environment": desk.spec.environment.model_copy(
                update={"name": "teach_runs:LeakyWorld", "options": {"from": split, "to": other}}
            )
        }
    )
    task = chain_world().tasks(split, 1)[0]
    desk.run.write_jsonl(REPLAY, [{"source": task.id}])
    return replace(desk, spec=spec)


def test_the_leaky_world_of_this_test_gives_one_task_to_two_splits() -> None:
    from teach_runs import LeakyWorld

    world = LeakyWorld.from_options({"from": "evaluate", "to": "replay"})

    first: Task = chain_world().tasks("evaluate", 1)[0]
    assert world.tasks("replay", 2) == [first, chain_world().tasks("replay", 2)[1]]
