from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from recorded_play import TASKS, WORLD, BentWorld, Recorder, played, starts

from honing.environments import task_hash
from honing.environments.scripted import ChainEnvironment, ScriptedWorld
from honing.errors import EnvironmentFaultError, ModelError
from honing.learn import Episode, Expert, Keep, MockPolicy, RandomPolicy, Start, Turn


class Counted(ChainEnvironment):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_the_expert_solves_every_task_and_its_episodes_say_how() -> None:
    first = played(starts(), Expert())[0]
    environment = WORLD.make()
    step, taken = environment.reset(TASKS[0]), []
    identity = task_hash(step, TASKS[0])
    while not step.done:
        taken.append(environment.expert_action())
        step = environment.step(taken[-1])

    assert first == Episode(
        task=TASKS[0],
        task_hash=identity,
        goal="Pass all 4 places.",
        actions=tuple(taken),
        reward=1.0,
        success=True,
        policy="expert",
    )
    assert [episode.success for episode in played(starts(), Expert())] == [True] * len(TASKS)


@pytest.mark.parametrize("in_flight", [1, 3, 64])
def test_episodes_do_not_depend_on_how_many_are_in_flight_nor_on_their_order(in_flight: int) -> None:
    given = [Start(task=task, draw=name) for task in TASKS for name in ("a", "b")]
    expected = {(e.task.id, n % 2): e for n, e in enumerate(played(given, keep=Keep.STATES))}
    backwards = played(given[::-1], keep=Keep.STATES, in_flight=in_flight)

    assert {(e.task.id, 1 - n % 2): e for n, e in enumerate(backwards)} == expected
    assert len({episode.actions for episode in expected.values()}) > len(TASKS)


def test_a_policy_is_asked_for_all_episodes_in_flight_at_once() -> None:
    policy = Recorder()
    played(starts(), policy, in_flight=5)

    assert max(len(turns) for turns in policy.asked) == 5
    assert len(policy.asked[0]) == 5


def test_episodes_of_one_name_meet_the_same_draws_and_others_do_not() -> None:
    def actions(**given: Any) -> list[tuple[str, ...]]:
        return [
            episode.actions for episode in played(starts(**given.pop("start", {})), RandomPolicy(), **given)
        ]

    same = actions(start={"draw": "x"})

    assert actions(start={"draw": "x", "patch": "a note"}) == same
    assert actions(start={"draw": "y"}) != same
    assert actions(start={"draw": "x"}, seed=1) != same


def test_a_continued_episode_goes_on_as_the_whole_one_did() -> None:
    for whole in played(starts(draw="x"), keep=Keep.STATES):
        middle = len(whole.actions) // 2
        state = json.loads(json.dumps(whole.moves[middle].state))
        start = Start(task=whole.task, draw="x", state=state, history=whole.actions[:middle])
        rest = played([start])[0]

        assert rest.actions == whole.actions[middle:]
        assert (rest.reward, rest.success, rest.task_hash) == (whole.reward, whole.success, "")


def test_temperature_0_takes_the_likeliest_action_whatever_the_draws() -> None:
    greedy = played(starts(draw="x"), temperature=0.0, keep=Keep.STEPS)

    assert [e.actions for e in greedy] == [
        e.actions for e in played(starts(draw="y"), temperature=0.0, seed=5)
    ]
    assert all(
        move.action == move.actions[move.logprobs.index(max(move.logprobs))]
        for episode in greedy
        for move in episode.moves
    )


def test_actions_are_taken_as_often_as_they_are_likely() -> None:
    given = [Start(task=TASKS[0], draw=str(number)) for number in range(2000)]
    policy = Recorder(lambda turn: tuple(map(math.log, (0.6, 0.3, 0.09, 0.01))))
    first = [e.actions[0] for e in played(given, policy, max_steps=1)]
    options = policy.asked[0][0].situation.actions

    shares = [first.count(option) / len(first) for option in options]
    assert shares == pytest.approx([0.6, 0.3, 0.09, 0.01], abs=0.03)


def test_a_forced_action_comes_first_without_a_decision_and_the_policy_goes_on() -> None:
    policy = Recorder()
    environment = WORLD.make()
    forced = environment.reset(TASKS[0]).actions[-1]
    episode = played([Start(task=TASKS[0], forced=forced)], policy, keep=Keep.STEPS, max_steps=3)[0]

    assert (episode.actions[0], episode.moves[0].logprobs) == (forced, ())
    assert [turn.situation.history for turns in policy.asked for turn in turns] == [
        episode.actions[:1],
        episode.actions[:2],
    ]


@pytest.mark.parametrize(
    ("patch_steps", "forced", "shown"),
    [
        (1, False, [True, False, False]),
        (2, False, [True, True, False]),
        (None, False, [True] * 3),
        (2, True, [True, False]),
    ],
    ids=["one step", "two steps", "the whole episode", "a forced action is a step"],
)
def test_a_patch_is_shown_for_its_steps(patch_steps: int | None, forced: bool, shown: list[bool]) -> None:  # noqa: FBT001
    policy = Recorder()
    action = WORLD.make().reset(TASKS[0]).actions[-1] if forced else ""
    start = Start(task=TASKS[0], patch="like this", patch_steps=patch_steps, forced=action)
    played([start], policy, max_steps=3)

    assert [turn.situation.patch == "like this" for turns in policy.asked for turn in turns] == shown


