from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from searched_candidates import Scores, baseline, discarded, evaluation, failed, kept

from honing.harness.accept import accept, final_seeds, first_seeds, fresh_seeds, hopeless
from honing.harness.accept_pairs import difference, interval, pairs
from honing.harness.candidate import Acceptance, Candidate, Outcome
from honing.harness.project import Judging, KeepRule
from honing.harness.tasks.base import Evaluation, TaskRun
from honing.stats import paired_difference

THIRTY = [f"t{number:02d}" for number in range(30)]


class Retests:
    """Answers re-tests with what it was given, and notes the seeds that were asked for."""

    def __init__(self, parent: Scores, child: Scores) -> None:
        self.asked: list[tuple[int, ...]] = []
        self._scores = (parent, child)

    def __call__(self, seeds: Sequence[int]) -> tuple[Evaluation, Evaluation]:
        self.asked.append(tuple(seeds))
        parent, child = (evaluation(scores, seeds=seeds[0]) for scores in self._scores)
        return parent, child


def binary(solved: int) -> Scores:
    return {task: float(index < solved) for index, task in enumerate(THIRTY)}


def test_a_deterministic_gain_is_kept_after_one_evaluation() -> None:
    found = accept(evaluation({"a": 0.5, "b": 0.5}), evaluation({"a": 0.5, "b": 0.7}), Judging(), None)

    assert found == Acceptance(
        accepted=True,
        sentence="beats its parent: 0.600 against 0.500",
        difference=(pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1)),
        estimate=0.6,
    )


@pytest.mark.parametrize(
    ("parent", "child", "margin", "sentence"),
    [
        ({"a": 0.5}, {"a": 0.5}, 0.0, "equals its parent: 0.500 against 0.500"),
        ({"a": 0.5}, {"a": 0.4}, 0.0, "falls short of its parent: 0.400 against 0.500"),
        ({"a": 0.5}, {"a": 0.6}, 0.1, "beats its parent: 0.600 against 0.500"),
        ({"a": 0.1, "b": 0.2}, {"a": 0.2, "b": 0.1}, 0.0, "equals its parent: 0.150 against 0.150"),
        ({"a": 0.3}, {"a": 0.1 + 0.2}, 0.0, "equals its parent: 0.300 against 0.300"),
    ],
    ids=["a tie", "a loss", "no more than the margin", "a swap", "a sum in another order"],
)
def test_what_is_not_better_is_not_kept(parent: Scores, child: Scores, margin: float, sentence: str) -> None:
    found = accept(evaluation(parent), evaluation(child), Judging(margin=margin), None)

    assert (found.accepted, found.sentence) == (False, sentence)


def test_weights_count() -> None:
    weights = {"a": 9.0, "b": 1.0}
    parent, child = (evaluation(s, weights=weights) for s in ({"a": 0.5, "b": 0.0}, {"a": 0.45, "b": 1.0}))

    found = accept(parent, child, Judging(), None)

    assert found.difference == (pytest.approx(0.055), pytest.approx(0.055), pytest.approx(0.055))
    assert child.score == pytest.approx(0.505)


def test_a_task_counts_once_however_many_seeds_it_has() -> None:
    parent, child = evaluation({"a": [0.0, 0.0, 0.0], "b": 1.0}), evaluation({"a": [0.5, 1.0, 0.0], "b": 0.0})

    assert (parent.score, child.score) == (0.5, 0.25)
    assert difference(pairs(child, parent)) == pytest.approx(-0.25)


def test_a_candidate_that_was_stopped_early_is_not_kept() -> None:
    stopped = replace(evaluation({"a": 1.0}), complete=False, stopped="it lost the race")

    found = accept(evaluation({"a": 0.5}), stopped, Judging(), None)

    assert found == Acceptance(accepted=False, sentence="it lost the race")


@pytest.mark.parametrize(
    ("rule", "fresh_child", "ending", "retests"),
    [
        (KeepRule.FRESH, 16, "kept", 1),
        (KeepRule.FRESH, 15, "dropped", 1),
        (KeepRule.FRESH, 12, "dropped", 1),
        (KeepRule.BOUND, 16, "dropped", 1),
        (KeepRule.BOUND, 29, "kept", 1),
        (KeepRule.ONCE, 0, "kept", 0),
    ],
)
def test_the_rule_decides_what_fresh_seeds_must_show(
    rule: KeepRule, fresh_child: int, ending: str, retests: int
) -> None:
    retest = Retests(binary(15), binary(fresh_child))

    found = accept(evaluation(binary(12)), evaluation(binary(14)), Judging(rule=rule), retest)

    assert (found.accepted, found.retest is not None) == (ending == "kept", retests == 1)
    assert len(retest.asked) == retests
    assert found.task_runs == 60 * retests
    assert found.estimate == pytest.approx((fresh_child if retests else 14) / 30)


