"""Phase 3, evaluate: the base and every trained run on the same held-out tasks, held-out failure snapshots
and retention tasks, with the same random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.environments import Task
from honing.stats import Interval
from honing.teach.apart import check_apart, hashes_by_group, reserved
from honing.teach.desk import Desk, read_rows
from honing.teach.evaluation import tables
from honing.teach.evaluation.drift import Drift, DriftLimits, judge, shift
from honing.teach.evaluation.estimates import csv_text, document
from honing.teach.evaluation.mechanism import Distribution, Mechanism, Probe, mechanisms
from honing.teach.evaluation.panels import failure_panel, has_expert, panels_of, play_all, score_all
from honing.teach.evaluation.players import BASE, EXPERT, Played, Player
from honing.teach.evaluation.results import GREEDY, RETENTION, TASKS, Results
from honing.teach.evaluation.transfer import SUPERVISIONS, diagonal_minus_rest
from honing.teach.evaluation.unit import distribution
from honing.teach.evaluation.verdict import criteria_of
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.mine import RETENTION as RETENTION_TASKS
from honing.teach.phases.mine import SUCCEEDING, retained_episodes
from honing.teach.phases.prepare import replayed
from honing.teach.snapshot import Snapshot
from honing.teach.training.summary import SUMMARY, players_of

Json = Any

FOLDER = "phase3"
LABELLED = "phase1/labeled_snapshots.jsonl"
FILES = (
    "overall_task_results.csv",
    "per_quadrant_results.csv",
    "transfer_matrix.csv",
    "retention_results.csv",
    "stuckness_results.csv",
    "mechanistic_results.csv",
    "episodes.csv",
    "evaluation.json",
)
"""What an evaluation writes into its folder."""
_EPISODE = (
    "run_id", "panel", "place", "cluster", "quadrant", "temperature", "draw", "success", "reward", "n_steps",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of it."""

    results: Results
    drifts: tuple[Drift, ...]
    """One per trained run."""
    mechanisms: tuple[Mechanism, ...]
    validated: bool | None
    """Whether the patch test was validated by micro-training before; None where that was not tried."""

    def gain(self, run_id: str, temperature: float = GREEDY) -> Interval | None:
        """Success of a run on held-out tasks minus the base's, in pairs."""
        return self.results.against_base(run_id, TASKS, temperature)

    def only(self, run_ids: Sequence[str]) -> Evaluation:
        """The same of some runs, with base and expert."""
        kept = {*run_ids, BASE, EXPERT}
        return Evaluation(
            results=Results(
                players=tuple(player for player in self.results.players if player.run_id in kept),
                played=tuple(row for row in self.results.played if row.run_id in kept),
                expert_steps=self.results.expert_steps,
            ),
            drifts=tuple(drift for drift in self.drifts if drift.run_id in kept),
            mechanisms=tuple(found for found in self.mechanisms if found.run_id in kept),
            validated=self.validated,
        )


def evaluate(desk: Desk) -> PhaseOutcome:
    """Evaluate every run of phase 2."""
    found = evaluate_runs(desk, desk.run.read_json(SUMMARY), FOLDER)
    criteria = criteria_of(found.results, found.drifts, desk.spec.evaluation.max_retention_drop)
    base = found.results.success(BASE, TASKS, GREEDY)
    return PhaseOutcome(
        summary={
            "players": len(found.results.players),
            "episodes": len(found.results.played),
            "base_success": None if base is None else base.estimate,
            "best_gain": max((gain.estimate for gain in _gains(found)), default=None),
            "kept": sum(drift.kept is True for drift in found.drifts),
            "validated": found.validated,
        },
        criteria=criteria,
        artifacts=tuple(f"{FOLDER}/{name}" for name in FILES),
    )


