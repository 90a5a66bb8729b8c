from __future__ import annotations

import math

import numpy as np
import pytest

from honing.stats import (
    Comparison,
    Elimination,
    Method,
    RaceState,
    Verdict,
    anytime_interval,
    first_shortfall,
    mean_interval,
    paired_difference,
    race,
    retest,
    retest_level,
    sequential_comparison,
)


def coin(rate: float, n: int, seed: int) -> list[float]:
    return (np.random.default_rng(seed).random(n) < rate).astype(float).tolist()


def betting_capital(shares: list[float], mean: float, tail: float) -> list[float]:
    """Waudby-Smith and Ramdas 2024, equation 26, written as a loop."""
    capital, trail, total, squares = 1.0, [], 0.5, 0.25
    variance = 0.25
    for t, share in enumerate(shares, start=1):
        stake = math.sqrt(2 * math.log(1 / tail) / (variance * t * math.log(t + 1)))
        capital *= 1 + min(stake, 0.75 / mean) * (share - mean)
        trail.append(capital)
        total += share
        squares += (share - total / (t + 1)) ** 2
        variance = squares / (t + 1)
    return trail


def test_the_limits_are_where_the_bettors_capital_reaches_its_mark() -> None:
    shares = np.random.default_rng(3).beta(2, 3, size=120).tolist()

    found = anytime_interval(shares, bounds=(0.0, 1.0))

    mirrored = [1 - share for share in shares]
    assert (
        max(betting_capital(shares, found.low - 1e-6, 0.025))
        > 40
        > max(betting_capital(shares, found.low + 1e-6, 0.025))
    )
    assert (
        max(betting_capital(mirrored, 1 - found.high - 1e-6, 0.025))
        > 40
        > max(betting_capital(mirrored, 1 - found.high + 1e-6, 0.025))
    )
    assert (found.method, found.n, found.estimate) == (Method.BETTING, 120, pytest.approx(np.mean(shares)))


def test_an_anytime_interval_mirrors_scales_and_costs_some_width() -> None:
    values = np.random.default_rng(5).beta(1, 2, size=300).tolist()

    found = anytime_interval(values, bounds=(0.0, 1.0))
    mirrored = anytime_interval([1 - v for v in values], bounds=(0.0, 1.0))
    scaled = anytime_interval([10 * v - 5 for v in values], bounds=(-5.0, 5.0))

    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-6)
    assert (scaled.low, scaled.high) == pytest.approx((10 * found.low - 5, 10 * found.high - 5), abs=1e-5)
    fixed = mean_interval(values, bounds=(0.0, 1.0))
    assert fixed.half_width < found.half_width < 2.2 * fixed.half_width


def test_an_anytime_interval_never_widens_as_values_arrive() -> None:
    values = coin(0.3, 200, 1)

    widths = [anytime_interval(values[:n], bounds=(0.0, 1.0)) for n in (1, 20, 60, 200)]

    assert (widths[0].low, widths[0].high) == pytest.approx((0.0, 1.0), abs=0.05)
    assert [i.high for i in widths] == sorted((i.high for i in widths), reverse=True)


def test_a_clear_gain_is_found_early_and_the_verdict_stays() -> None:
    a, b = coin(0.8, 400, 1), coin(0.4, 400, 2)

    whole = sequential_comparison(a, b, bounds=(0.0, 1.0))
    after = whole.decided_after
    assert after is not None
    at, before = (sequential_comparison(a[:n], b[:n], bounds=(0.0, 1.0)) for n in (after, after - 1))

    assert (whole.verdict, at.verdict, before.verdict) == (Verdict.BETTER, Verdict.BETTER, Verdict.UNDECIDED)
    assert (at.decided_after, before.decided_after) == (after, None)
    assert 5 < after < 120
    assert whole.difference.low > 0.0


