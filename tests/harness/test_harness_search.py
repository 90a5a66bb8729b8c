from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from searched_candidates import baseline, choose, discarded, evaluation, failed, kept, merged

from honing.errors import UsageError
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.search.base import View
from honing.harness.search.frontier import Frontier
from honing.harness.search.islands import Islands
from honing.harness.search.pairs import common_ancestor
from honing.harness.search.registry import SEARCH_NAMES, search_named
from honing.harness.search.restarts import Restarts

START = baseline({"a": 1.0, "b": 0.0, "c": 0.0})
CLIMB = [
    START,
    kept(1, "c0000", {"a": 1.0, "b": 0.5, "c": 0.0}),
    failed(2, "c0001", Outcome.CRASH),
    kept(3, "c0001", {"a": 1.0, "b": 1.0, "c": 0.0}),
    discarded(4, "c0003", {"a": 0.0, "b": 0.0, "c": 1.0}),
    failed(5, "c0003", Outcome.SCOPE_VIOLATION),
]


def grown(search_name: str, seed: int, slots: int = 60) -> list[Candidate]:
    """A run of a search on scores drawn by chance."""
    search, rng = search_named(search_name), random.Random(seed)
    found = [baseline({task: rng.random() for task in "abcd"})]
    for slot in range(1, slots + 1):
        view = View(arm=Arm.SEARCH, slot=slot, slots=slots, candidates=tuple(found))
        choice = search.choose(view, random.Random(f"{seed}/{slot}"))
        parent = next(each for each in found if each.id == choice.parents[0])
        scores = {task: rng.random() for task in "abcd"}
        made = discarded(slot, parent.id, scores)
        better = (made.score or 0.0) > (parent.score or 0.0)
        made = replace(
            made,
            parents=choice.parents,
            outcome=Outcome.KEEP if better else Outcome.DISCARD,
            note=choice.note,
        )
        found.append(made if rng.random() < 0.8 else failed(slot, parent.id, Outcome.TIMEOUT))
    return found


@pytest.mark.parametrize("name", SEARCH_NAMES)
def test_a_search_chooses_what_it_may_see_and_the_same_again(name: str) -> None:
    for seed in range(5):
        found = grown(name, seed)
        trees = {each.id for each in found if each.tree is not None}
        for slot in range(1, len(found)):
            view = View(arm=Arm.SEARCH, slot=slot, slots=60, candidates=tuple(found[:slot]))
            # A search of its own: a resumed run has not seen the earlier slots.
            choice = search_named(name).choose(view, random.Random(f"{seed}/{slot}"))

            assert choice == search_named(name).choose(view, random.Random(f"{seed}/{slot}"))
            assert set(choice.parents) <= trees & {each.id for each in found[:slot]}
            assert len(choice.parents) == (2 if choice.merge else 1)
            assert choice.note


@pytest.mark.parametrize("name", SEARCH_NAMES)
def test_a_search_stands_for_the_highest_score_that_was_kept_and_for_the_earlier_of_equals(name: str) -> None:
    search = search_named(name)
    twins = [
        START,
        kept(1, "c0000", {"a": 1.0, "b": 0.5, "c": 0.0}),
        kept(2, "c0000", {"a": 1.0, "b": 0.5, "c": 0}),
    ]

    assert search.best(CLIMB).id == "c0003"
    assert search.best(twins).id == "c0001"
    assert search.best([START, discarded(1, "c0000", {"a": 1.0, "b": 1.0, "c": 1.0})]).id == "c0000"


def test_greedy_goes_on_from_the_best_kept_so_far() -> None:
    choices = [choose(search_named("greedy"), CLIMB[:n]) for n in range(1, len(CLIMB) + 1)]

    assert [choice.parents for choice in choices] == [
        ("c0000",), ("c0001",), ("c0001",), ("c0003",), ("c0003",), ("c0003",),
    ]  # fmt: skip
    assert choices[-1].note == "best kept so far (0.667)"


def test_a_child_that_beat_its_parent_stays_ahead_of_it_whatever_luck_the_parent_had() -> None:
    lucky = kept(1, "c0000", {"a": 1.0}, estimate=0.9)
    child = kept(2, "c0001", {"a": 0.8}, estimate=0.7)
    cousin = kept(3, "c0000", {"a": 1.0}, estimate=0.6)

    assert choose(search_named("greedy"), [baseline(), lucky, child, cousin]).parents == ("c0002",)