def evaluate_runs(
    desk: Desk, summary: Mapping[str, Json], folder: str, *, step: str = "evaluate"
) -> Evaluation:
    """Evaluate runs and write the tables.

    Args:
        desk: Of the study.
        summary: A `training_summary.json`.
        folder: Where the tables go, relative to the run.
        step: Prefix of the journal's steps. The base's episodes are done once for all evaluations that share
            it.
    """
    found = evaluate_players(desk, players_of(desk, summary), step=step, validated=summary.get("validated"))
    write_evaluation(desk, found, folder)
    return found


def evaluate_players(
    desk: Desk, players: Sequence[Player], *, step: str = "evaluate", validated: bool | None = None
) -> Evaluation:
    """Play and score; nothing is written. The base must be among the players.

    Raises:
        LeakageError: A held-out task is among those that were trained on.
    """
    labelled = desk.snapshots(LABELLED)
    _check_held_out(desk, labelled)
    retention = _retention_tasks(desk, labelled)
    everyone = [*players]
    if has_expert(desk):
        everyone.append(Player(run_id=EXPERT, policy={"kind": "expert"}))
    played = play_all(desk, f"{step}.play", everyone, panels_of(desk, labelled, retention))
    results = Results(players=tuple(everyone), played=played, expert_steps=_expert_steps(played))
    failing = failure_panel(labelled, desk.spec.evaluation.n_snapshots_per_quadrant, seed=desk.spec.seed)
    at_failures = _distributions(desk, f"{step}.failing", players, failing)
    succeeding = desk.snapshots(SUCCEEDING) if (desk.run.path / SUCCEEDING).is_file() else []
    at_successes = _distributions(desk, f"{step}.succeeding", players, succeeding)
    limits = DriftLimits(
        retention_drop=desk.spec.evaluation.max_retention_drop, kl_nats=desk.spec.evaluation.max_kl_nats
    )
    drifts = tuple(
        judge(
            player.run_id,
            tables.turned(results.against_base(player.run_id, RETENTION, GREEDY)),
            _shift(at_successes, player.run_id, succeeding),
            _shift(at_failures, player.run_id, failing),
            limits,
        )
        for player in results.trained
    )
    return Evaluation(
        results=results, drifts=drifts, mechanisms=_mechanisms(failing, at_failures), validated=validated
    )


def _check_held_out(desk: Desk, labelled: Sequence[Snapshot]) -> None:
    """The held-out tasks may be more now than when training was checked."""
    groups = {"evaluate": reserved(desk)["evaluate"], "replay": replayed(desk)}
    hashes = hashes_by_group(desk, groups)
    trained = {one.task_hash: one.id for one in labelled if one.split == "train"}
    check_apart({"training snapshots": trained, "replay": hashes["replay"]}, {"evaluate": hashes["evaluate"]})


def write_evaluation(desk: Desk, found: Evaluation, folder: str) -> None:
    """Write the tables and `evaluation.json` into a folder of the run."""
    results = found.results
    made = {
        "overall_task_results.csv": tables.overall_table(results),
        "per_quadrant_results.csv": tables.per_quadrant_table(results),
        "transfer_matrix.csv": tables.transfer_table(results),
        "retention_results.csv": tables.retention_table(results, found.drifts),
        "stuckness_results.csv": tables.stuckness_table(results),
        "mechanistic_results.csv": tables.mechanistic_table(results.players, found.mechanisms),
        "episodes.csv": (
            _EPISODE,
            [{name: getattr(row, name) for name in _EPISODE} for row in results.played],
        ),
    }
    for name, (columns, rows) in made.items():
        desk.run.write_text(f"{folder}/{name}", csv_text(columns, rows))
    desk.run.write_json(f"{folder}/evaluation.json", _document(desk, found))


