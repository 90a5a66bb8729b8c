"""TextWorld games: rooms in words, walkthroughs from any state, demonstrators who lack a verb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from honing.environments import KnowsBest, Task, World, world_named
from honing.environments.textworld.play import advised, squeezed
from honing.environments.textworld.prose import Facts, room_text
from honing.errors import EnvironmentFaultError, UsageError

pytestmark = pytest.mark.teach


class Name:
    def __init__(self, name: str) -> None:
        self.name = name


class Fact:
    """A fact as the package has them: a predicate and its arguments, each with a name."""

    def __init__(self, text: str) -> None:
        self.name, _, rest = text.partition(" ")
        self.arguments = [Name(name.strip()) for name in rest.split(",")]


def test_a_room_is_told_in_few_words() -> None:
    facts = Facts(
        Fact(text)
        for text in (
            "at P, attic", "at safe, attic", "at chest, attic", "at key, cellar", "at lamp, attic",
            "locked safe", "in coin, safe", "open chest", "in worm, chest", "on map, table",
            "at table, attic",
            "north_of study, attic", "free attic, study", "east_of hall, attic", "link attic, oak door, hall",
            "closed oak door", "west_of well, attic", "in rope, I",
        )
    )  # fmt: skip

    assert room_text(facts) == (
        "You are in the attic. You see open chest (worm in it), lamp, locked safe, table (map on it). "
        "Exits: north, east (closed oak door). You carry rope."
    )


@pytest.fixture(scope="module")
def world() -> World:
    return world_named("textworld")


def test_the_walkthrough_goes_on_from_where_a_detour_ended(world: World) -> None:
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    detours = 0
    for task in world.tasks("evaluate", 6):
        step = environment.reset(task)
        best = environment.expert_action()
        walking = [action for action in step.actions if action.startswith("go ")]
        other = next((action for action in walking if action != best), None)
        if other is None:
            continue
        detours += 1
        step = environment.step(other)
        while not step.done:
            step = environment.step(environment.expert_action())
        assert (step.success, environment.steps_taken) == (True, 6)

    assert detours > 0


def test_an_episode_takes_as_many_commands_as_the_quest_has(world: World) -> None:
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    lengths = []
    for task in world.tasks("collect", 5):
        step = environment.reset(task)
        assert len(f"{step.goal} {step.observation}".split()) < 80
        while not step.done:
            step = environment.step(environment.expert_action())
        lengths.append((environment.steps_taken, step.success, step.reward))

    assert lengths == [(4, True, 1.0)] * 5


def test_who_lacks_a_verb_of_the_walkthrough_never_uses_it_and_fails(world: World) -> None:
    environment = world.make()
    assert isinstance(environment, KnowsBest)
    task = next(task for task in world.tasks("collect", 6) if "take" in task.tags)
    step = environment.reset(task)
    taken = []
    while not step.done:
        taken.append(environment.expert_action(set(world.facts) - {"take"}))
        step = environment.step(taken[-1])

    assert step.success is False
    assert [action for action in taken if action.startswith("take")] == []


ADVICE: list[tuple[str, list[str], set[str] | None, str]] = [
    ("take key", ["go north", "take key"], None, "take key"),
    ("take key", ["go north", "take key"], {"take"}, "take key"),
    ("take key", ["go north", "take key"], set(), "go north"),
    ("go east", ["drop key", "go east"], set(), "go east"),
    ("", ["drop key", "open box"], None, "drop key"),
    ("take key", ["drop key", "take key"], {"open"}, "drop key"),
]


@pytest.mark.parametrize(("best", "commands", "knows", "wanted"), ADVICE)
def test_a_demonstrator_does_the_best_it_knows(
    best: str, commands: list[str], knows: set[str] | None, wanted: str
) -> None:
    assert advised(best, commands, knows) == wanted


def test_looking_is_an_action_only_where_it_is_wanted(world: World) -> None:
    looking = world_named("textworld", {"looking": True})
    task = world.tasks("collect", 1)[0]
    plain, all_of_them = (set(each.make().reset(task).actions) for each in (world, looking))

    assert plain < all_of_them
    assert {action.split()[0] for action in all_of_them - plain} <= {"look", "inventory", "examine"}
    assert "look" in all_of_them


def test_a_goal_is_one_sentence_or_every_step() -> None:
    short, full = (world_named("textworld", {"goal": goal}) for goal in ("last", "steps"))
    seed = short.tasks("collect", 1)[0].seed
    goals = [world.make().reset(Task(id="same", seed=seed)).goal for world in (short, full)]

    assert goals[0].count(".") == 1
    assert "!" not in goals[0]
    assert len(goals[1].split()) > 2 * len(goals[0].split())


def test_a_game_that_is_another_one_here_is_refused(world: World) -> None:
    task = world.tasks("collect", 1)[0]
    other = world_named("textworld", {"rooms": 3})

    with pytest.raises(EnvironmentFaultError, match="its seed makes the game"):
        other.make().reset(task)


def test_prose_is_put_on_one_line() -> None:
    assert squeezed("\n -= Attic =-\nYou  see\n\na lamp.\n") == "Attic : You see a lamp."


BAD_OPTIONS: list[tuple[Mapping[str, Any], str]] = [
    ({"engine": "zmachine"}, "'engine' must be one of logic, interpreter, got 'zmachine'"),
    ({"engine": "interpreter"}, "needs the option 'cache'"),
    ({"goal": "all"}, "'goal' must be one of last, steps, got 'all'"),
    ({"rooms": "two"}, "'rooms' must be a whole number, got 'two'"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_an_option_that_cannot_be_is_refused(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        world_named("textworld", options)
