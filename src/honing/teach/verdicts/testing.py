"""H1 to H7, each answered from the artifacts of a run alone. A phase that has not run leaves its hypotheses
not decided, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.stats import holm
from honing.teach.prediction.criteria import ACCURACY, R2_L, R2_U
from honing.teach.snapshot import Quadrant, Snapshot
from honing.teach.verdicts.artifacts import (
    CORRELATION,
    EVALUATION,
    PREDICTION,
    SELECTION,
    document,
    labelled,
)
from honing.teach.verdicts.base import WORTH, Finding, Hypothesis, Verdict, above
from honing.teach.verdicts.episodes import BASE, SNAPSHOTS, TASKS, Episodes, read_episodes
from honing.teach.verdicts.variance import differing_groups

Json = Any

F_LEAST, P_MOST = 5.0, 0.01
RHO_LEAST = 0.3
DIAGONAL_LEAST = 0.1
DROP_MOST = 0.1
DECIDING_RUN = "B2_all"
"""Named beforehand, as in phase 3's criteria: the best of fourteen would look good by luck."""
LEVEL = 0.05


def hypotheses(folder: Path) -> list[Hypothesis]:
    """The seven hypotheses of a study.

    Args:
        folder: Of the run.
    """
    episodes = read_episodes(folder, "phase3", "phase2/training_summary.json")
    evaluation = document(folder, EVALUATION)
    found = [
        quadrants_differ(labelled(folder)),
        patch_test_foretells(document(folder, CORRELATION)),
        formats_differ(episodes),
        transfer_is_limited(evaluation),
        gained_without_forgetting(episodes, evaluation),
        predictor_works(document(folder, PREDICTION)),
        selection_works(document(folder, SELECTION)),
    ]
    return _corrected(found)


def quadrants_differ(snapshots: Sequence[Snapshot]) -> Hypothesis:
    """H1."""
    groups = {
        quadrant.value: [
            one.cpt.ELP_net
            for one in snapshots
            if one.split == "train" and one.quadrant is quadrant and one.cpt is not None
        ]
        for quadrant in Quadrant
    }
    found, details = differing_groups(groups)
    if found.p is None:
        verdict, note = Verdict.NOT_DECIDED, "fewer than two quadrants have two snapshots with an ELP_net"
    else:
        clear = found.effect is None or found.effect > F_LEAST
        verdict = Verdict.SUPPORTED if clear and found.p < P_MOST else Verdict.NOT_SUPPORTED
        note = "F is infinite" if found.effect is None else ""
    return Hypothesis(
        id="H1",
        sentence=f"Quadrants differ in ELP_net (ANOVA F > {F_LEAST:g}, p < {P_MOST:g}).",
        effect_name="F",
        found=found,
        verdict=verdict,
        details=details,
        note=note,
    )


def patch_test_foretells(correlation: Mapping[str, Json] | None) -> Hypothesis:
    """H2, in the setting that decides; the others beside."""
    settings = (correlation or {}).get("settings", {})
    rho = {label: setting["same"]["rho"] for label, setting in settings.items()}
    deciding = next((label for label, setting in settings.items() if setting.get("decides")), "")
    found = Finding.of(rho.get(deciding), "Spearman, bootstrap interval")
    verdict, note = above(found, RHO_LEAST), ""
    if correlation is None:
        note = "micro-training has not run"
    elif found.effect is None:
        enough = settings.get(deciding, {}).get("same", {}).get("n", 0) >= 4
        verdict = Verdict.NOT_SUPPORTED if enough else Verdict.NOT_DECIDED
        note = "every gain, or every ELP_net, is the same" if enough else "fewer than four snapshots"
    return Hypothesis(
        id="H2",
        sentence=f"ELP_net foretells the gain of micro-training (Spearman >= {RHO_LEAST:g}).",
        effect_name=f"rho ({deciding or 'no setting'})",
        found=found,
        verdict=verdict,
        details={"rho_by_setting": rho},
        note=note,
    )


