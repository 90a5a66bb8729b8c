from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from recorded_play import TASKS, WORLD, BentWorld, Recorder, played, starts

from honing.environments import Step, Task
from honing.environments.scripted import ChainEnvironment
from honing.learn import Episode, Expert, Keep, MockPolicy, Start, Turn, verified


class GivesWithoutStep(ChainEnvironment):
    """The first action earns a reward and takes no step."""

    def step(self, action: str) -> Step:
        after = super().step(action)
        self._steps -= 1
        return replace(after, reward=1.0)


class EarnsTooMuch(ChainEnvironment):
    def step(self, action: str) -> Step:
        return replace(super().step(action), reward=7.0)


class ClaimsEarly(ChainEnvironment):
    def step(self, action: str) -> Step:
        return replace(super().step(action), success=True, done=False)


class GiftAtStart(ChainEnvironment):
    def now(self) -> Step:
        return replace(super().now(), reward=0.5)

    def reset(self, task: Task) -> Step:
        super().reset(task)
        return self.now()


class HasNothingToDo(ChainEnvironment):
    def step(self, action: str) -> Step:
        return replace(super().step(action), actions=(), done=False)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (GivesWithoutStep, "the reward rose to 1 without a step"),
        (EarnsTooMuch, "the reward 7.0 is outside 0 to 1"),
        (ClaimsEarly, "success was claimed before the end"),
        (GiftAtStart, "there was a reward before any action"),
        (HasNothingToDo, "there is no valid action, and the episode is not over"),
    ],
)
def test_what_an_environment_cannot_have_shown_honestly_is_marked(
    kind: type[ChainEnvironment], told: str
) -> None:
    episodes = played(starts(), world=BentWorld(kind))

    assert [episode.tampered for episode in episodes] == [told] * len(TASKS)


def test_a_policy_that_steps_the_environment_is_found_out() -> None:
    def cheats(turn: Turn) -> tuple[float, ...]:
        turn.environment.step(turn.environment.expert_action())  # type: ignore[union-attr]
        return MockPolicy().logprobs([turn])[0]

    episode = played([Start(task=TASKS[0])], Recorder(cheats))[0]

    assert (episode.tampered, episode.actions) == ("the environment changed while nobody acted", ())


def test_a_forced_action_that_is_not_valid_is_marked_and_not_taken() -> None:
    episode = played([Start(task=TASKS[0], forced="fly")])[0]

    assert episode.tampered == "the forced action 'fly' is not valid there"
    assert (episode.actions, episode.success) == ((), False)


def test_a_state_that_does_not_replay_is_marked_and_the_others_go_on() -> None:
    state = played([Start(task=TASKS[0])], keep=Keep.STATES)[0].moves[0].state
    broken = Start(task=TASKS[0], state={**(state or {}), "place": 99})
    episodes = played([broken, Start(task=TASKS[1])], Expert())

    assert episodes[0].tampered.startswith("the saved state does not replay: State of")
    assert (episodes[1].success, episodes[1].tampered) == (True, "")


def test_true_episodes_are_verified_as_they_are() -> None:
    episodes = [*played(starts(draw="x"), keep=Keep.STATES), *played(starts(), Expert())]
    state = episodes[0].moves[1].state
    continued = played([Start(task=TASKS[0], state=state, history=episodes[0].actions[:1])])

    assert verified(WORLD, [*episodes, *continued]) == [*episodes, *continued]


def falsified(episode: Episode, **changed: Any) -> Episode:
    return replace(episode, **changed)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda e: falsified(e, reward=1.0, success=True), "it earns 0.25, not 1"),
        (lambda e: falsified(e, success=True), "it earns 0.25, not 0.25"),
        (lambda e: falsified(e, actions=("fly",)), "action 1, 'fly', is not valid there"),
        (lambda e: falsified(e, goal="Rest."), "its task shows something else now"),
        (lambda e: falsified(e, task=TASKS[1]), "its task shows something else now"),
        (
            lambda e: falsified(e, moves=(replace(e.moves[0], observation="A pit."), *e.moves[1:])),
            "before action 1 something else is seen",
        ),
        (
            lambda e: falsified(e, moves=(replace(e.moves[0], reward=0.5), *e.moves[1:])),
            "action 1 earns 0.25, not 0.5",
        ),
    ],
    ids=["reward", "success", "actions", "goal", "task", "observation", "reward on the way"],
)
def test_episodes_told_falsely_are_marked(change: Callable[[Episode], Episode], told: str) -> None:
    true = played([Start(task=TASKS[0])], Expert(), keep=Keep.STEPS, max_steps=1)[0]

    assert [episode.tampered for episode in verified(WORLD, [true, change(true)])] == ["", told]