def test_what_fresh_seeds_say_counts_and_not_what_led_to_the_selection() -> None:
    lucky, steady = kept(1, "c0000", {"a": 1.0}, estimate=0.6), kept(2, "c0000", {"a": 0.8}, estimate=0.7)

    assert choose(search_named("greedy"), [baseline(), lucky, steady]).parents == ("c0002",)


def test_the_control_arm_always_starts_from_the_baseline() -> None:
    assert {choose(search_named("best_of_n"), CLIMB[:n]).parents for n in range(1, 7)} == {("c0000",)}


def test_a_climb_without_a_keep_for_long_starts_again_from_the_baseline() -> None:
    search = Restarts(restart_after=2)
    better = kept(6, "c0000", {"a": 1.0, "b": 0.2, "c": 0.0})

    assert [choose(search, CLIMB[:n]).parents[0] for n in range(1, 7)] == [
        "c0000", "c0001", "c0001", "c0003", "c0003", "c0000",
    ]  # fmt: skip
    assert choose(search, [*CLIMB, better]).parents == ("c0006",)
    assert search.best([*CLIMB, better]).id == "c0003"


def test_a_late_child_of_an_earlier_climb_does_not_join_the_new_one() -> None:
    late = kept(6, "c0003", {"a": 1.0, "b": 1.0, "c": 0.9})

    assert choose(Restarts(restart_after=2), [*CLIMB, late]).parents == ("c0000",)


def test_our_own_failures_do_not_end_a_climb() -> None:
    ours = [*CLIMB[:4], failed(4, "c0003", Outcome.INFRA_ERROR), failed(5, "c0003", Outcome.INFRA_ERROR)]

    assert choose(Restarts(restart_after=2), ours).parents == ("c0003",)


def test_islands_climb_by_themselves_and_look_at_their_neighbour_now_and_then() -> None:
    search = Islands(islands=2, migrate_every=3, merge=False)
    first = [
        START,
        kept(1, "c0000", {"a": 1.0, "b": 0.9, "c": 0.0}),
        kept(2, "c0000", {"a": 1.0, "b": 0.1, "c": 0}),
    ]

    assert choose(search, first, slot=3).parents == ("c0001",)
    assert choose(search, first, slot=4).parents == ("c0002",)
    assert choose(search, first, slot=7).parents == ("c0001",)
    assert choose(search, first, slot=8).parents == ("c0001",)
    assert choose(Islands(islands=2, migrate_every=0), first, slot=8).parents == ("c0002",)


def test_islands_join_bests_that_complement_one_another_once() -> None:
    search = Islands(islands=2, migrate_every=3)
    found = [
        START,
        kept(1, "c0000", {"a": 1.0, "b": 0.9, "c": 0.0}),
        kept(2, "c0000", {"a": 1.0, "b": 0.0, "c": 0.5}),
    ]

    joined = choose(search, found, slot=8)
    again = choose(search, [*found, merged(8, ("c0002", "c0001"), {"a": 1.0, "b": 0.0, "c": 0.0})], slot=14)

    assert (joined.parents, joined.merge) == (("c0002", "c0001"), True)
    assert (again.parents, again.merge) == (("c0001",), False)


def test_the_front_holds_whoever_is_ahead_at_a_task_with_discarded_ones() -> None:
    front = Frontier().front(CLIMB)

    # All but the last do equally well at a, and of them c0003 scores most; the last alone solves c.
    assert [(member.candidate.id, member.wins) for member in front] == [("c0003", 2), ("c0004", 1)]
    assert [member.candidate.id for member in Frontier(archive=False).front(CLIMB)] == ["c0003"]
    assert (Frontier().from_discarded, Frontier(archive=False).from_discarded) == (True, False)


def test_parents_are_drawn_as_often_as_they_win_tasks() -> None:
    search = Frontier(merge_share=0.0)
    drawn = Counter(choose(search, CLIMB, seed=seed).parents[0] for seed in range(3000))

    assert set(drawn) == {"c0003", "c0004"}
    # 2 to 1: expected 2000 of 3000, standard deviation 26.
    assert 1900 < drawn["c0003"] < 2100


def test_of_candidates_that_do_equally_well_at_a_task_the_cheaper_is_on_the_front_too() -> None:
    dear = kept(1, "c0000", {"a": 1.0, "b": 1.0, "c": 0.0})
    runs = [replace(run, score=replace(run.score, cost=2.0)) for run in dear.evaluation.runs]  # type: ignore[union-attr]
    dear = replace(dear, evaluation=replace(evaluation({}), runs=tuple(runs)))
    cheap = kept(2, "c0000", {"a": 0.0, "b": 1.0, "c": 0.0})

    def ids(*objectives: str) -> list[str]:
        return [member.candidate.id for member in Frontier(objectives=objectives).front([START, dear, cheap])]

    assert ids("score") == ["c0001"]
    assert ids("score", "cost") == ["c0001", "c0000", "c0002"]