def test_swapping_the_arms_swaps_the_verdict() -> None:
    a, b = coin(0.8, 200, 1), coin(0.4, 200, 2)

    one, other = (
        sequential_comparison(a, b, bounds=(0.0, 1.0)),
        sequential_comparison(b, a, bounds=(0.0, 1.0)),
    )

    assert (one.verdict, other.verdict) == (Verdict.BETTER, Verdict.NOT_BETTER)
    assert one.decided_after == other.decided_after
    assert (one.difference.low, one.difference.high) == pytest.approx(
        (-other.difference.high, -other.difference.low), abs=1e-6
    )


def test_the_quick_question_has_the_answer_of_the_whole_comparison() -> None:
    worse, better = coin(0.4, 400, 2), coin(0.8, 400, 1)

    whole = sequential_comparison(worse, better, bounds=(0.0, 1.0))
    wide = sequential_comparison(better, worse, bounds=(0.0, 1.0), margin=0.9)

    assert (whole.verdict, wide.verdict) == (Verdict.NOT_BETTER, Verdict.NOT_BETTER)
    assert first_shortfall(worse, better, bounds=(0.0, 1.0), error=0.025) == whole.decided_after
    assert first_shortfall(better, worse, bounds=(0.0, 1.0), error=0.025) is None
    assert first_shortfall(better, worse, bounds=(0.0, 1.0), margin=0.9, error=0.025) == wide.decided_after


def test_a_gain_smaller_than_the_margin_is_not_better() -> None:
    a, b = [0.55] * 300, [0.5] * 300

    found = sequential_comparison(a, b, bounds=(0.0, 1.0), margin=0.2)

    assert (found.verdict, found.difference.estimate) == (Verdict.NOT_BETTER, pytest.approx(0.05))
    assert sequential_comparison(a, b, bounds=(0.0, 1.0)).verdict is Verdict.BETTER


def test_looking_after_every_pair_seldom_finds_what_is_not_there() -> None:
    rng = np.random.default_rng(9)
    wrong = {"anytime": 0, "repeated intervals": 0}
    for _ in range(500):
        a, b = (rng.random((2, 150)) < 0.5).astype(float).tolist()
        wrong["anytime"] += sequential_comparison(a, b, bounds=(0.0, 1.0)).verdict is not Verdict.UNDECIDED
        looks = (paired_difference(a[:n], b[:n]) for n in range(10, 151, 10))
        wrong["repeated intervals"] += any(not i.contains(0.0) for i in looks)

    # Peeking at ordinary intervals errs far more often than they say; the anytime verdict does not.
    assert wrong["anytime"] <= 0.05 * 500
    assert wrong["repeated intervals"] >= 0.12 * 500


def test_a_race_keeps_the_best_and_drops_the_worst_first() -> None:
    scores = {"base": coin(0.4, 400, 1), "worst": coin(0.1, 400, 2), "best": coin(0.75, 400, 3)}

    found = race(scores, bounds=(0.0, 1.0))

    assert (found.alive, found.leader, found.decided) == (("best",), "best", True)
    assert [e.arm for e in found.eliminated] == ["worst", "base"]
    assert [e.beaten_by for e in found.eliminated] == ["best", "best"]
    assert 5 < found.eliminated[0].after < found.eliminated[1].after < 200


def test_scores_that_came_after_an_arm_left_change_nothing() -> None:
    scores = {"base": coin(0.4, 400, 1), "worst": coin(0.1, 400, 2), "best": coin(0.75, 400, 3)}
    whole = race(scores, bounds=(0.0, 1.0))

    stopped = {
        arm: scores[arm][: next((e.after for e in whole.eliminated if e.arm == arm), 400)] for arm in scores
    }

    assert race(stopped, bounds=(0.0, 1.0)) == whole


def test_an_arm_that_left_eliminates_nobody_however_well_it_does_later() -> None:
    steady = [1.0] * 10 + [0.0] * 400
    late = [0.0] * 10 + [1.0] * 400
    assert sequential_comparison(late, steady, bounds=(0.0, 1.0)).difference.low > 0.0

    found = race({"first": steady, "late": late, "second": steady}, bounds=(0.0, 1.0))

    assert (found.alive, [e.arm for e in found.eliminated]) == (("first", "second"), ["late"])
    assert found.eliminated[0].after <= 10


