"""Claims about labels: do they agree with themselves, does a placebo do nothing, and do they foretell
gains?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from honing.stats import mean_interval
from honing.teach.prediction.figures import order_figures
from honing.teach.snapshot import Route, Snapshot
from honing.teach.verdicts.base import Claim, Finding, Verdict, above
from honing.teach.verdicts.wording import claim

Json = Any

RELIABLE = 0.5
"""Rank correlation of a label with itself from which single snapshots can be told apart."""
SMALL = 0.1
"""A change of success that a placebo may make at most."""


def label_claims(snapshots: Sequence[Snapshot]) -> list[Claim]:
    """Reliability of L_local and ELP_net, the placebo control, and what patches do beyond it."""
    if not snapshots:
        return []
    placebo = _mean(snapshots, lambda one: one.cpt.p["placebo"].p - one.cpt.p["base"].p if one.cpt else None)
    reach = max(abs(placebo.low or 0.0), abs(placebo.high or 0.0))
    harmless = Verdict.SUPPORTED if reach < SMALL else Verdict.NOT_DECIDED
    if (
        placebo.low is not None
        and placebo.high is not None
        and (placebo.low > SMALL or placebo.high < -SMALL)
    ):
        harmless = Verdict.NOT_SUPPORTED
    return [
        _reliability(
            "L_local",
            [(one.leverage.L_local, one.leverage.L_local_retest) for one in snapshots if one.leverage],
        ),
        _reliability("ELP_net", [(one.cpt.ELP_net, one.cpt.ELP_net_retest) for one in snapshots if one.cpt]),
        claim(
            "placebo_control",
            "labels",
            (
                f"A placebo in context changes success by less than {SMALL:g}.",
                "success with the placebo minus without",
            ),
            placebo,
            harmless,
        ),
        *(_patch(snapshots, route) for route in Route),
    ]


def validation_claims(correlation: Mapping[str, Json] | None) -> list[Claim]:
    """What micro-training says of ELP_net, in the setting that decides."""
    settings = (correlation or {}).get("settings", {})
    label = next((name for name, one in settings.items() if one.get("decides")), "")
    setting: Mapping[str, Json] = settings.get(label, {})
    same = setting.get("same", {})
    steps = f"{setting['n_steps']} steps at {setting['learning_rate']:g}" if setting else "no setting"
    rho = Finding.of(same.get("rho"), "Spearman, bootstrap interval")
    partial = Finding.of(
        same.get("partial_given_L_local"), "partial Spearman given L_local, bootstrap interval"
    )
    first_less_second = Finding.of(same.get("Q1_minus_Q2"), "difference of means, unpaired")
    by_construction = "L_local comes from the same snapshots, so a part of it is by construction"
    return [
        claim(
            "cpt_foretells",
            "validation",
            (
                f"ELP_net foretells the gain of micro-training, rho at least 0.3 ({steps}).",
                "rank correlation",
            ),
            rho,
            above(rho, 0.3),
            note=f"setting '{label}' decides" if label else "",
        ),
        claim(
            "cpt_adds_to_L",
            "validation",
            (f"ELP_net foretells gains beyond what L_local does ({steps}).", "partial rank correlation"),
            partial,
            above(partial, margin=0.1),
        ),
        claim(
            "micro_q1_over_q2",
            "validation",
            (f"Micro-training gains more on Q1 than on Q2 ({steps}).", "difference of mean gains"),
            first_less_second,
            above(first_less_second),
            note=by_construction,
        ),
    ]


def _reliability(name: str, pairs: Sequence[tuple[float, float | None]]) -> Claim:
    kept = [(first, second) for first, second in pairs if second is not None]
    order = order_figures(kept)
    found = Finding(
        effect=order["spearman"],
        low=order.get("spearman_low"),
        high=order.get("spearman_high"),
        n=len(kept),
        test="Spearman with a retest",
    )
    return claim(
        f"reliable_{name}",
        "labels",
        (
            f"{name} agrees with itself when measured again, rho at least {RELIABLE:g}.",
            "retest correlation",
        ),
        found,
        above(found, RELIABLE),
        note=order.get("note", ""),
    )


def _patch(snapshots: Sequence[Snapshot], route: Route) -> Claim:
    found = _mean(snapshots, lambda one: one.cpt.delta_net[route] if one.cpt else None)
    return claim(
        f"patch_{route.value}_over_placebo",
        "labels",
        (
            f"A {route.value} in context raises success above a placebo's.",
            f"success with the {route.value} minus with the placebo",
        ),
        found,
        above(found),
        note="in every quadrant together",
    )


def _mean(snapshots: Sequence[Snapshot], value: Callable[[Snapshot], float | None]) -> Finding:
    pairs = [(found, one.task_hash) for one in snapshots if (found := value(one)) is not None]
    test = "mean over snapshots, interval over tasks"
    if not pairs:
        return Finding(test=test)
    interval = mean_interval(
        [found for found, _ in pairs], clusters=[task for _, task in pairs], bounds=(-1.0, 1.0)
    )
    return Finding(effect=interval.estimate, low=interval.low, high=interval.high, n=interval.n, test=test)
