"""Saved states by replay, the memory that spares it, options and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from honing.environments import ReplayedEnvironment, Step, Task
from honing.environments.drawing import checked_split, content_digest, drawn_seed
from honing.environments.options import as_plain, options_from
from honing.environments.replay import PlayMemory
from honing.errors import EnvironmentFaultError, UsageError


class Count:
    """Counts up to its task's seed; copies are counted, and so are beginnings."""

    begun = 0

    def __init__(self, goal: int, *, copies: bool, at: int = 0) -> None:
        self.goal, self.copies, self.at = goal, copies, at
        self.closed = 0

    def show(self) -> Step:
        over = self.at >= self.goal
        return Step(
            goal=f"count to {self.goal}",
            observation=str(self.at),
            actions=() if over else ("one", "two"),
            reward=float(over),
            done=over,
            success=over,
        )

    def act(self, action: str) -> None:
        self.at += {"one": 1, "two": 2}[action]

    def freeze(self) -> Callable[[], Count] | None:
        return partial(Count, self.goal, copies=True, at=self.at) if self.copies else None

    def close(self) -> None:
        self.closed += 1


class Counter:
    """Begins counts and counts the beginnings."""

    def __init__(self, *, copies: bool) -> None:
        self.copies = copies
        self.begun = 0

    def __call__(self, task: Task) -> Count:
        self.begun += 1
        return Count(task.seed, copies=self.copies)


def environment_of(counter: Counter, memory: PlayMemory | None = None) -> ReplayedEnvironment:
    return ReplayedEnvironment("count", counter, max_steps=4, memory=memory)


TASK = Task(id="t", seed=5)


@pytest.mark.parametrize(("copies", "begun"), [(True, 2), (False, 5)])
def test_a_play_that_can_be_copied_is_begun_and_replayed_once(*, copies: bool, begun: int) -> None:
    counter = Counter(copies=copies)
    first = environment_of(counter)
    first.reset(TASK)
    first.step("two")
    state = first.save()
    second = environment_of(counter)
    for _ in range(4):
        assert second.restore(state).observation == "2"

    assert counter.begun == begun


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    counter = Counter(copies=True)
    environment = environment_of(counter, PlayMemory(2))
    for seed in (5, 6, 5, 7, 5, 6):
        environment.reset(Task(id="t", seed=seed))

    # 5, 6 and 7 are begun; 7 pushes 6 out, which is begun again.
    assert counter.begun == 4


def test_a_remembered_play_is_not_changed_by_what_is_done_with_a_copy() -> None:
    environment = environment_of(Counter(copies=True))
    environment.reset(TASK)
    environment.step("two")

    assert environment.reset(TASK).observation == "0"


def test_the_limit_of_steps_ends_an_episode_without_success() -> None:
    environment = environment_of(Counter(copies=True))
    environment.reset(Task(id="t", seed=9))
    steps = [environment.step("one") for _ in range(4)]

    assert [step.done for step in steps] == [False, False, False, True]
    assert (steps[-1].actions, steps[-1].success, steps[-1].reward) == ((), False, 0.0)


def test_a_state_holds_the_task_the_actions_and_a_hash_for_every_step() -> None:
    environment = environment_of(Counter(copies=False))
    hashes = [environment.reset(TASK).hash(), environment.step("one").hash(), environment.step("two").hash()]

    assert environment.save() == {
        "world": "count",
        "task": TASK.as_document(),
        "actions": ["one", "two"],
        "hashes": "".join(found[:8] for found in hashes),
        "hash": hashes[-1],
    }


def test_what_was_let_go_of_is_closed_once() -> None:
    counter = Counter(copies=False)
    environment = environment_of(counter)
    environment.reset(TASK)
    play = environment.play
    environment.close()
    environment.close()

    assert isinstance(play, Count)
    assert play.closed == 1
    with pytest.raises(EnvironmentFaultError, match="no episode was begun"):
        environment.now()


STATES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda state: state.update(world="other"), "belongs to the world 'other'"),
    (lambda state: state.pop("hash"), "has the keys world, task, actions, hashes, hash"),
    (lambda state: state.update(more=1), "has the keys world, task, actions, hashes, hash"),
    (lambda state: state.update(hashes="00"), "of 1 actions needs 2 hashes of 8 digits"),
    (lambda state: state.update(actions="one"), "with their kinds of value"),
    (lambda state: state["task"].update(seed=6), "after the start of the task the state has the hash"),
    (lambda state: state.update(actions=["two"]), "after step 1, 'two' the state has the hash"),
]


@pytest.mark.parametrize(("change", "words"), STATES)
@pytest.mark.parametrize("copies", [True, False], ids=["copied", "replayed"])
def test_a_changed_state_is_refused_even_where_the_right_one_is_remembered(
    *, copies: bool, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    environment = environment_of(Counter(copies=copies))
    environment.reset(TASK)
    environment.step("one")
    state = environment.save()
    environment.restore(state)
    changed = {**state, "task": dict(state["task"])}
    change(changed)

    with pytest.raises(EnvironmentFaultError, match=words):
        environment.restore(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeOptions:
    """Options of every kind."""

    needed: str
    number: int = 3
    share: float = 0.5
    flag: bool = False
    names: tuple[str, ...] = ("a",)
    more: dict[str, Any] = field(default_factory=dict)


def test_options_take_their_defaults_and_turn_plain_again() -> None:
    found = options_from(
        SomeOptions, {"needed": "x", "names": ["b"], "share": 1, "more": {"k": 1}}, world="w"
    )

    assert found == SomeOptions(needed="x", names=("b",), share=1, more={"k": 1})
    assert as_plain(found) == {
        "needed": "x",
        "number": 3,
        "share": 1,
        "flag": False,
        "names": ["b"],
        "more": {"k": 1},
    }


BAD: list[tuple[Mapping[str, Any], str]] = [
    ({}, "w needs the option 'needed'"),
    ({"needed": "x", "numbr": 1}, "w has no option 'numbr'.*Did you mean 'number'"),
    ({"needed": 1}, "'needed' must be a text, got 1"),
    ({"needed": "x", "number": 1.5}, "'number' must be a whole number, got 1.5"),
    ({"needed": "x", "share": True}, "'share' must be a number, got True"),
    ({"needed": "x", "share": -0.1}, "'share' must not be negative"),
    ({"needed": "x", "names": ["a", 1]}, "'names' must be a list of texts"),
    ({"needed": "x", "more": []}, "'more' must be a mapping"),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_an_option_that_cannot_be_is_refused(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        options_from(SomeOptions, options, world="w")


def test_seeds_depend_on_their_key_alone() -> None:
    assert [drawn_seed("a", 1), drawn_seed("a", 2), drawn_seed("a1", "")] == [
        915602508,
        1729553747,
        1579752703,
    ]


def test_a_digest_tells_apart_where_one_part_ends() -> None:
    assert content_digest(b"ab", b"c") != content_digest(b"a", b"bc")
    assert len(content_digest(b"")) == 12


@pytest.mark.parametrize("split", ["", "a/b", "../x", "-x", "a" * 65])
def test_a_split_that_could_not_be_a_file_name_is_refused(split: str) -> None:
    with pytest.raises(EnvironmentFaultError, match="A split is named by letters"):
        checked_split(split)
