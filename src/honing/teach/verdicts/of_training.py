"""Claims of phase 1A: where training pays, by which format, and at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.stats import holm, mean_interval, permutation, unpaired_difference
from honing.teach.snapshot import Quadrant
from honing.teach.verdicts.base import WORTH, Claim, Finding, Verdict, above
from honing.teach.verdicts.episodes import BASE, SNAPSHOTS, TASKS, Episodes
from honing.teach.verdicts.testing import DECIDING_RUN, DROP_MOST, LEVEL, formats_differ
from honing.teach.verdicts.wording import claim

Json = Any

TOPIC = "phase 1A"
LOST = 0.1
"""Gain below which a quadrant's snapshots are largely lost causes."""


def training_claims(episodes: Episodes, evaluation: Mapping[str, Json] | None) -> list[Claim]:
    """The four deliverables of phase 1A, and success above the base."""
    above_base = episodes.compared(DECIDING_RUN, BASE, TASKS)
    return [
        claim(
            "success_above_base",
            TOPIC,
            (
                f"Training on failures ({DECIDING_RUN}) solves more held-out tasks than the base.",
                "difference of success",
            ),
            above_base,
            above(above_base),
        ),
        _q1_gains_most(episodes),
        _q1_gains_most_on_tasks(episodes),
        _q2_is_lost(episodes),
        _format_depends(episodes),
        _frontier(episodes, evaluation),
    ]


def _own_gains(episodes: Episodes, quadrant: Quadrant) -> list[tuple[str, float]]:
    """Task and gain at each held-out snapshot of a quadrant, trained on that quadrant, mean over formats."""
    runs = episodes.trained_on(quadrant.value)
    return list(episodes.gains(runs, SNAPSHOTS, quadrant.value).values())


def _q1_gains_most(episodes: Episodes) -> Claim:
    first = [gain for _, gain in _own_gains(episodes, Quadrant.Q1)]
    others = [
        gain
        for quadrant in (Quadrant.Q2, Quadrant.Q3, Quadrant.Q4)
        for _, gain in _own_gains(episodes, quadrant)
    ]
    test = "difference of mean gains, unpaired, permutation p"
    found = Finding(test=test)
    if len(first) > 1 and len(others) > 1:
        interval = unpaired_difference(first, others, bounds=(-1.0, 1.0))
        found = Finding(
            effect=interval.estimate,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            p=permutation(first, others, resamples=1999).p_value,
            test=test,
        )
    return claim(
        "q1_gains_most",
        TOPIC,
        (
            "Q1 is where supervision gains most, on held-out snapshots of the quadrant that was trained on.",
            "gain on Q1 minus mean gain on the other quadrants",
        ),
        found,
        above(found),
        note="quadrants are labelled by leverage: snapshots that one action saves gain more by construction",
    )


def _q1_gains_most_on_tasks(episodes: Episodes) -> Claim:
    """The same on tasks that no label touched."""
    first = episodes.gains(episodes.trained_on(Quadrant.Q1.value), TASKS)
    others = episodes.gains(
        [
            run
            for quadrant in (Quadrant.Q2, Quadrant.Q3, Quadrant.Q4)
            for run in episodes.trained_on(quadrant.value)
        ],
        TASKS,
    )
    found = _paired({place: (first[place][1], others[place][1]) for place in first.keys() & others.keys()})
    return claim(
        "q1_gains_most_on_tasks",
        TOPIC,
        (
            "Training on Q1 gains more on held-out tasks than training on the other quadrants.",
            "difference of mean gains",
        ),
        found,
        above(found),
    )


def _q2_is_lost(episodes: Episodes) -> Claim:
    gains = _own_gains(episodes, Quadrant.Q2)
    test = "mean of paired gains, interval over tasks"
    found, verdict = Finding(test=test), Verdict.NOT_DECIDED
    if len({task for task, _ in gains}) > 1:
        interval = mean_interval(
            [gain for _, gain in gains], clusters=[task for task, _ in gains], bounds=(-1.0, 1.0)
        )
        found = Finding(
            effect=interval.estimate, low=interval.low, high=interval.high, n=interval.n, test=test
        )
        verdict = Verdict.SUPPORTED if interval.high < LOST else Verdict.NOT_DECIDED
        verdict = Verdict.NOT_SUPPORTED if interval.low > LOST else verdict
    return claim(
        "q2_largely_lost",
        TOPIC,
        (
            f"Q2 is largely lost: training on it gains less than {LOST:g} on its own held-out snapshots.",
            "gain",
        ),
        found,
        verdict,
    )


def _format_depends(episodes: Episodes) -> Claim:
    answer = formats_differ(episodes)
    return claim(
        "best_format_depends",
        TOPIC,
        (
            "The best format of supervision depends on the quadrant.",
            "quadrants where another format beats demo beyond chance",
        ),
        answer.found,
        answer.verdict,
        note=answer.note,
    )


def _frontier(episodes: Episodes, evaluation: Mapping[str, Json] | None) -> Claim:
    """Is there a run that gains beyond chance, all runs tested together, and forgets little?"""
    drops = {
        run: row["retention_drop"]
        for run, row in (evaluation or {}).get("runs", {}).items()
        if row.get("retention_drop") is not None
    }
    found = {run: episodes.compared(run, BASE, TASKS) for run in sorted(drops)}
    found = {run: one for run, one in found.items() if one.p is not None}
    adjusted = dict(zip(found, holm([one.p or 0.0 for one in found.values()]), strict=True))
    good = [
        run
        for run, one in found.items()
        if (one.effect or 0.0) > 0 and adjusted[run] < LEVEL and drops[run]["estimate"] < DROP_MOST
    ]
    best = max(good or found, key=lambda run: found[run].effect or 0.0, default="")
    verdict = Verdict.SUPPORTED if good else Verdict.NOT_DECIDED
    if found and not good and all((one.high or 0.0) < WORTH for one in found.values()):
        verdict = Verdict.NOT_SUPPORTED
    shown = found.get(best, Finding(test="paired difference, McNemar exact"))
    test = f"{shown.test}, Holm over {len(found)} runs" if found else shown.test
    return claim(
        "reliability_retention_frontier",
        TOPIC,
        (
            "There is gain without forgetting: some run gains beyond chance and loses less than "
            f"{DROP_MOST:.0%} of the tasks that the base solves.",
            f"gain of {best or 'the best run'}",
        ),
        Finding(
            effect=shown.effect,
            low=shown.low,
            high=shown.high,
            n=shown.n,
            p=adjusted.get(best),
            test=test,
        ),
        verdict,
        note=f"runs that do: {', '.join(good) or 'none'}; on the frontier: {', '.join(_front(found, drops))}"
        if found
        else "",
    )


def _front(found: Mapping[str, Finding], drops: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """Runs that no other beats in gain and in drop at once."""
    points = {run: (one.effect or 0.0, drops[run]["estimate"]) for run, one in found.items()}
    return [
        run
        for run, (gain, drop) in points.items()
        if not any(
            (other_gain, -other_drop) != (gain, -drop) and other_gain >= gain and other_drop <= drop
            for other_gain, other_drop in points.values()
        )
    ]


def _paired(pairs: Mapping[str, tuple[float, float]]) -> Finding:
    test = "paired difference over tasks"
    if len(pairs) < 2:
        return Finding(test=test)
    differences: Sequence[float] = [a - b for _, (a, b) in sorted(pairs.items())]
    interval = mean_interval(differences, bounds=(-2.0, 2.0))
    return Finding(effect=interval.estimate, low=interval.low, high=interval.high, n=interval.n, test=test)
