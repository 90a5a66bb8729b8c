"""Gymnasium environments with texts: where each part comes from, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from honing.environments import KnowsBest, ReplayedEnvironment, Step, world_named
from honing.errors import EnvironmentFaultError, UsageError

pytestmark = pytest.mark.teach

CORRIDOR = {"environment": "text_corridor:Corridor", "arguments": {"length": 2}}
NAMED = {**CORRIDOR, "actions": ["left", "right"]}
TEXTS = {
    "environment": "text_corridor:Corridor",
    "arguments": {"length": 2, "texts": True},
    "observation_key": "text",
}


def first(options: Mapping[str, Any]) -> tuple[ReplayedEnvironment, Step]:
    world = world_named("gymnasium_text", options)
    environment = world.make()
    assert isinstance(environment, ReplayedEnvironment)
    return environment, environment.reset(world.tasks("collect", 1)[0])


def towards(step: Step) -> str:
    return "right" if "light is right" in step.observation else "left"


def test_named_actions_stand_for_the_numbers_of_the_space() -> None:
    environment, step = first(NAMED)
    way = towards(step)
    middle = environment.step(way)
    end = environment.step(way)

    assert step.goal == "Reach the lit end."
    assert step.actions == middle.actions == ("left", "right")
    assert (end.done, end.success, end.reward, end.actions) == (True, True, 1.0, ())


def test_the_dark_end_ends_without_success() -> None:
    environment, step = first(NAMED)
    other = {"left": "right", "right": "left"}[towards(step)]
    environment.step(other)
    end = environment.step(other)

    assert (end.done, end.success, end.reward) == (True, False, 0.0)


def test_texts_goal_expert_and_success_come_from_the_keys_that_are_named() -> None:
    environment, step = first({**TEXTS, "expert_key": "best", "success_key": "won"})
    assert isinstance(environment, KnowsBest)
    assert step.actions == ("walk left", "walk right")
    assert environment.expert_action() == f"walk {towards(step)}"
    environment.step(environment.expert_action())

    assert environment.step(environment.expert_action()).success is True


def test_an_environment_that_ignores_its_seed_is_found_by_replay() -> None:
    options = {**NAMED, "arguments": {"length": 3, "forgetful": True}}
    environment, _ = first(options)
    environment.step("left")

    with pytest.raises(EnvironmentFaultError, match="replays otherwise: after the start of the task"):
        environment.restore(environment.save())


BAD: list[tuple[Mapping[str, Any], str]] = [
    ({**CORRIDOR, "actions_key": "verbs"}, r"info\['verbs'\] of .* must be a list of texts, got None"),
    ({**TEXTS, "observation_key": "picture"}, "must observe texts, got NoneType"),
    ({**TEXTS, "observation_key": ""}, "must observe texts, got dict"),
    ({**NAMED, "goal_key": "aim"}, r"info\['aim'\] of .* must be the goal as a text, got None"),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_what_the_environment_does_not_say_is_named(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(EnvironmentFaultError, match=words):
        first(options)


def test_advice_that_is_no_valid_action_is_refused() -> None:
    environment, _ = first({**TEXTS, "expert_key": "won"})
    assert isinstance(environment, KnowsBest)

    with pytest.raises(EnvironmentFaultError, match=r"info\['won'\] of .* must be one of the valid actions"):
        environment.expert_action()


MISSING: list[tuple[Mapping[str, Any], str]] = [
    ({}, "needs the option 'environment'"),
    ({**CORRIDOR, "success_reward": 0}, "'success_reward' must be above 0"),
]


@pytest.mark.parametrize(("options", "words"), MISSING)
def test_an_option_that_cannot_be_is_refused(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        world_named("gymnasium_text", options)


@pytest.mark.parametrize(
    "options",
    [
        {"environment": "NoSuchThing-v0"},
        {"environment": "text_corridor:Nothing"},
        {"environment": "no_such_module:Thing"},
        {"environment": "text_corridor:Corridor", "arguments": {"width": 3}},
    ],
)
def test_an_environment_that_cannot_be_made_is_named(options: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"the environment '{options['environment']}' cannot be made"):
        first(options)


def test_an_id_that_gymnasium_knows_is_made_by_it() -> None:
    # Its observations are numbers, which an agent of texts cannot read; that it was made is what shows.
    with pytest.raises(EnvironmentFaultError, match="CartPole-v1 must observe texts, got ndarray"):
        first({"environment": "CartPole-v1", "actions": ["left", "right"], "goal": "Stay up."})