def test_what_did_not_win_the_first_time_is_not_tested_again() -> None:
    retest = Retests(binary(0), binary(30))

    found = accept(evaluation(binary(12)), evaluation(binary(12)), Judging(), retest)

    assert (found.accepted, found.retest, retest.asked, found.task_runs) == (False, None, [], 0)


def test_the_estimate_comes_from_fresh_seeds_alone() -> None:
    found = accept(
        evaluation(binary(10)), evaluation(binary(20)), Judging(), Retests(binary(12), binary(13)), attempt=7
    )

    fresh = paired_difference(list(binary(13).values()), list(binary(12).values()), bounds=(0.0, 1.0))
    assert found.estimate == pytest.approx(13 / 30)
    assert found.retest == (fresh.estimate, fresh.low, fresh.high)
    assert found.difference is not None
    assert found.difference[0] == pytest.approx(1 / 3)
    assert found.sentence == (
        "beats its parent: 0.667 against 0.333, and on fresh seeds beats its parent: 0.433 against 0.400"
    )


def test_the_bound_asks_for_more_at_every_further_attempt() -> None:
    def kept_at(attempt: int) -> bool:
        retest = Retests(binary(5), binary(15))
        settings = Judging(rule=KeepRule.BOUND)
        return accept(
            evaluation(binary(5)), evaluation(binary(9)), settings, retest, attempt=attempt
        ).accepted

    assert [kept_at(attempt) for attempt in (1, 100)] == [True, False]


def test_re_tests_of_different_slots_share_no_seed_with_anything() -> None:
    settings = Judging(repeats=3, retest_repeats=4, final_repeats=5)
    start = baseline()
    seen = [start, *(discarded(slot, "c0000", {"a": 0.4}) for slot in range(1, 101))]
    used = [
        *(seed for n in range(0, 101, 10) for seed in first_seeds(start, seen[: n + 1], settings)),
        *(seed for slot in range(1, 200) for seed in fresh_seeds(slot, settings)),
        *final_seeds(settings),
    ]

    assert len(set(used)) == len(used) == 11 * 3 + 199 * 4 + 5


def retested(candidate: Candidate, *, accepted: bool) -> Candidate:
    found = Acceptance(accepted=accepted, sentence="", retest=(0.1, 0.0, 0.2), estimate=0.5)
    return replace(candidate, acceptance=found)


def test_a_child_meets_its_parent_where_that_was_last_tested_again() -> None:
    settings = Judging(repeats=2)
    start = baseline()
    promoted = retested(kept(3, "c0000", {"a": 0.6}), accepted=True)
    beaten = retested(discarded(5, "c0003", {"a": 0.6}), accepted=False)
    other = retested(discarded(7, "c0000", {"a": 0.6}), accepted=False)

    assert first_seeds(start, [start], settings) == (0, 1)
    assert first_seeds(promoted, [start, promoted], settings) == fresh_seeds(3, settings)
    assert first_seeds(promoted, [start, promoted, beaten, other], settings) == fresh_seeds(5, settings)
    assert first_seeds(start, [start, promoted, beaten, other], settings) == fresh_seeds(7, settings)


def test_fewer_fresh_seeds_than_repeats_are_joined_with_the_next() -> None:
    settings = Judging(repeats=3, retest_repeats=1)
    start = baseline()
    seen = [start, *(retested(discarded(slot, "c0000", {"a": 0.6}), accepted=False) for slot in (2, 4))]

    assert first_seeds(start, seen, settings) == (*fresh_seeds(4, settings), *fresh_seeds(2, settings), 0)


def test_a_bar_that_ten_children_did_not_reach_is_measured_again() -> None:
    settings = Judging(repeats=2)
    start = baseline()
    missed = [discarded(slot, "c0000", {"a": 0.4}) for slot in range(1, 24)]
    elsewhere = [discarded(slot, "c0099", {"a": 0.4}) for slot in range(30, 50)]
    crashed = [failed(slot, "c0000", Outcome.CRASH) for slot in range(50, 70)]

    at = {
        n: first_seeds(start, [start, *missed[:n], *elsewhere, *crashed], settings) for n in (9, 10, 19, 20)
    }

    assert at[9] == (0, 1)
    assert at[10] == at[19] != at[20]
    assert len({*at[9], *at[10], *at[20]}) == 6
    assert first_seeds(start, [start, *missed], Judging(repeats=2, rule=KeepRule.ONCE)) == (0, 1)


def test_a_re_test_starts_the_count_of_missed_bars_anew() -> None:
    start = baseline()
    seen = [start, *(discarded(slot, "c0000", {"a": 0.4}) for slot in range(1, 9))]
    seen.append(retested(discarded(9, "c0000", {"a": 0.6}), accepted=False))
    seen += [discarded(slot, "c0000", {"a": 0.4}) for slot in range(10, 19)]

    assert first_seeds(start, seen, Judging()) == fresh_seeds(9, Judging())


