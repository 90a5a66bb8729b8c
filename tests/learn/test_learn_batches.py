"""Which rows a step sees."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_students import decisions

from honing.errors import TrainingError, UsageError
from honing.learn import SftOptions
from honing.learn.training.batches import Plan, evaluation_rows, plan_of

NEW, OLD = decisions(0, 5), decisions(50, 7)


def sources(plan: Plan) -> list[list[str]]:
    return [[row.source for row in step] for step in plan.steps]


def test_three_of_four_rows_of_every_step_are_replay_spread_over_the_step() -> None:
    plan = plan_of(NEW, OLD, SftOptions(n_steps=10, batch_size=8, replay=0.75))

    is_replay = [[int(source[1:]) >= 50 for source in step] for step in sources(plan)]
    assert is_replay == [[False, True, True, True] * 2] * 10
    assert (plan.n_replay, plan.rows_at_once, plan.accumulation) == (60, 8, 1)


@given(
    new=st.integers(1, 9),
    old=st.integers(1, 9),
    batch=st.integers(1, 9),
    accumulation=st.integers(1, 4),
    replay=st.floats(0, 0.99),
)
def test_every_step_has_its_part_of_replay_and_no_row_comes_twice_more_than_another(
    new: int, old: int, batch: int, accumulation: int, replay: float
) -> None:
    options = SftOptions(n_steps=6, batch_size=batch, gradient_accumulation_steps=accumulation, replay=replay)
    plan = plan_of(decisions(0, new), decisions(50, old), options)

    rows = batch * accumulation
    parts = [sum(int(source[1:]) >= 50 for source in step) for step in sources(plan)]
    wanted = 0 if replay == 0 else min(max(round(rows * replay), 1), max(rows - 1, 1))
    sizes = {min(rows, new) if replay == 0 else max(rows, 2)}
    assert parts == [wanted] * 6
    assert {len(step) for step in plan.steps} == sizes
    assert plan.rows_at_once * plan.accumulation == sizes.pop()
    assert plan.rows_at_once <= batch
    for first in (0, 50):
        seen = Counter(s for step in sources(plan) for s in step if (int(s[1:]) >= 50) == (first == 50))
        most, pool = max(seen.values(), default=0), new if first == 0 else old
        least = min(seen.values(), default=0) if len(seen) == pool else 0
        assert most - least <= 1


def test_few_examples_without_replay_make_small_steps_of_each_once() -> None:
    plan = plan_of(NEW[:3], [], SftOptions(n_steps=4, batch_size=8, replay=0.0))

    assert [sorted(step) for step in sources(plan)] == [["s0", "s1", "s2"]] * 4
    assert (plan.rows_at_once, plan.n_replay) == (3, 0)


def test_epochs_count_the_examples_and_not_the_replay() -> None:
    plan = plan_of(NEW, OLD, SftOptions(n_steps=None, epochs=4.0, batch_size=8, replay=0.75))

    seen = Counter(source for step in sources(plan) for source in step if int(source[1:]) < 50)
    assert len(plan.steps) == 10
    assert seen == {f"s{number}": 4 for number in range(5)}


def test_trainings_of_one_seed_see_one_replay_mix_whatever_their_examples() -> None:
    def mix(first: int, seed: int) -> list[str]:
        plan = plan_of(decisions(first, 3), OLD, SftOptions(n_steps=5, seed=seed))
        return [source for step in sources(plan) for source in step if int(source[1:]) >= 50]

    assert mix(0, 1) == mix(20, 1)
    assert mix(0, 1) != mix(0, 2)


def test_a_step_of_several_forward_passes_has_the_rows_of_one_large_batch() -> None:
    whole = plan_of(NEW, OLD, SftOptions(n_steps=3, batch_size=8))
    parts = plan_of(NEW, OLD, SftOptions(n_steps=3, batch_size=2, gradient_accumulation_steps=4))

    assert parts.steps == whole.steps
    assert (parts.rows_at_once, parts.accumulation) == (2, 4)


def test_the_evaluation_batch_is_fixed_and_has_no_row_twice() -> None:
    rows = decisions(0, 100)

    one, other = evaluation_rows(rows, 1), evaluation_rows(rows, 1)
    assert one == other
    assert len({row.source for row in one}) == 64
    assert evaluation_rows(rows[:3], 1) == rows[:3]


@pytest.mark.parametrize(
    ("new", "replay", "said"),
    [(0, 0.0, "no example to train on"), (2, 0.5, "0.5 of each step is to be replay, and there is none")],
    ids=["no examples", "no replay where a part of it is asked for"],
)
def test_a_training_without_its_data_is_refused(new: int, replay: float, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        plan_of(NEW[:new], [], SftOptions(replay=replay))


def test_options_name_every_value_that_cannot_be() -> None:
    with pytest.raises(UsageError) as refused:
        SftOptions(rank=0, learning_rate=-1.0, replay=1.0)

    assert str(refused.value) == (
        "Training: rank must be at least 1, got 0; learning_rate must be above 0, got -1.0; "
        "replay must be in [0, 1), got 1.0."
    )
