"""How stuck an episode was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.learn import Move
from honing.teach.evaluation.stuckness import (
    Stuckness,
    efficiency,
    escape_latency,
    loops,
    repeat_action_rate,
    stuckness,
    wasted_steps,
)


def moves(path: Sequence[tuple[str, str]]) -> list[Move]:
    return [Move(observation=place, actions=("a", "b"), action=action) for place, action in path]


CASES = [
    ("straight on", "A1 B2 C3", Stuckness(3, 0, 0, 0, 0, 0)),
    ("the same action in new places", "A1 B1 C1", Stuckness(3, 2, 0, 0, 0, 0)),
    ("standing still", "A1 A1 A1", Stuckness(3, 2, 0, 2, 1, 2)),
    ("there and back", "A1 B2 A1 C3", Stuckness(4, 0, 1, 2, 1, 1)),
    ("round and round", "A1 B2 A1 B2 A1", Stuckness(5, 0, 3, 4, 1, 3)),
    ("stuck twice", "A1 A2 B1 B2 C1", Stuckness(5, 0, 0, 2, 2, 2)),
    ("one step", "A1", Stuckness(1, 0, 0, 0, 0, 0)),
    ("nothing", "", Stuckness(0, 0, 0, 0, 0, 0)),
]


@pytest.mark.parametrize(("path", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_episode_is_counted(path: str, expected: Stuckness) -> None:
    assert stuckness(moves([(step[0], step[1]) for step in path.split()])) == expected


def test_other_actions_make_another_place_of_the_same_observation() -> None:
    same = moves([("A", "1"), ("A", "1")])
    other = [same[0], Move(observation="A", actions=("c",), action="c")]

    assert [stuckness(path).wasted for path in (same, other)] == [1, 0]


@given(st.lists(st.sampled_from("ABCD"), max_size=12))
def test_cutting_all_loops_leaves_a_path_without_any(path: list[str]) -> None:
    found = stuckness(moves([(place, "1") for place in path]))

    assert 0 <= found.wasted <= len(path) - bool(path)
    assert (found.wasted == 0) == (len(set(path)) == len(path))
    assert found.spell_steps == len(path) - len(set(path))


def test_rates_leave_out_the_episodes_they_say_nothing_about() -> None:
    rows = [Stuckness(1, 0, 0, 0, 0, 0), Stuckness(5, 2, 3, 4, 2, 3)]

    assert (repeat_action_rate(rows), loops(rows), wasted_steps(rows), escape_latency(rows)) == (
        [0.5],
        [0.0, 3.0],
        [0.0, 4.0],
        [1.5],
    )


@pytest.mark.parametrize(
    ("n_steps", "expert_steps", "success", "expected"),
    [(8, 4, True, 0.5), (4, 4, True, 1.0), (3, 4, True, 1.0), (4, 4, False, 0.0), (4, None, True, None)],
    ids=["twice as long", "as long", "shorter than the expert", "failed", "the expert failed"],
)
def test_efficiency_is_the_experts_length_by_the_own_one(
    n_steps: int, expert_steps: int | None, expected: float | None, *, success: bool
) -> None:
    assert efficiency(n_steps, expert_steps, success=success) == expected