def test_small_candidates_are_on_the_front_where_size_is_an_objective() -> None:
    large = replace(kept(1, "c0000", {"a": 1.0, "b": 1.0, "c": 0.0}), size_bytes=900)
    small = replace(discarded(2, "c0000", {"a": 0.0, "b": 1.0, "c": 0.0}), size_bytes=100)
    start = replace(START, size_bytes=500)

    def ids(*objectives: str) -> list[str]:
        return [each.candidate.id for each in Frontier(objectives=objectives).front([start, large, small])]

    assert ids("score", "cost") == ["c0001"]
    assert ids("score", "size") == ["c0001", "c0002", "c0000"]


def test_two_candidates_with_the_same_files_are_one_on_the_front() -> None:
    twin = replace(kept(6, "c0003", {"a": 1.0, "b": 1.0, "c": 0.0}), tree=CLIMB[3].tree)

    assert [member.candidate.id for member in Frontier().front([*CLIMB, twin])] == ["c0003", "c0004"]


def test_with_one_task_the_front_is_the_best_candidate() -> None:
    found = [baseline(), discarded(1, "c0000", {"a": 0.4}), kept(2, "c0000", {"a": 0.6})]

    assert {choose(Frontier(), found, seed=seed).parents for seed in range(20)} == {("c0002",)}


def test_nothing_that_was_stopped_early_is_on_the_front() -> None:
    stopped = discarded(6, "c0003", {"a": 1.0, "b": 1.0, "c": 1.0})
    stopped = replace(stopped, evaluation=replace(evaluation({"c": 1.0}), complete=False, stopped="a race"))

    assert [member.candidate.id for member in Frontier().front([*CLIMB, stopped])] == ["c0003", "c0004"]


def test_the_frontier_joins_two_that_solve_different_tasks_and_no_two_twice() -> None:
    always = Frontier(merge_share=1.0)
    other = discarded(6, "c0000", {"a": 0.0, "b": 0.0, "c": 1.0})
    front = [*CLIMB[:4], other]

    joined = choose(always, front)
    done = choose(always, [*front, merged(7, ("c0003", "c0006"), {"a": 0.0, "b": 0.0, "c": 0.0})])

    assert (joined.parents, joined.merge) == (("c0003", "c0006"), True)
    assert (len(done.parents), done.merge) == (1, False)
    assert not choose(Frontier(merge_share=0.0), front).merge


def test_a_candidate_is_not_joined_with_what_it_was_made_from() -> None:
    # c0004 was made from c0003, and each solves what the other does not.
    assert not any(choose(Frontier(merge_share=1.0), CLIMB, seed=seed).merge for seed in range(20))


def test_the_common_ancestor_is_the_last_that_both_come_from() -> None:
    cousin = kept(6, "c0001", {"a": 1.0, "b": 0.6, "c": 0.0})
    found = [*CLIMB, cousin]

    assert common_ancestor(found, CLIMB[4], cousin).id == "c0001"
    assert common_ancestor(found, cousin, START).id == "c0000"
    assert common_ancestor(found, CLIMB[4], CLIMB[3]).id == "c0003"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "annealing",
            {},
            "there is no 'annealing'; known are greedy, frontier, islands, restarts, best_of_n",
        ),
        ("islands", {"island": 3}, "'islands' takes islands, migrate_every, merge. Did you mean 'islands'?"),
        ("greedy", {"islands": 3}, "the search 'greedy' takes no options."),
        ("islands", {"islands": 0}, "search.options.islands: expected a whole number from 1, got 0."),
        ("islands", {"islands": True}, "expected a whole number from 1, got True"),
        ("islands", {"merge": 1}, "expected true or false, got 1"),
        ("restarts", {"restart_after": 2.5}, "expected a whole number from 1, got 2.5"),
        ("frontier", {"merge_share": 1.5}, "expected a number from 0 to 1, got 1.5"),
        ("frontier", {"objectives": ["speed"]}, "expected a list of score, cost and size, got"),
        ("frontier", {"objectives": [["score"]]}, "expected a list of score, cost and size, got"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_by_name(
    name: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        search_named(name, options)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "found"),
    [("hill-climb", "greedy"), ("best-of-n", "best_of_n"), ("frontier", "frontier")],
)
def test_names_of_the_predecessor_and_dashes_are_understood(name: str, found: str) -> None:
    assert search_named(name).name == found
