"""Every way to choose keeps the same promises; each then has its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from honing.environments import ScriptedWorld
from honing.errors import StudyError, UsageError
from honing.teach.selecting.allocation import Evidence, UniformAllocator, allocate
from honing.teach.selecting.base import Pool, SelectionMethod
from honing.teach.selecting.budget import budget_of
from honing.teach.selecting.registry import METHODS, method_named
from honing.teach.study_spec import SelectionSpec
from teach_made_up import labelled_snapshots

SNAPSHOTS = tuple(sorted(labelled_snapshots(40), key=lambda one: one.id))
POOL = Pool(
    snapshots=SNAPSHOTS,
    budget=10,
    seed=0,
    kind=ScriptedWorld().kind,
    scores={
        "predictor": {one.id: -float(number) for number, one in enumerate(SNAPSHOTS)},
        "one_flip": {one.id: float(number % 4 == 0) for number, one in enumerate(SNAPSHOTS)},
        "influence": {one.id: float(number) for number, one in enumerate(SNAPSHOTS)},
    },
)
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def payoff(name: str) -> float:
    cpt = next(one for one in SNAPSHOTS if one.id == name).cpt
    assert cpt is not None
    return cpt.ELP_net


@every_method
def test_a_method_spends_its_budget_on_different_snapshots_of_the_pool(method: SelectionMethod) -> None:
    found = method.choose(POOL)

    assert len(found) == len(set(found)) == 10
    assert set(found) <= {one.id for one in SNAPSHOTS}
    assert method.choose(POOL) == found


@every_method
def test_the_order_of_the_pool_means_nothing(method: SelectionMethod) -> None:
    backwards = replace(POOL, snapshots=tuple(reversed(SNAPSHOTS)))

    assert method.choose(backwards) == method.choose(POOL)


@every_method
def test_a_method_has_its_own_name_and_says_what_it_takes(method: SelectionMethod) -> None:
    assert method_named(method.name) is method
    assert method.about


def test_a_study_names_every_method_by_default() -> None:
    assert set(SelectionSpec().methods) == set(METHODS)


def test_an_unknown_method_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no 'magic'\. There are random, random_same_kind"):
        method_named("magic")


def test_the_oracle_takes_the_highest_true_payoff() -> None:
    chosen = {payoff(name) for name in METHODS["oracle"].choose(POOL)}
    left = {payoff(one.id) for one in SNAPSHOTS} - chosen

    assert min(chosen) >= max(left)


def test_entropy_takes_the_least_sure() -> None:
    found = METHODS["entropy"].choose(POOL)
    wanted = sorted(SNAPSHOTS, key=lambda one: -one.uncertainty.entropy if one.uncertainty else 0.0)

    assert found == tuple(one.id for one in wanted[:10])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("predictor", SNAPSHOTS[:10]), ("influence", SNAPSHOTS[:-11:-1])],
    ids=["prediction", "influence"],
)
def test_scores_decide(name: str, wanted: tuple[object, ...]) -> None:
    assert METHODS[name].choose(POOL) == tuple(one.id for one in wanted)  # type: ignore[attr-defined]


def test_what_a_forced_rollout_flipped_comes_first() -> None:
    flipped = {one.id for one in SNAPSHOTS[::4]}

    assert set(METHODS["one_flip"].choose(replace(POOL, budget=12))[:10]) == flipped


def test_the_control_teaches_the_kinds_of_action_that_the_oracle_teaches() -> None:
    pool = replace(POOL, kind=lambda action: action.split()[2])
    by_id = {one.id: one for one in SNAPSHOTS}

    oracle, control = (METHODS[name].choose(pool) for name in ("oracle", "random_same_kind"))

    count = [Counter(pool.taught_kind(by_id[name]) for name in names) for names in (oracle, control)]
    assert count[0] == count[1]
    assert len(count[0]) > 1
    assert set(oracle) != set(control)


def test_chance_follows_the_seed() -> None:
    first = METHODS["random"].choose(POOL)

    assert METHODS["random"].choose(replace(POOL, seed=1)) != first


def test_a_snapshot_without_a_score_comes_last() -> None:
    few = {one.id: 1.0 for one in SNAPSHOTS[5:8]}
    pool = replace(POOL, scores={"predictor": few})

    assert set(METHODS["predictor"].choose(pool)[:3]) == set(few)


def test_a_cap_limits_every_fact() -> None:
    facts = {one.id: Counter(one.the_task().tags) for one in SNAPSHOTS}
    free, capped = (
        METHODS["random"].choose(pool)
        for pool in (replace(POOL, budget=30), replace(POOL, budget=30, cap_per_fact=3))
    )

    assert max(sum((facts[name] for name in free), Counter()).values()) > 3
    assert max(sum((facts[name] for name in capped), Counter()).values()) == 3


def test_a_method_that_measured_nothing_names_the_phase_that_does() -> None:
    with pytest.raises(StudyError, match=r"Selection by 'influence' has no scores.*hone teach select"):
        METHODS["influence"].choose(replace(POOL, scores={}))


@pytest.mark.parametrize(
    ("asked", "pool", "budget"), [(None, 41, 10), (None, 3, 1), (7, 8, 7)], ids=["quarter", "one", "given"]
)
def test_a_budget_is_a_quarter_unless_given(asked: int | None, pool: int, budget: int) -> None:
    assert budget_of(asked, pool) == budget


@pytest.mark.parametrize(("asked", "pool"), [(8, 8), (9, 8), (None, 1)])
def test_a_budget_as_large_as_the_pool_is_a_usage_error(asked: int | None, pool: int) -> None:
    with pytest.raises(UsageError, match=rf"must be smaller than the pool of {pool}") as raised:
        budget_of(asked, pool)

    assert raised.value.exit_code == 2


def test_uniform_allocation_measures_everything_equally_often() -> None:
    payoffs = {name: [0.0, 1.0, 1.0] for name in "abcd"}

    order = allocate(UniformAllocator(seed=0), "abcd", payoffs)

    assert [Counter(order[:number]) for number in (4, 8, 12)] == [
        Counter(dict.fromkeys("abcd", times)) for times in (1, 2, 3)
    ]
    assert allocate(UniformAllocator(seed=1), "abcd", payoffs) != order


def test_allocation_among_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no snapshot to measure"):
        UniformAllocator().next({})


def test_an_allocator_is_shown_what_was_measured() -> None:
    seen: list[dict[str, Evidence]] = []

    class Watching:
        def next(self, evidence: dict[str, Evidence]) -> str:
            seen.append(dict(evidence))
            return min(evidence)

    allocate(Watching(), "ab", {"a": [1.0, 0.0], "b": [0.5]})  # type: ignore[arg-type]

    assert seen == [
        {"a": Evidence(), "b": Evidence()},
        {"a": Evidence(n=1, mean=1.0), "b": Evidence()},
        {"b": Evidence()},
    ]