def _document(desk: Desk, found: Evaluation) -> dict[str, Json]:
    """The figures that criteria and verdicts are made from; temperature 0 unless a key says otherwise."""
    results = found.results
    limit = desk.spec.evaluation.max_retention_drop
    return {
        "schema": 1,
        "validated": found.validated,
        "temperatures": list(results.temperatures),
        "base": {
            "success": document(results.success(BASE, TASKS, GREEDY)),
            "retained": document(results.success(BASE, RETENTION, GREEDY)),
        },
        "runs": {
            drift.run_id: {"gain": document(found.gain(drift.run_id)), **drift.as_document()}
            for drift in found.drifts
        },
        "transfer_diagonal_minus_rest": {
            f"{temperature:g}": {
                supervision: document(diagonal_minus_rest(results, supervision, temperature))
                for supervision in SUPERVISIONS
            }
            for temperature in results.temperatures
        },
        "criteria": [one.as_document() for one in criteria_of(results, found.drifts, limit)],
    }


def _retention_tasks(desk: Desk, labelled: Sequence[Snapshot]) -> list[Task]:
    """Those of the run; where the phase was asked for alone, tasks are tried now."""
    if not (desk.run.path / RETENTION_TASKS).is_file():
        trained = {snapshot.task_hash for snapshot in labelled if snapshot.split == "train"}
        trained |= hashes_by_group(desk, {"replay": replayed(desk)})["replay"].keys()
        episodes, _ = retained_episodes(desk, trained)
        desk.run.write_json(RETENTION_TASKS, [episode.task.as_document() for episode in episodes])
    return [Task.from_document(row) for row in read_rows(desk.run.path / RETENTION_TASKS)]


def _expert_steps(played: Sequence[Played]) -> dict[str, int]:
    return {row.cluster: row.n_steps for row in played if row.run_id == EXPERT and row.success}


def _distributions(
    desk: Desk, step: str, players: Sequence[Player], snapshots: Sequence[Snapshot]
) -> dict[str, list[Distribution]]:
    if not snapshots:
        return {}
    scored = score_all(desk, step, players, snapshots)
    return {run_id: [distribution(row) for row in rows] for run_id, rows in scored.items()}


def _shift(
    scored: Mapping[str, list[Distribution]], run_id: str, snapshots: Sequence[Snapshot]
) -> Interval | None:
    if not scored:
        return None
    return shift(scored[BASE], scored[run_id], [snapshot.task_hash for snapshot in snapshots])


def _mechanisms(
    snapshots: Sequence[Snapshot], scored: Mapping[str, list[Distribution]]
) -> tuple[Mechanism, ...]:
    """At the snapshots whose advice is valid."""
    probes: list[Probe] = []
    kept: list[int] = []
    for number, snapshot in enumerate(snapshots):
        if snapshot.advice is not None and snapshot.advice.valid and snapshot.quadrant is not None:
            kept.append(number)
            probes.append(
                Probe(
                    cluster=snapshot.task_hash,
                    quadrant=snapshot.quadrant.value,
                    teacher=snapshot.valid_actions.index(snapshot.advice.suggested_action),
                )
            )
    rows = {run_id: [found[number] for number in kept] for run_id, found in scored.items()}
    return tuple(mechanisms(probes, rows)) if probes else ()


def _gains(found: Evaluation) -> list[Interval]:
    gains = (found.gain(drift.run_id) for drift in found.drifts)
    return [gain for gain in gains if gain is not None]


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.evaluation
    from honing.teach.phases.matrix import planned_runs

    players = 1 + planned_runs(desk.spec)
    places = spec.n_tasks + desk.spec.mine.retention_tasks
    panel = min(desk.spec.mine.failure_panel, 4 * spec.n_snapshots_per_quadrant)
    sampled = places + panel * spec.n_per_snapshot if spec.sampled else 0
    return Cost(episodes=players * (places + panel + sampled))


PHASE = Phase(
    name="evaluate",
    doing="measure every run on held-out tasks, snapshots and retention",
    run=evaluate,
    reads=(SUMMARY, LABELLED),
    writes=tuple(f"{FOLDER}/{name}" for name in FILES),
    cost=_cost,
)
