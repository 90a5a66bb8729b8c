"""BabyAI as text: what skills do, what is shown, who advises."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from honing.environments import KnowsBest, Step, Task, TextEnvironment, World, world_named
from honing.environments.babyai.play import Level, visible_cells
from honing.errors import EnvironmentFaultError, UsageError
from honing.learn import draw

pytestmark = pytest.mark.teach


def level_of(name: str, **options: Any) -> World:
    """One level, with all facts and as many steps as there are."""
    facts = ["pick_up", "open", "put_next", "key", "explore"]
    return world_named("babyai", {"levels": [name], "spare_steps": 0, "facts": facts, **options})


def begun(world: World, wanted: Callable[[Step], bool]) -> TextEnvironment:
    """An episode whose first step is as it is wanted."""
    environment = world.make()
    for task in world.tasks("collect", 60):
        if wanted(environment.reset(task)):
            return environment
    raise AssertionError("no such task among sixty")


def solved(environment: TextEnvironment, actions: list[str]) -> Step:
    step = environment.now()
    for action in actions:
        step = environment.step(action)
    return step


def test_what_is_seen_is_what_the_level_itself_marks_as_seen() -> None:
    compared = 0
    for name in ("BabyAI-BossLevel-v0", "BabyAI-GoToLocalS8N4-v0", "BabyAI-KeyCorridorS3R2-v0"):
        for seed in range(4):
            level = Level(name, seed)
            for number in range(40):
                assert visible_cells(level.grid_level) == marked_cells(level.grid_level)
                compared += 1
                if not level.move((0, 1, 2, 2, 2, 3, 5, 4)[int(draw(name, seed, number) * 8)]):
                    break

    assert compared > 300


def marked_cells(grid_level: Any) -> list[tuple[int, int]]:
    """What the level's own picture shows, turned back to the grid's coordinates."""
    _, mask = grid_level.gen_obs_grid()
    found = []
    for x in range(grid_level.width):
        for y in range(grid_level.height):
            column, row = grid_level.get_view_coords(x, y)
            if 0 <= column < mask.shape[0] and 0 <= row < mask.shape[1] and mask[column, row]:
                found.append((x, y))
    return sorted(found, key=lambda cell: (cell[1], cell[0]))


def test_going_to_what_is_named_solves_a_mission_to_go_there() -> None:
    environment = begun(level_of("GoToLocalS8N4"), lambda step: goal_action(step) in step.actions)

    step = environment.step(goal_action(environment.now()))

    assert (step.done, step.success, step.reward, step.actions) == (True, True, 1.0, ())


def goal_action(step: Step) -> str:
    return step.goal.replace("go to the ", "go to ")


def test_going_elsewhere_does_not_solve_it_and_shows_what_is_faced() -> None:
    environment = begun(
        level_of("GoToLocalS8N4"),
        lambda step: len([a for a in step.actions if a.startswith("go to") and a != goal_action(step)]) > 0,
    )
    now = environment.now()
    other = next(a for a in now.actions if a.startswith("go to") and a != goal_action(now))

    step = environment.step(other)

    assert (step.done, step.success, step.reward) == (False, False, 0.0)
    assert step.observation.endswith(f"You face {other.removeprefix('go to ')}.")


def test_a_thing_is_picked_up_carried_named_and_dropped_again() -> None:
    environment = begun(
        level_of("PutNextS5N2"), lambda step: any(a.startswith("pick up") for a in step.actions)
    )
    pick_up = next(action for action in environment.valid_actions() if action.startswith("pick up"))
    name = pick_up.removeprefix("pick up ")

    carrying = environment.step(pick_up)
    dropped = environment.step("drop")

    assert carrying.observation.startswith(f"You carry {name}.")
    assert name not in carrying.observation.partition(". ")[2]
    assert not any(action.startswith("pick up") for action in carrying.actions)
    assert dropped.observation.startswith("You carry nothing.")
    assert f"pick up {name}" in dropped.actions


def test_a_locked_door_opens_with_its_key_and_not_without() -> None:
    world = level_of("UnlockLocal")
    environment = begun(
        world, lambda step: " key" in step.observation and "locked" in step.observation and not step.done
    )
    key = next(a for a in environment.valid_actions() if a.startswith("pick up") and a.endswith("key"))
    door = next(action for action in environment.valid_actions() if action.startswith("open"))
    without = environment.fork()

    tried = without.step(door)
    opened = solved(environment, [key, door])

    assert (tried.done, "locked" in tried.observation) == (False, True)
    assert (opened.done, opened.success) == (True, True)


def test_exploring_shows_something_new_until_all_is_seen() -> None:
    environment = begun(level_of("GoToLocalS8N4"), lambda step: "explore" in step.actions)
    seen = [environment.now().observation]
    while "explore" in environment.valid_actions():
        seen.append(environment.step("explore").observation)

    found = [text.partition("You see ")[2].partition(".")[0].split(", ") for text in seen]
    assert [len(names) for names in found[:-1]] == sorted({len(names) for names in found[:-1]})
    assert len(found[-1]) == 4, "the level has four things"


def test_what_a_mission_tells_apart_by_place_is_shown_with_its_place() -> None:
    def sees_something(step: Step) -> bool:
        return "You see nothing" not in step.observation

    placed = begun(
        level_of("PickupLoc"), lambda step: " on your " in step.goal and sees_something(step)
    ).now()
    plain = begun(level_of("PutNextS5N2"), sees_something).now()

    assert re.search(r"\((here|\d (left|right|ahead|behind)(, \d (ahead|behind))?)\)", placed.observation)
    assert "(" not in plain.observation


def test_two_things_of_one_kind_have_names_of_their_own_that_stay() -> None:
    world = world_named("babyai", {"levels": ["ActionObjDoor", "SynthS5R2"], "spare_steps": 0})
    environment = begun(world, lambda step: " 2" in step.observation)
    name = next(action for action in environment.valid_actions() if action.endswith(" 2"))

    for _ in range(3):
        if "explore" in environment.valid_actions():
            environment.step("explore")

    assert name.split(" ", 2)[-1] in environment.now().observation


@pytest.mark.parametrize(("mode", "rate"), [("skills", 1.0), ("primitives", 1.0)])
def test_the_expert_solves_every_task_of_the_default_levels(mode: str, rate: float) -> None:
    world = world_named("babyai", {"mode": mode})
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    lengths, words, actions, wins = [], [], [], []
    for task in world.tasks("validation", 40):
        step = environment.reset(task)
        while not step.done:
            words.append(len(f"{step.goal} {step.observation}".split()))
            actions.append(len(step.actions))
            step = environment.step(environment.expert_action())
        wins.append(step.success)
        lengths.append(environment.steps_taken)

    assert statistics.mean(wins) >= rate
    assert max(words) < 80, "a small student reads all of it"
    if mode == "skills":
        assert (max(actions) <= 15, statistics.mean(lengths) < 8) == (True, True)


@pytest.mark.parametrize(
    ("fact", "level"),
    [
        ("pick_up", "PickupDist"),
        ("open", "OpenDoorColor"),
        ("put_next", "PutNextS5N2"),
        ("key", "UnlockLocal"),
        ("explore", "KeyCorridorS3R1"),
    ],
)
def test_who_lacks_a_fact_fails_where_it_is_needed_and_who_has_it_does_not(fact: str, level: str) -> None:
    world = level_of(level)
    tasks = [task for task in world.tasks("collect", 12) if fact in task.tags]
    others = set(world.facts) - {fact}

    assert len(tasks) > 3
    assert [wins(world, task, knows=others) for task in tasks] == [False] * len(tasks)
    assert [wins(world, task, knows=None) for task in tasks] == [True] * len(tasks)


def wins(world: World, task: Task, *, knows: set[str] | None) -> bool:
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    step = environment.reset(task)
    while not step.done:
        step = environment.step(environment.expert_action(knows))
    return step.success


def test_an_episode_has_as_many_steps_to_spare_as_the_option_says() -> None:
    limits = {}
    for spare in (1, 3):
        world = level_of("UnlockPickup", spare_steps=spare)
        task = world.tasks("collect", 1)[0]
        environment = world.make()
        step = environment.reset(task)
        while not step.done:
            step = environment.step("explore" if "explore" in step.actions else step.actions[0])
        limits[spare] = (environment.steps_taken, task.parameters["steps"])
    expert = world.make()
    assert isinstance(expert, KnowsBest)
    step = expert.reset(world.tasks("collect", 1)[0])
    while not step.done:
        step = expert.step(expert.expert_action())

    needed = expert.steps_taken
    assert limits == {1: (needed + 1, needed + 1), 3: (needed + 3, needed + 3)}


def test_nobody_lacks_a_fact_that_the_world_does_not_name() -> None:
    world = level_of("KeyCorridorS3R1", facts=["pick_up", "key"])
    task = world.tasks("collect", 1)[0]

    assert task.tags == ("pick_up", "key")
    assert (wins(world, task, knows={"pick_up", "key"}), wins(world, task, knows={"pick_up"})) == (
        True,
        False,
    )


def test_the_default_levels_mix_tasks_that_need_no_fact_one_and_two() -> None:
    counts = [len(task.tags) for task in world_named("babyai").tasks("collect", 220)]
    shares = [counts.count(n) / len(counts) for n in (0, 1, 2)]

    assert shares == pytest.approx([5 / 11, 4 / 11, 2 / 11], abs=0.08)
    assert sum(shares) == 1.0


def test_the_bot_goes_on_after_a_box_was_opened() -> None:
    world = level_of("PickupDist", mode="primitives", max_steps=80)
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    opened = []
    advice = set()
    for task in world.tasks("collect", 40):
        step = environment.reset(task)
        ahead = re.search(r"box (\d) ahead", step.observation)
        if ahead is None or "box" in step.goal or "object" in step.goal:
            continue
        environment.expert_action()
        solved(environment, ["go forward"] * (int(ahead.group(1)) - 1))
        step = environment.step("toggle")
        if "box 1 ahead" in step.observation:
            continue  # Something stood in the way.
        advice.add(environment.expert_action())
        while not step.done:
            step = environment.step(environment.expert_action())
        opened.append(step.success)

    assert opened == [True] * len(opened)
    assert len(advice - {"turn left"}) > 0, "one that looks round has no plan"


def test_drawing_missions_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    # Two of three draws of this level are rejected, and the package prints each.
    level_of("PutNextLocalS6N4").tasks("collect", 10)

    assert capfd.readouterr() == ("", "")


def test_a_fork_costs_a_copy_and_no_replay() -> None:
    world = level_of("UnlockPickup")
    environment = world.make()
    environment.reset(world.tasks("collect", 1)[0])
    environment.step("explore")
    state = environment.save()
    environment.restore(state)

    forks = [timed(environment.fork) for _ in range(40)]
    loads = [timed(lambda: environment.restore(state)) for _ in range(40)]

    # Measured: 0.6 and 0.4 ms. A replay begins the level again, which is 3 ms and more.
    assert (min(forks) < 0.003, min(loads) < 0.003) == (True, True)


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def test_a_task_whose_grid_is_another_here_is_refused() -> None:
    world = level_of("GoToLocalS8N4")
    task = world.tasks("collect", 1)[0]
    other = Task(id=task.id, seed=task.seed + 1, parameters=task.parameters)

    with pytest.raises(EnvironmentFaultError, match=r"shows the layout .* not .* as it was drawn"):
        world.make().reset(other)


@pytest.mark.slow
def test_a_world_too_small_for_what_is_asked_says_how_many_tasks_it_has() -> None:
    with pytest.raises(EnvironmentFaultError, match=r"have about [0-9]+ tasks; more were asked for"):
        level_of("GoToObjS4").tasks("collect", 2000)


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(EnvironmentFaultError, match="no level 'BabyAI-GoToMoon-v0'"):
        level_of("GoToMoon").tasks("collect", 1)


BAD_OPTIONS: list[tuple[Mapping[str, Any], str]] = [
    ({"mod": "skills"}, "no option 'mod'.*mean 'mode'"),
    ({"mode": "skill"}, "'mode' must be one of skills, primitives, got 'skill'"),
    ({"levels": "GoTo"}, "'levels' must be a list of texts, got 'GoTo'"),
    ({"levels": []}, "needs one level"),
    ({"max_steps": True}, "'max_steps' must be a whole number, got True"),
    ({"max_steps": -1}, "'max_steps' must not be negative, got -1"),
    ({"facts": ["key", "magic"]}, "'facts' takes some of pick_up, open, put_next, key, explore"),
    ({"boxes_open": 1}, "'boxes_open' must be true or false, got 1"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS, ids=[json.dumps(bad) for bad, _ in BAD_OPTIONS])
def test_an_option_that_cannot_be_is_refused(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        world_named("babyai", options)


def test_kinds_group_actions_by_what_they_do() -> None:
    skills, primitives = world_named("babyai"), world_named("babyai", {"mode": "primitives"})
    words = ["go to red ball", "pick up key 2", "open door", "put next to box", "drop", "explore"]

    assert [skills.kind(word) for word in words] == [
        "go_to",
        "pick_up",
        "open",
        "put_next",
        "drop",
        "explore",
    ]
    assert [primitives.kind(word) for word in ("turn left", "go forward", "pick up", "drop", "toggle")] == [
        "turn",
        "go_forward",
        "pick_up",
        "drop",
        "toggle",
    ]
