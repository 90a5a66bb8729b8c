"""What every world promises, asked of all of them in every mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from worlds_under_test import Case, arbitrary, walk

from honing.environments import (
    KnowsBest,
    Step,
    Task,
    TextEnvironment,
    World,
    record_trace,
    task_hash,
)
from honing.errors import EnvironmentFaultError

LARGEST_STATE = 4096


def played(environment: TextEnvironment, task: Task, *, steps: int) -> list[str]:
    """Take some arbitrary actions; which ones."""
    step = environment.reset(task)
    actions: list[str] = []
    while not step.done and len(actions) < steps:
        actions.append(arbitrary(task.id, len(actions), step.actions))
        step = environment.step(actions[-1])
    return actions


def future(environment: TextEnvironment, *, steps: int = 5) -> list[str]:
    """Hashes of what comes of some further actions."""
    step = environment.now()
    found = [step.hash()]
    while not step.done and len(found) <= steps:
        step = environment.step(arbitrary("future", len(found), step.actions))
        found.append(step.hash())
    return found


def test_another_process_finds_the_same_tasks_and_the_same_steps(
    case: Case, world: World, elsewhere: Callable[[Case], dict[str, Any]]
) -> None:
    here = {
        "identity": world.identity(),
        "tasks": [task.as_document() for task in world.tasks("collect", min(case.tasks, 4))],
        "walk": walk(case, world, "evaluate"),
    }

    assert json.loads(json.dumps(here)) == elsewhere(case)


def test_what_was_shown_last_is_what_is_shown_now(case: Case, world: World) -> None:
    environment = world.make()
    for task in world.tasks("collect", 3 if case.tasks > 2 else case.tasks):
        step = environment.reset(task)
        number = 0
        while True:
            shown = (
                environment.now(),
                environment.valid_actions(),
                environment.goal,
                environment.steps_taken,
            )
            assert shown == (step, step.actions, step.goal, number)
            assert environment.task == task
            if step.done:
                break
            step = environment.step(arbitrary(task.id, number, step.actions))
            number += 1


def test_every_step_is_one_an_agent_can_be_shown(case: Case, world: World) -> None:
    environment = world.make()
    for task in world.tasks("collect", case.tasks):
        step = environment.reset(task)
        assert not step.done
        for number in range(world.max_steps + 1):
            assert_sound(step, world)
            if step.done:
                break
            step = environment.step(arbitrary(task.id, number, step.actions))
        assert step.done, "the limit of steps ends an episode"


def assert_sound(step: Step, world: World) -> None:
    assert step.goal
    assert step.observation
    assert 0.0 <= step.reward <= 1.0
    assert len(set(step.actions)) == len(step.actions)
    assert step.done is (step.actions == ())
    assert step.done or not step.success
    assert all(action and world.kind(action) for action in step.actions)


def test_an_action_that_is_not_valid_is_refused_and_changes_nothing(case: Case, world: World) -> None:
    environment = world.make()
    task = world.tasks("collect", 1)[0]
    played(environment, task, steps=1)
    before = (environment.now(), environment.save(), environment.steps_taken)

    with pytest.raises(EnvironmentFaultError, match="fly to the moon"):
        environment.step("fly to the moon")

    assert (environment.now(), environment.save(), environment.steps_taken) == before


def test_no_step_is_taken_after_the_end(case: Case, world: World) -> None:
    environment = world.make()
    task = world.tasks("collect", 1)[0]
    first = environment.reset(task).actions[0]
    played(environment, task, steps=world.max_steps)
    assert environment.now().done

    with pytest.raises(EnvironmentFaultError):
        environment.step(first)


def test_a_saved_state_is_small_and_goes_on_alike_in_a_fresh_world(case: Case, world: World) -> None:
    environment = world.make()
    fresh = case.world().make()
    for task in world.tasks("collect", min(case.tasks, 4)):
        for steps in (0, 2, 4):
            played(environment, task, steps=steps)
            text = json.dumps(environment.save())
            assert len(text.encode()) < LARGEST_STATE
            restored = fresh.restore(json.loads(text))
            assert restored == environment.now()
            assert (fresh.task, fresh.steps_taken) == (environment.task, environment.steps_taken)
            assert fresh.save() == environment.save()
            assert future(fresh) == future(environment)


def test_the_longest_episode_still_has_a_small_state(case: Case, world: World) -> None:
    environment = world.make()
    sizes = []
    for task in world.tasks("collect", 1):
        played(environment, task, steps=world.max_steps - 1)
        sizes.append(len(json.dumps(environment.save()).encode()))

    assert max(sizes) < LARGEST_STATE


def test_a_state_restored_twice_in_one_world_goes_on_alike(case: Case, world: World) -> None:
    environment = world.make()
    played(environment, world.tasks("collect", 1)[0], steps=2)
    state = environment.save()

    futures = []
    for _ in range(3):
        other = world.make()
        other.restore(state)
        futures.append(future(other))

    assert futures == [future(environment)] * 3


def test_a_fork_goes_its_own_way(case: Case, world: World) -> None:
    environment = world.make()
    for task in world.tasks("collect", min(case.tasks, 4)):
        played(environment, task, steps=2)
        before, state = environment.now(), environment.save()
        fork = environment.fork()
        assert (fork.now(), fork.save(), fork.task, fork.steps_taken) == (
            before,
            state,
            task,
            environment.steps_taken,
        )
        gone = future(fork)
        assert (environment.now(), environment.save()) == (before, state)
        fork.close()
        assert future(environment) == gone


def test_a_trace_is_replayed_with_the_same_hash_at_every_step(case: Case, world: World) -> None:
    environment = world.make()
    for task in world.tasks("collect", min(case.tasks, 4)):
        actions = played(environment, task, steps=6)

        assert record_trace(world.make(), task, actions) == record_trace(environment, task, actions)


def test_a_state_that_was_tampered_with_is_refused_at_the_step_that_differs(case: Case, world: World) -> None:
    if not case.replays:
        return
    environment = world.make()
    task = world.tasks("collect", 1)[0]
    played(environment, task, steps=2)
    state = environment.save()
    hashes = state["hashes"]

    forged = {**state, "hashes": f"{hashes[:8]}00000000{hashes[16:]}"}
    with pytest.raises(EnvironmentFaultError, match=r"after step 1, .* hash .* saved was 00000000"):
        world.make().restore(forged)
    with pytest.raises(EnvironmentFaultError, match=r"at step 2: .*'fly away' is not a valid action"):
        world.make().restore({**state, "actions": [state["actions"][0], "fly away"]})
    with pytest.raises(EnvironmentFaultError, match="after the last step"):
        world.make().restore({**state, "hash": state["hash"][:8] + "0" * 56})


WRONG: list[dict[str, Any]] = [{}, {"world": "elsewhere"}, {"world": "elsewhere", "task": {}, "actions": []}]


@pytest.mark.parametrize("state", WRONG, ids=["nothing", "a name alone", "another world"])
def test_what_is_no_state_of_this_world_is_refused(world: World, state: Mapping[str, Any]) -> None:
    with pytest.raises(EnvironmentFaultError):
        world.make().restore(state)


def test_a_task_of_another_world_is_refused(case: Case, world: World) -> None:
    if case.name == "gymnasium_text":
        return  # There a seed is all of a task.
    with pytest.raises(EnvironmentFaultError):
        world.make().reset(
            Task(id="stray", seed=-7, parameters={"goal": "none", "level": "none", "game": "none"})
        )


def test_the_expert_solves_what_it_is_said_to_solve_and_asking_it_changes_nothing(
    case: Case, world: World
) -> None:
    environment = world.make()
    assert isinstance(environment, KnowsBest) is (case.expert is not None)
    if not isinstance(environment, KnowsBest) or case.expert is None:
        return
    solved = 0
    tasks = world.tasks("expert", case.tasks)
    for task in tasks:
        step = environment.reset(task)
        while not step.done:
            before = environment.save()
            action = environment.expert_action()
            assert action == environment.expert_action()
            assert (environment.now(), environment.save()) == (step, before)
            step = environment.step(action)
        solved += step.success
        with pytest.raises(EnvironmentFaultError):
            environment.expert_action()

    assert solved >= case.expert * len(tasks)


def test_an_expert_advises_alike_before_and_after_saving_and_forking(case: Case, world: World) -> None:
    environment = world.make()
    if not isinstance(environment, KnowsBest):
        return
    for task in world.tasks("collect", min(case.tasks, 5)):
        played(environment, task, steps=3)
        if environment.now().done:
            continue
        restored = case.world().make()
        restored.restore(json.loads(json.dumps(environment.save())))
        advice = [other.expert_action() for other in (environment, environment.fork(), restored)]
        assert advice == [advice[0]] * 3
        assert advice[0] in environment.valid_actions()


def test_a_demonstrator_who_knows_nothing_still_acts_validly(case: Case, world: World) -> None:
    environment = world.make()
    if not isinstance(environment, KnowsBest):
        return
    for task in world.tasks("collect", min(case.tasks, 5)):
        step = environment.reset(task)
        while not step.done:
            action = environment.expert_action(knows=())
            assert action in step.actions
            step = environment.step(action)


def test_tags_name_facts_of_the_world(case: Case, world: World) -> None:
    named = {tag for task in world.tasks("collect", case.tasks) for tag in task.tags}

    assert named <= set(world.facts)
    assert bool(named) is bool(world.facts)


def test_splits_share_no_task_and_longer_lists_begin_with_shorter_ones(case: Case, world: World) -> None:
    environment = world.make()
    seen: dict[str, str] = {}
    for split in ("warm_start", "collect", "evaluate"):
        tasks = world.tasks(split, case.tasks)
        assert case.world().tasks(split, case.tasks - 1) == tasks[:-1]
        assert [task.id for task in tasks] == list(dict.fromkeys(task.id for task in tasks))
        for task in tasks:
            found = task_hash(environment.reset(task), task)
            assert seen.setdefault(found, f"{split} {task.id}") == f"{split} {task.id}"
            assert Task.from_document(json.loads(json.dumps(task.as_document()))) == task


def test_another_seed_draws_other_tasks(case: Case, world: World) -> None:
    first = world.tasks("collect", case.tasks)

    assert world.tasks("collect", case.tasks, seed=0) == first
    assert world.tasks("collect", case.tasks, seed=1) != first


def test_an_identity_is_plain_and_the_same_for_equal_worlds(case: Case, world: World) -> None:
    found = json.dumps(world.identity())

    assert json.dumps(case.world().identity()) == found
    assert json.loads(found)["name"] == case.name
    assert "/tmp" not in found, "where files lie decides nothing"


def test_closing_twice_is_safe_and_an_environment_can_begin_again(case: Case, world: World) -> None:
    environment = world.make()
    task = world.tasks("collect", 1)[0]
    first = environment.reset(task)
    environment.close()
    environment.close()

    assert environment.reset(task) == first