def formats_differ(episodes: Episodes) -> Hypothesis:
    """H3: on each quadrant's held-out snapshots, contrast and hint against demo, all tests corrected."""
    tests: list[tuple[str, str, Finding]] = []
    for quadrant in Quadrant:
        demo = episodes.trained_on(quadrant.value, "demo")
        for supervision in ("contrast", "hint"):
            rival = episodes.trained_on(quadrant.value, supervision)
            if demo and rival:
                found = episodes.compared(rival[0], demo[0], SNAPSHOTS, quadrant.value)
                tests += [(quadrant.value, supervision, found)] if found.effect is not None else []
    adjusted = holm([found.p or 1.0 for _, _, found in tests])
    rows: list[dict[str, Json]] = [
        {
            "quadrant": quadrant,
            "supervision": supervision,
            "minus_demo": found.effect,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "p_holm": p,
        }
        for (quadrant, supervision, found), p in zip(tests, adjusted, strict=True)
    ]
    by_point = {row["quadrant"] for row in rows if row["minus_demo"] > 0}
    surely = {row["quadrant"] for row in rows if row["minus_demo"] > 0 and row["p_holm"] < LEVEL}
    verdict, note = Verdict.NOT_DECIDED, "no two formats were trained and evaluated on one quadrant"
    if rows:
        verdict = Verdict.NOT_SUPPORTED if len(by_point) < 2 else Verdict.NOT_DECIDED
        verdict = Verdict.SUPPORTED if len(surely) >= 2 else verdict
        note = f"another format is ahead of demo in {len(by_point)}, beyond chance in {len(surely)} quadrants"
    return Hypothesis(
        id="H3",
        sentence="The best format differs from demo in at least two quadrants (paired, corrected p < 0.05).",
        effect_name="quadrants where another format is better than demo beyond chance",
        found=Finding(
            effect=float(len(surely)) if rows else None,
            n=sum(row["n"] for row in rows if row["supervision"] == "hint") if rows else None,
            test=f"McNemar exact, Holm over {len(rows)} tests",
        ),
        verdict=verdict,
        details={"tests": rows},
        note=note,
    )


def transfer_is_limited(evaluation: Mapping[str, Json] | None) -> Hypothesis:
    """H4."""
    by_temperature = (evaluation or {}).get("transfer_diagonal_minus_rest", {})
    found = Finding.of(by_temperature.get("0", {}).get("pooled"), "bootstrap over tasks")
    note = "" if found.effect is not None else "a quadrant has no run or too few held-out snapshots"
    return Hypothesis(
        id="H4",
        sentence=f"Transfer is limited: the diagonal exceeds the rest by more than {DIAGONAL_LEAST:g}.",
        effect_name="diagonal minus off-diagonal success",
        found=found,
        verdict=above(found, DIAGONAL_LEAST),
        details={"by_supervision": by_temperature.get("0", {})},
        note=note if evaluation else "the evaluation has not run",
    )


def gained_without_forgetting(episodes: Episodes, evaluation: Mapping[str, Json] | None) -> Hypothesis:
    """H5, of the run that was named beforehand."""
    found = episodes.compared(DECIDING_RUN, BASE, TASKS)
    run = (evaluation or {}).get("runs", {}).get(DECIDING_RUN, {})
    drop = run.get("retention_drop")
    verdict, note = above(found), ""
    if drop is None:
        verdict, note = Verdict.NOT_DECIDED, f"retention of {DECIDING_RUN} was not measured"
    elif drop["low"] >= DROP_MOST:
        verdict = Verdict.NOT_SUPPORTED
    elif drop["estimate"] >= DROP_MOST and verdict is Verdict.SUPPORTED:
        verdict, note = Verdict.NOT_DECIDED, "it gains, but forgets as much as is allowed"
    return Hypothesis(
        id="H5",
        sentence=f"Reliability is gained with a retention drop below {DROP_MOST:.0%} ({DECIDING_RUN}).",
        effect_name="success on held-out tasks above the base's",
        found=found,
        verdict=verdict,
        details={"retention_drop": drop},
        note=note if evaluation else "the evaluation has not run",
    )


