"""Phase 5, select: does it matter on which snapshots a small budget is spent? Every method chooses as many
from the same pool, trains alike, and meets the same held-out tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.errors import StudyError
from honing.learn import Example
from honing.teach.desk import Desk
from honing.teach.evaluation.estimates import document
from honing.teach.evaluation.panels import has_expert
from honing.teach.evaluation.results import GREEDY, RETENTION, SAMPLED, TASKS
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.evaluate import Evaluation, evaluate_players, write_evaluation
from honing.teach.phases.matrix import check_nothing_leaked, train_runs
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.selecting.base import Pool
from honing.teach.selecting.budget import budget_of
from honing.teach.selecting.comparison import comparisons, selection_criteria
from honing.teach.selecting.influence import VALIDATION_TASKS, influences
from honing.teach.selecting.one_flip import flips
from honing.teach.selecting.predictions import Predicted, predicted_payoffs
from honing.teach.selecting.registry import METHODS, method_named
from honing.teach.snapshot import Route, Snapshot
from honing.teach.supervision import examples_of
from honing.teach.training.arms import TrainRun, demo_run, trainable
from honing.teach.training.summary import UNVALIDATED, only, players_of

Json = Any

LABELLED = "phase1/labeled_snapshots.jsonl"
FOLDER = "phase5/selection"
SUMMARY = f"{FOLDER}/selection_summary.json"


def select(desk: Desk) -> PhaseOutcome:
    """Choose by every method, train one run each, evaluate all, compare."""
    labelled = desk.snapshots(LABELLED)
    pool, predicted, left_out = build_pool(desk, labelled)
    methods = [name for name in desk.spec.selection.methods if name not in left_out]
    chosen = {name: method_named(name).choose(pool) for name in methods}
    runs = [_run(desk, pool, name, chosen[name]) for name in methods]
    check_nothing_leaked(desk, runs, labelled)
    trained = train_runs(desk, runs, FOLDER, step="select.train")
    found = evaluate_players(desk, players_of(desk, trained), validated=trained["validated"])
    for name in methods:
        desk.run.write_json(f"{FOLDER}/{name}/training_summary.json", only(trained, [name]))
        write_evaluation(desk, found.only([name]), f"{FOLDER}/{name}/eval")
    compared = comparisons(found, methods)
    rows = {name: _method_row(pool, name, chosen, found) for name in methods}
    drops = {name: _estimate(row["retention_drop"]) for name, row in rows.items()}
    limit = desk.spec.evaluation.max_retention_drop
    criteria = selection_criteria(compared, drops, limit, seen=predicted.seen)
    validated = trained["validated"]
    desk.run.write_json(
        SUMMARY,
        {
            "schema": 1,
            "pool": len(pool.snapshots),
            "budget": pool.budget,
            "cap_per_fact": pool.cap_per_fact,
            "supervision": desk.spec.selection.supervision,
            "predictions": predicted.source,
            "predictions_of_seen_tasks": predicted.seen,
            "validated": validated,
            "note": UNVALIDATED if validated is False else "",
            "methods": rows,
            "left_out": left_out,
            "comparisons": compared,
            "criteria": [each.as_document() for each in criteria],
        },
    )
    return PhaseOutcome(
        summary={
            "pool": len(pool.snapshots),
            "budget": pool.budget,
            **{f"gain {name}": _estimate(row["gain"]) for name, row in rows.items()},
        },
        criteria=criteria,
        artifacts=(
            SUMMARY,
            f"{FOLDER}/training_summary.json",
            *(f"{FOLDER}/{name}" for name in methods),
        ),
    )


def build_pool(desk: Desk, labelled: Sequence[Snapshot]) -> tuple[Pool, Predicted, dict[str, str]]:
    """The pool with everything that methods go by.

    Returns:
        The pool; where predictions come from; by method that cannot be done here, why.

    Raises:
        UsageError: The budget is not smaller than the pool, or a method is unknown.
    """
    spec = desk.spec
    usable = trainable(labelled, drop_abstained=spec.quadrants.drop_abstained)
    snapshots = tuple(sorted(usable, key=lambda one: one.id))
    budget = budget_of(spec.selection.budget, len(snapshots))
    wanted = [method_named(name).name for name in spec.selection.methods]
    predicted = (
        predicted_payoffs(desk, snapshots) if "predictor" in wanted else Predicted(scores={}, source="none")
    )
    scores: dict[str, Mapping[str, float]] = {"predictor": predicted.scores}
    if "one_flip" in wanted:
        scores["one_flip"] = flips(desk, snapshots, student_policy(desk.run))
    if "influence" in wanted and has_expert(desk):
        scores["influence"] = influences(desk, _demos(snapshots))
    left_out = {name: why for name in wanted if (why := _lacking(name, scores, snapshots))}
    pool = Pool(
        snapshots=snapshots,
        budget=budget,
        seed=spec.seed,
        kind=desk.world().kind,
        cap_per_fact=spec.selection.cap_per_fact,
        scores=scores,
    )
    return pool, predicted, left_out


def _lacking(name: str, scores: Mapping[str, Mapping[str, float]], snapshots: Sequence[Snapshot]) -> str:
    """Why a method cannot be done here; empty where it can."""
    if name == "predictor" and not scores["predictor"]:
        return "there are no predictions of ELP_net: run the predictor on snapshots with a patch test"
    if name == "influence" and not scores.get("influence"):
        return "the world has no expert whose moves could be followed"
    if name == "one_flip" and not scores["one_flip"]:
        return "no snapshot has a saved state to play from"
    if name in ("oracle", "random_same_kind") and not any(one.cpt for one in snapshots):
        return "no snapshot has a true ELP_net: the patch test was skipped"
    return ""


def _demos(snapshots: Sequence[Snapshot]) -> list[Example]:
    return [example for one in snapshots for example in examples_of(one, Route.DEMO)]


def _run(desk: Desk, pool: Pool, name: str, chosen: Sequence[str]) -> TrainRun:
    by_id = {one.id: one for one in pool.snapshots}
    snapshots = [by_id[each] for each in chosen]
    if not snapshots:
        raise StudyError(f"Selection by '{name}' chose nothing. Raise --cap-per-fact or the budget.")
    if desk.spec.selection.supervision == "demo":
        return demo_run(name, snapshots)
    return TrainRun(
        run_id=name,
        supervision="route",
        snapshots=tuple(snapshots),
        examples=tuple(
            example
            for one in snapshots
            for example in examples_of(one, one.cpt.route_net if one.cpt else Route.DEMO)
        ),
    )


def _method_row(
    pool: Pool, name: str, chosen: Mapping[str, Sequence[str]], found: Evaluation
) -> dict[str, Json]:
    by_id = {one.id: one for one in pool.snapshots}
    mine = [by_id[each] for each in chosen[name]]
    payoffs = [one.cpt.ELP_net for one in mine if one.cpt is not None]
    drift = next(each for each in found.drifts if each.run_id == name)
    temperatures = found.results.temperatures
    return {
        "about": METHODS[name].about,
        "n": len(mine),
        "chosen": list(chosen[name]),
        "overlap": {
            other: len(set(chosen[name]) & set(ids)) / len(mine) for other, ids in sorted(chosen.items())
        },
        "taught_kinds": dict(sorted(Counter(pool.taught_kind(one) for one in mine).items())),
        "quadrants": dict(sorted(Counter(str(one.quadrant) for one in mine).items())),
        "mean_ELP_net": sum(payoffs) / len(payoffs) if payoffs else None,
        "success": document(found.results.success(name, TASKS, GREEDY)),
        "gain": document(found.gain(name)),
        "gain_sampled": document(found.gain(name, SAMPLED)) if SAMPLED in temperatures else None,
        "retained": document(found.results.success(name, RETENTION, GREEDY)),
        "retention_drop": _turned(document(found.results.against_base(name, RETENTION, GREEDY))),
        "kept": drift.kept,
        "adapter": f"{FOLDER}/{name}/adapter",
    }


def _turned(found: Mapping[str, Json] | None) -> dict[str, Json] | None:
    """A loss from a gain."""
    if found is None:
        return None
    # 0.0 - x instead of -x: a loss of nothing is 0, not -0.
    return {
        **found,
        "estimate": 0.0 - found["estimate"],
        "low": 0.0 - found["high"],
        "high": 0.0 - found["low"],
    }


def _estimate(found: Mapping[str, Json] | None) -> float | None:
    return None if found is None else float(found["estimate"])


def _cost(desk: Desk) -> Cost:
    spec = desk.spec
    methods = len(spec.selection.methods)
    labelled = max(0, spec.mine.max_snapshots - spec.mine.failure_panel)
    places = spec.evaluation.n_tasks + spec.mine.retention_tasks
    panel = min(spec.mine.failure_panel, 4 * spec.evaluation.n_snapshots_per_quadrant)
    sampled = places + panel * spec.evaluation.n_per_snapshot if spec.evaluation.sampled else 0
    own = labelled * ("one_flip" in spec.selection.methods)
    own += VALIDATION_TASKS * ("influence" in spec.selection.methods)
    return Cost(
        episodes=methods * (places + panel + sampled) + own,
        optimiser_steps=methods * (spec.training.n_steps or 0),
    )


PHASE = Phase(
    name="select",
    doing="choose what to train on by several methods at equal budget",
    run=select,
    reads=(LABELLED, STUDENT),
    writes=(SUMMARY,),
    cost=_cost,
)
