"""Claims about the predictor and about selection at equal budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.teach.verdicts.base import WORTH, Claim, Finding, Verdict, above
from honing.teach.verdicts.wording import claim

Json = Any

_OUT_OF_FOLD = "out of fold, paired bootstrap over tasks"
_SELECTIONS = (
    ("predictor", "entropy", "selection_predictor_over_entropy"),
    ("entropy", "random", "selection_entropy_over_random"),
    ("predictor", "random", "selection_predictor_over_random"),
    ("oracle", "random_same_kind", "same_kind_control_oracle"),
    ("predictor", "random_same_kind", "same_kind_control_predictor"),
)
_CONTROL = "where it does not hold, the gain is owed to which kinds of action are taught, not to ELP"


def predictor_claims(result: Mapping[str, Json] | None) -> list[Claim]:
    """NDCG and Precision above entropy's, and what cheap features tell without measures of uncertainty."""
    ranking = (result or {}).get("ranking", {})
    difference = ranking.get("differences", {}).get("predictor-entropy", {})
    found = {metric: Finding.of(difference.get(metric), _OUT_OF_FOLD) for metric in ("ndcg", "precision")}
    names = {"ndcg": "NDCG", "precision": "Precision"}
    return [
        *(
            claim(
                f"{metric}_above_entropy",
                "predictor",
                (
                    f"{names[metric]}@{ranking.get('k', 'k')} for true ELP_net is higher by predicted ELP "
                    "than by entropy.",
                    f"difference of {names[metric]}",
                ),
                found[metric],
                above(found[metric]),
            )
            for metric in found
        ),
        *(
            _r_squared(result, head, features)
            for head in ("U", "L_local", "ELP_net")
            for features in ("network", "network_without_uncertainty")
        ),
    ]


def selection_claims(summary: Mapping[str, Json] | None) -> list[Claim]:
    """Methods against each other, the control with the same kinds of action, and retention."""
    rows = {(row["first"], row["second"]): row for row in (summary or {}).get("comparisons", [])}
    found = []
    for first, second, name in _SELECTIONS:
        row = rows.get((first, second))
        finding = Finding.of(
            row, "paired difference, McNemar exact, Holm", p=None if row is None else row["p_holm"]
        )
        verdict = above(finding)
        if verdict is Verdict.SUPPORTED and (finding.p or 0.0) >= 0.05:
            verdict = Verdict.NOT_DECIDED
        found.append(
            claim(
                name,
                "selection",
                (
                    f"At equal budget, {first} gains more on held-out tasks than {second}.",
                    "difference of success",
                ),
                finding,
                verdict,
                note=_CONTROL if second == "random_same_kind" else "",
            )
        )
    return [*found, _retention(summary)]


def _r_squared(result: Mapping[str, Json] | None, head: str, features: str) -> Claim:
    figures = (result or {}).get("out_of_fold", {}).get(features, {}).get("numbers", {}).get(head, {})
    finding = Finding(
        effect=figures.get("r2"),
        low=figures.get("r2_low"),
        high=figures.get("r2_high"),
        n=figures.get("n"),
        test="out of fold, bootstrap over tasks",
    )
    with_or_without = "with" if features == "network" else "without"
    return claim(
        f"r2_{head}_{with_or_without}_uncertainty",
        "predictor",
        (
            f"{head} can be told from cheap features {with_or_without} measures of uncertainty (R2 above 0).",
            "R2",
        ),
        finding,
        above(finding),
        note="nearly given: U is made from one of the features"
        if (head, with_or_without) == ("U", "with")
        else "",
    )


def _retention(summary: Mapping[str, Json] | None) -> Claim:
    drops = {
        name: row["retention_drop"]
        for name, row in (summary or {}).get("methods", {}).items()
        if row.get("retention_drop") is not None
    }
    test = "largest minus smallest drop, McNemar-paired intervals of each"
    if len(drops) < 2:
        return claim(
            "selection_retention_comparable",
            "selection",
            ("Methods forget about equally much.", "difference of retention drops"),
            Finding(test=test),
            Verdict.NOT_DECIDED,
        )
    worst, least = (chosen(drops, key=lambda name: drops[name]["estimate"]) for chosen in (max, min))
    # The two extremes of several: the interval joins the outer limits of both, which is wide enough.
    finding = Finding(
        effect=drops[worst]["estimate"] - drops[least]["estimate"],
        low=max(0.0, drops[worst]["low"] - drops[least]["high"]),
        high=drops[worst]["high"] - drops[least]["low"],
        n=drops[worst]["n"],
        test=test,
    )
    small = finding.high is not None and finding.high < WORTH
    verdict = Verdict.SUPPORTED if small else Verdict.NOT_DECIDED
    verdict = Verdict.NOT_SUPPORTED if (finding.low or 0.0) > WORTH else verdict
    return claim(
        "selection_retention_comparable",
        "selection",
        (
            f"Methods forget about equally much (drops within {WORTH:g}).",
            f"drop of {worst} minus drop of {least}",
        ),
        finding,
        verdict,
    )