def test_turns_carry_history_before_the_start_and_the_adapter_and_the_environment() -> None:
    seen: list[tuple[Any, ...]] = []

    def look(turn: Turn) -> tuple[float, ...]:
        assert turn.environment is not None
        seen.append((turn.situation.history, turn.adapter, turn.environment.now().observation))
        return MockPolicy().logprobs([turn])[0]

    move = played([Start(task=TASKS[0])], keep=Keep.STATES)[0].moves[2]
    start = Start(task=TASKS[0], state=move.state, history=("a", "b"), adapter=7)
    played([start], Recorder(look), max_steps=1)

    assert seen == [(("a", "b"), 7, move.observation)]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(Keep.ENDING, (0, False, False)), (Keep.STEPS, (2, True, False)), (Keep.STATES, (2, True, True))],
    ids=["ending", "steps", "states"],
)
def test_no_more_is_kept_than_asked_for(keep: Keep, expected: tuple[int, bool, bool]) -> None:
    moves = played([Start(task=TASKS[0])], keep=keep, max_steps=2)[0].moves

    assert (len(moves), any(m.logprobs for m in moves), any(m.state for m in moves)) == expected


def test_episodes_come_back_from_their_documents() -> None:
    episodes = [*played(starts(), keep=Keep.STATES), *played(starts(), Expert(), keep=Keep.STATES)]
    written = json.loads(json.dumps([episode.as_document() for episode in episodes]))

    assert [Episode.from_document(document) for document in written] == episodes


def test_a_limit_of_steps_ends_episodes_and_is_counted_from_their_start() -> None:
    whole = played([Start(task=TASKS[1], draw="x")], RandomPolicy(), keep=Keep.STATES)[0]
    start = Start(task=TASKS[1], draw="x", state=whole.moves[3].state, history=whole.actions[:3])

    assert played([start], RandomPolicy(), max_steps=2)[0].actions == whole.actions[3:5]
    assert played([start], RandomPolicy(), max_steps=0)[0].actions == ()


def test_a_start_that_is_over_is_an_episode_without_actions() -> None:
    environment = WORLD.make()
    step = environment.reset(TASKS[0])
    while not step.done:
        step = environment.step(environment.expert_action())
    done = Start(task=TASKS[0], state=environment.save(), forced="open")
    policy = Recorder()

    episode = played([done], policy)[0]
    assert (episode.actions, episode.success, episode.tampered, policy.asked) == ((), True, "", [])


def test_no_starts_are_no_episodes() -> None:
    assert played([]) == []


def test_an_episode_ends_where_no_valid_action_is_named_and_counts_it() -> None:
    def gives_up(turn: Turn) -> tuple[float, ...]:
        known = len(turn.situation.history) < 2
        return (0.0 if known else -math.inf,) * len(turn.situation.actions)

    episode = played([Start(task=TASKS[0])], Recorder(gives_up))[0]

    assert (len(episode.actions), episode.invalid_turns, episode.success) == (2, 1, False)
    assert Episode.from_document(episode.as_document()) == episode


@pytest.mark.parametrize(
    "answer",
    [lambda turn: (0.0,), lambda turn: (math.nan,) * len(turn.situation.actions)],
    ids=["too few numbers", "no numbers"],
)
def test_a_policy_without_a_distribution_is_a_model_error(
    answer: Callable[[Turn], tuple[float, ...]],
) -> None:
    with pytest.raises(ModelError, match="recorder: expected a log-probability for each of 4 actions"):
        played([Start(task=TASKS[0])], Recorder(answer))


def test_a_policy_that_leaves_out_turns_is_a_model_error() -> None:
    class Short(Recorder):
        def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
            return []

    with pytest.raises(ModelError, match="1 turns were asked, 0 answered"):
        played([Start(task=TASKS[0])], Short())


def test_options_that_differ_by_rounding_alone_are_decided_alike() -> None:
    def nearly(shift: float) -> Callable[[Turn], tuple[float, ...]]:
        return lambda turn: tuple(
            -math.log(len(turn.situation.actions)) + shift * (-1) ** place
            for place in range(len(turn.situation.actions))
        )

    taken = [
        [e.actions for e in played(starts(), Recorder(nearly(shift)), temperature=0.0)]
        for shift in (0.0, 2e-8, -2e-8)
    ]

    assert taken[0] == taken[1] == taken[2]


def test_environments_are_used_again_and_closed_even_after_a_failure() -> None:
    world = BentWorld(Counted)
    played(starts(), world=world, in_flight=3)
    with pytest.raises(ModelError):
        played(starts(), Recorder(lambda turn: ()), world=world, in_flight=2)

    assert [environment.closed for environment in world.made] == [1] * 5


def test_an_environment_without_an_expert_is_told() -> None:
    class NoExpert:
        def __init__(self, inner: ChainEnvironment) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            if name == "expert_action":
                raise AttributeError(name)
            return getattr(self._inner, name)

    class Plain(ScriptedWorld):
        def make(self) -> Any:
            return NoExpert(super().make())

    with pytest.raises(EnvironmentFaultError, match="NoExpert has no expert"):
        played([Start(task=TASKS[0])], Expert(), world=Plain(WORLD.options))