def predictor_works(result: Mapping[str, Json] | None) -> Hypothesis:
    """H6: every criterion of phase 4 that decides. Its effect is the difference of NDCG@k to entropy."""
    criteria = [row for row in (result or {}).get("criteria", []) if row["decides"]]
    thresholds = {
        "predictor_r2_U": R2_U,
        "predictor_r2_L": R2_L,
        "predictor_quadrant_accuracy": ACCURACY,
    }
    difference = (result or {}).get("ranking", {}).get("differences", {}).get("predictor-entropy", {})
    unmet = [row for row in criteria if not row["met"]]
    refuted = [
        row["name"]
        for row in unmet
        if row["high"] is not None and row["high"] < thresholds.get(row["name"], WORTH)
    ]
    verdict = Verdict.SUPPORTED if criteria and not unmet else Verdict.NOT_DECIDED
    verdict = Verdict.NOT_SUPPORTED if refuted else verdict
    note = f"not met: {', '.join(row['name'] for row in unmet)}" if unmet else ""
    return Hypothesis(
        id="H6",
        sentence=(
            f"The predictor reaches R2(U) > {R2_U:g}, R2(L) > {R2_L:g}, quadrant accuracy > {ACCURACY:g}, "
            "and ranks better than entropy."
        ),
        effect_name="NDCG@k above entropy's",
        found=Finding.of(difference.get("ndcg"), "out of fold, paired bootstrap over tasks"),
        verdict=verdict,
        details={
            "criteria": {
                row["name"]: {key: row[key] for key in ("value", "low", "high", "met")} for row in criteria
            }
        },
        note=note if result else "the predictor has not run",
    )


def selection_works(summary: Mapping[str, Json] | None) -> Hypothesis:
    """H7: both orders and retention. Its effect is predictor minus entropy."""
    rows = {
        (row["first"], row["second"]): row
        for row in (summary or {}).get("comparisons", [])
        if row["family"] == "hypothesis"
    }
    retention: bool | None = next(
        (
            row["met"]
            for row in (summary or {}).get("criteria", [])
            if row["name"] == "select_retention_comparable"
        ),
        None,
    )
    beyond = [row["estimate"] > 0 and row["p_holm"] < LEVEL for row in rows.values()]
    refuted = retention is False or any(row["high"] < WORTH for row in rows.values())
    verdict = Verdict.SUPPORTED if len(rows) == 2 and all(beyond) and retention else Verdict.NOT_DECIDED
    verdict = Verdict.NOT_SUPPORTED if refuted else verdict
    first = rows.get(("predictor", "entropy"))
    return Hypothesis(
        id="H7",
        sentence=(
            "At equal budget predictor gains more than entropy, and entropy more than random, with "
            "comparable retention."
        ),
        effect_name="gain of predictor minus gain of entropy",
        found=Finding.of(
            first, "McNemar exact, Holm over both", p=None if first is None else first["p_holm"]
        ),
        verdict=verdict,
        details={
            "comparisons": (summary or {}).get("comparisons", []),
            "retention_comparable": retention,
        },
        note="" if summary else "the selection has not run",
    )


def _corrected(found: Sequence[Hypothesis]) -> list[Hypothesis]:
    """With p corrected over the hypotheses that have one; H1 also needs its p to survive that."""
    tested = [one for one in found if one.found.p is not None]
    adjusted = dict(
        zip((one.id for one in tested), holm([one.found.p or 0.0 for one in tested]), strict=True)
    )
    corrected = []
    for one in found:
        p = adjusted.get(one.id)
        verdict = one.verdict
        if one.id == "H1" and verdict is Verdict.SUPPORTED and p is not None and p >= P_MOST:
            verdict = Verdict.NOT_DECIDED
        corrected.append(replace(one, p_holm=p, verdict=verdict))
    return corrected