def test_equal_arms_all_stay_and_the_first_leads() -> None:
    scores = {"a": [0.5] * 50, "b": [0.5] * 50}

    assert race(scores, bounds=(0.0, 1.0)) == RaceState(("a", "b"), (), "a")
    assert race({"alone": [0.1]}, bounds=(0.0, 1.0)).decided


def test_more_arms_need_more_evidence() -> None:
    good, bad = coin(0.7, 300, 1), coin(0.4, 300, 2)
    filler = {f"x{i}": good for i in range(20)}

    few, many = (
        race({"good": good, "bad": bad}, bounds=(0.0, 1.0)),
        race({"good": good, "bad": bad, **filler}, bounds=(0.0, 1.0)),
    )

    (early,), (late,) = few.eliminated, many.eliminated
    assert early.after < late.after
    assert (early, late.arm) == (Elimination("bad", "good", early.after), "bad")


def test_a_lucky_gain_does_not_survive_fresh_episodes_and_a_real_one_does() -> None:
    # Seven tasks in three hundred in favour, which is well within luck.
    same_a, same_b = [1.0, 0.0] * 146 + [1.0] * 8, [0.0, 1.0] * 146 + [1.0] + [0.0] * 7
    better = coin(0.8, 300, 3)

    lucky, real = retest(0.2, same_a, same_b), retest(0.3, better, same_b)

    assert (lucky.kept, real.kept) == (False, True)
    assert lucky.difference.estimate == pytest.approx(7 / 300)
    assert lucky.difference == paired_difference(same_a, same_b)
    assert lucky.optimism == 0.2 - lucky.difference.estimate
    assert not retest(0.3, better, same_b, margin=0.3).kept


def test_the_levels_of_all_retests_together_spend_the_error_once() -> None:
    errors = [1 - retest_level(attempt) for attempt in range(1, 20_001)]

    assert errors[0] == pytest.approx(0.05 * 6 / math.pi**2)
    assert errors == sorted(errors, reverse=True)
    assert sum(errors) == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: anytime_interval([], bounds=(0.0, 1.0)), "values: n = 0"),
        (lambda: anytime_interval([1.5], bounds=(0.0, 1.0)), r"within the bounds \(0.0, 1.0\)"),
        (lambda: anytime_interval([0.5], bounds=(1.0, 1.0)), "the smaller first"),
        (lambda: anytime_interval([math.nan], bounds=(0.0, 1.0)), "finite number, got nan"),
        (lambda: sequential_comparison([1.0], [1.0, 0.0], bounds=(0.0, 1.0)), "got 1 and 2 values"),
        (lambda: sequential_comparison([1.0], [1.0], bounds=(0, 1), margin=1.0), "margin: must lie strictly"),
        (lambda: first_shortfall([1.0], [1.0], bounds=(0, 1), margin=1.0), "margin: must lie strictly"),
        (lambda: first_shortfall([1.0], [1.0], bounds=(0, 1), error=1.0), "error: must lie strictly"),
        (lambda: race({}, bounds=(0.0, 1.0)), "need at least one arm"),
        (lambda: race({"a": [0.5], "b": []}, bounds=(0.0, 1.0)), r"scores\['b'\]: n = 0"),
        (lambda: race({"a": [2.0]}, bounds=(0.0, 1.0)), "must lie within the bounds"),
        (lambda: retest_level(0), "attempt: counts from 1, got 0"),
    ],
    ids=[
        "none", "out of bounds", "no range", "NaN", "lengths", "margin", "quick margin", "quick error",
        "no arm", "empty arm", "arm out of bounds", "attempt",
    ],
)  # fmt: skip
def test_what_cannot_be_raced_is_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


def test_a_comparison_is_the_same_when_run_again() -> None:
    a, b = coin(0.6, 80, 1), coin(0.5, 80, 2)

    first = sequential_comparison(a, b, bounds=(0.0, 1.0))

    assert isinstance(first, Comparison)
    assert repr(first) == repr(sequential_comparison(a, b, bounds=(0.0, 1.0)))