def test_evaluations_that_share_no_run_are_not_compared() -> None:
    with pytest.raises(ValueError, match="the two share none of them"):
        pairs(evaluation({"a": 1.0}), evaluation({"a": 1.0}, seeds=5))


def test_an_interval_of_equal_weights_is_that_of_the_paired_difference() -> None:
    rng = random.Random(3)
    a, b = ({task: float(rng.random() < rate) for task in THIRTY} for rate in (0.6, 0.4))

    found = interval(pairs(evaluation(a), evaluation(b)), level=0.9)

    assert found == paired_difference(list(a.values()), list(b.values()), level=0.9)


def test_an_interval_of_unequal_weights_is_about_the_weighted_difference() -> None:
    rng = random.Random(3)
    weights = {task: rng.choice((1.0, 5.0)) for task in THIRTY}
    a, b = (
        evaluation({task: [rng.random(), rng.random()] for task in THIRTY}, weights=weights) for _ in range(2)
    )

    found = interval(pairs(a, b), level=0.95)

    assert a.score is not None
    assert b.score is not None
    assert found.estimate == pytest.approx(a.score - b.score)
    assert 0.05 < found.half_width < 0.3


def runs_of(scores: Scores, order: Sequence[str] = ()) -> list[TaskRun]:
    by_task = {run.task: run for run in evaluation(scores).runs}
    return [by_task[task] for task in order or by_task]


def test_a_candidate_that_cannot_win_any_more_is_hopeless_and_no_other_is() -> None:
    """Against every way to go on: a candidate is stopped exactly when none of them would be kept."""
    rng = random.Random(5)
    settings = Judging(margin=0.05)
    for _ in range(150):
        weights = {task: rng.choice((1.0, 2.0, 10.0)) for task in "abcd"}
        parent = evaluation({task: rng.choice((0.0, 0.5, 1.0)) for task in "abcd"}, weights=weights)
        child = evaluation({task: rng.choice((0.0, 0.5, 1.0)) for task in "abcd"}, weights=weights)
        for made in range(5):
            runs = list(child.runs[:made])
            best = replace(
                child,
                runs=(
                    *runs,
                    *(replace(run, score=replace(run.score, score=1.0)) for run in child.runs[made:]),
                ),
            )

            assert bool(hopeless(parent, runs, settings)) is not accept(parent, best, settings, None).accepted


def test_why_a_candidate_is_stopped_is_said_in_numbers() -> None:
    parent = evaluation({"a": 1.0, "b": 1.0, "c": 0.5, "d": 0.0})

    assert hopeless(parent, runs_of({"a": 0.0, "b": 0.0}), Judging()) == (
        "it cannot beat its parent any more: at most 0.500 after 2 of 4 runs, more than 0.625 is needed"
    )
    assert hopeless(parent, runs_of({"a": 0.0, "b": 0.0}), Judging(racing=False)) == ""


def test_a_noisy_candidate_far_behind_is_stopped_before_it_cannot_win() -> None:
    parent, losing = binary(20), runs_of(dict.fromkeys(THIRTY, 0.0))

    after = [n for n in range(31) if hopeless(evaluation(parent), losing[:n], Judging(), noisy=True)]
    certain = [n for n in range(31) if hopeless(evaluation(parent), losing[:n], Judging())]

    assert (after[0], certain[0]) == (3, 10)
    assert hopeless(evaluation(parent), losing[:3], Judging(), noisy=True) == (
        "it fell too far behind its parent: 0.0 against 3.0 points after 3 of 30 runs"
    )


def test_a_candidate_as_good_as_its_parent_is_seldom_stopped_for_being_behind() -> None:
    rng = random.Random(11)
    stopped = {0.05: 0, 0.2: 0}
    for _ in range(150):
        rate = rng.random()
        parent, child = ({task: float(rng.random() < rate) for task in THIRTY} for _ in range(2))
        for error in stopped:
            settings = Judging(racing_error=error)
            said = [hopeless(evaluation(parent), runs_of(child)[:n], settings, noisy=True) for n in range(31)]
            stopped[error] += any("too far behind" in each for each in said)

    assert stopped[0.05] <= 0.05 * 150
    assert stopped[0.2] <= 0.2 * 150
    assert stopped[0.2] > stopped[0.05]


def test_where_nothing_is_tested_again_only_certainty_stops_a_candidate() -> None:
    losing = runs_of(dict.fromkeys(THIRTY, 0.0))[:8]

    assert hopeless(evaluation(binary(20)), losing, Judging(rule=KeepRule.ONCE), noisy=True) == ""
