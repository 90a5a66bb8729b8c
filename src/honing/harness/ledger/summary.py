"""Runs as a table: one row a run, and one row for all runs of the same project, agent, model and budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.ledger.base import SOLVED, UNCONFINED, Ledger, estimate_of, final_estimate, sandboxes
from honing.harness.ledger.comparing import concluded, tasks_of, weighted_difference
from honing.stats import Interval, mean_interval, proportion

_WAYS = tuple(way for way in Outcome if way is not Outcome.BASELINE)


def _count_column(way: Outcome) -> str:
    return f"{way.value.replace('-', '_')}_candidate_count"


SUMMARY_COLUMNS = (
    "experiment_id",
    "benchmark_name",
    "project_dir",
    "backend",
    "backend_label",
    "model",
    "budget",
    "trial_index",
    "run_id",
    "run_dir",
    "best_candidate_id",
    "best_candidate_outcome",
    "best_objective",
    "best_test_objective",
    "baseline_objective",
    "improved",
    "search_mode",
    "selection_policy",
    "proposal_batch_size",
    "candidate_count",
    *(_count_column(way) for way in _WAYS),
    "duration_seconds",
    "time_to_first_improvement_seconds",
    "proposal_timeout_seconds",
    "use_oss",
    "local_provider",
    "run_name",
    "status",
    "reason",
    "iterations_to_first_improvement",
    "iterations_to_solve",
    "best_estimate",
    "difference",
    "difference_low",
    "difference_high",
    "difference_method",
    "baseline_test_objective",
    "test_difference",
    "test_difference_low",
    "test_difference_high",
    "control_candidate_count",
    "control_best_candidate_id",
    "control_best_objective",
    "control_best_estimate",
    "control_test_objective",
    "control_difference",
    "control_difference_low",
    "control_difference_high",
    "control_test_difference",
    "control_test_difference_low",
    "control_test_difference_high",
    "seed",
    "seeds",
    "task_runs",
    "model_calls",
    "token_input",
    "token_output",
    "cost_usd",
    "cost_unknown",
    "agent_duration_s",
    "evaluation_duration_s",
    "sandbox",
    "unconfined",
    "damage",
)
"""In the order of a TSV. The predecessor's names first, ours from `run_name` on. Outcomes are counted in the
search arm, as the predecessor has no other."""

_GROUPED = ("benchmark_name", "backend", "backend_label", "model", "budget")
_RATES = (Outcome.TIMEOUT, Outcome.CRASH, Outcome.SCOPE_VIOLATION, Outcome.CLASS_VIOLATION,
          Outcome.LEAKAGE_VIOLATION)  # fmt: skip

AGGREGATE_COLUMNS = (
    *_GROUPED,
    "trial_count",
    "improved_count",
    "success_rate",
    "success_rate_low",
    "success_rate_high",
    "mean_best_objective",
    "mean_best_objective_low",
    "mean_best_objective_high",
    "mean_best_test_objective",
    "mean_best_test_objective_low",
    "mean_best_test_objective_high",
    "max_best_objective",
    "mean_duration_seconds",
    "mean_time_to_first_improvement_seconds",
    *(f"{way.value.replace('-', '_')}_run_rate" for way in _RATES),
    "mean_keep_candidate_count",
    "mean_token_input",
    "mean_token_output",
    "mean_cost_usd",
)
"""In the order of a TSV; a rate or mean over runs has its interval beside it."""


def summary_rows(ledgers: Sequence[Ledger]) -> list[dict[str, Any]]:
    """One row for each run under `SUMMARY_COLUMNS`; equal projects, agents, models and budgets are numbered
    as trials in the order given."""
    trials: dict[tuple[Any, ...], int] = {}
    rows = []
    for ledger in ledgers:
        row = summary_row(ledger)
        group = tuple(row[name] for name in (*_GROUPED, "project_dir", "search_mode"))
        trials[group] = row["trial_index"] = trials.get(group, 0) + 1
        rows.append(row)
    return rows


def summary_row(ledger: Ledger) -> dict[str, Any]:
    """What one run came to, as far as it is finished; values are plain data under `SUMMARY_COLUMNS`."""
    facts, spend = ledger.facts, ledger.spend
    seeds = [len({run.seed for run in each.evaluation.runs}) for each in ledger.candidates if each.evaluation]
    return {
        "experiment_id": None,
        "trial_index": None,
        "run_id": ledger.run_id,
        "run_dir": str(ledger.path),
        "run_name": ledger.name,
        "status": ledger.status.value,
        "reason": ledger.reason,
        "benchmark_name": facts.project,
        "project_dir": facts.folder,
        "backend": facts.agent,
        "backend_label": f"{facts.agent} {facts.model}".strip(),
        "model": facts.model,
        "budget": facts.proposals,
        "search_mode": facts.search,
        "selection_policy": facts.rule,
        "proposal_batch_size": facts.in_flight,
        "proposal_timeout_seconds": facts.proposal_timeout_s,
        "use_oss": bool(facts.agent_options.get("oss")),
        "local_provider": facts.agent_options.get("local_provider"),
        "seed": facts.seed,
        "seeds": max(seeds, default=None),
        "task_runs": spend.task_runs,
        "model_calls": spend.calls,
        "token_input": spend.input_tokens,
        "token_output": spend.output_tokens,
        "cost_usd": spend.cost_usd,
        "cost_unknown": spend.cost_unknown,
        "agent_duration_s": round(spend.agent_s, 4),
        "evaluation_duration_s": round(spend.evaluation_s, 4),
        "duration_seconds": round(spend.wall_s, 4),
        "damage": "; ".join(ledger.damage),
        **_contained(ledger),
        **_search(ledger),
        **_control(ledger),
        **{_count_column(way): count for way, count in ledger.counts(Arm.SEARCH).items()},
    }


def aggregate_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `summary_rows` joined by project, agent, model and budget, under `AGGREGATE_COLUMNS`."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _GROUPED), []).append(row)
    return [
        {**dict(zip(_GROUPED, group, strict=True)), **_aggregate(members)}
        for group, members in groups.items()
    ]


def first_improvement(ledger: Ledger) -> Candidate | None:
    """The first kept candidate of the search, by slot."""
    return next((each for each in ledger.arm(Arm.SEARCH) if each.outcome is Outcome.KEEP), None)


def iterations_to_solve(ledger: Ledger) -> int | None:
    """Proposals of the search until one scored 1: 0 where the baseline did, None where none did."""
    found = [ledger.baseline, *ledger.arm(Arm.SEARCH)]
    solved = (each.slot for each in found if each is not None and (each.score or 0.0) >= SOLVED)
    return min(solved, default=None)


def _contained(ledger: Ledger) -> dict[str, Any]:
    found = dict.fromkeys(name for each in ledger.candidates for name in sandboxes(each))
    return {"sandbox": ",".join(found) or ledger.facts.sandbox, "unconfined": UNCONFINED in found}


def _search(ledger: Ledger) -> dict[str, Any]:
    best, baseline, first = ledger.best(), ledger.baseline, first_improvement(ledger)
    took = None
    if first is not None and ledger.created is not None and first.id in ledger.moments:
        took = round(ledger.moments[first.id] - ledger.created, 4)
    gain = concluded(ledger, "gain")
    if gain is None and best is not None and baseline is not None and best is not baseline:
        gain = weighted_difference(tasks_of(best), tasks_of(baseline), level=ledger.facts.level)
    return {
        "improved": ledger.improved,
        "candidate_count": len(ledger.arm(Arm.SEARCH)),
        "best_candidate_id": best.id if best is not None else None,
        "best_candidate_outcome": best.outcome.value if best is not None else None,
        "best_objective": best.score if best is not None else None,
        "best_estimate": final_estimate(ledger),
        "best_test_objective": ledger.held_out_score(best),
        "baseline_objective": baseline.score if baseline is not None else None,
        "baseline_test_objective": ledger.held_out_score(baseline),
        "time_to_first_improvement_seconds": took,
        "iterations_to_first_improvement": first.slot if first is not None else None,
        "iterations_to_solve": iterations_to_solve(ledger),
        **_interval("difference", gain),
        **_interval("test_difference", concluded(ledger, "held_out_gain")),
        "difference_method": gain.method.value if gain is not None else None,
    }


def _control(ledger: Ledger) -> dict[str, Any]:
    best, ours = ledger.best(Arm.CONTROL) if ledger.arm(Arm.CONTROL) else None, ledger.best()
    gain = concluded(ledger, "over_control")
    if gain is None and best is not None and ours is not None:
        gain = weighted_difference(tasks_of(ours), tasks_of(best), level=ledger.facts.level)
    return {
        "control_candidate_count": len(ledger.arm(Arm.CONTROL)),
        "control_best_candidate_id": best.id if best is not None else None,
        "control_best_objective": best.score if best is not None else None,
        "control_best_estimate": estimate_of(best) if best is not None else None,
        "control_test_objective": ledger.held_out_score(best),
        **_interval("control_difference", gain),
        **_interval("control_test_difference", concluded(ledger, "held_out_over_control")),
    }


def _aggregate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    improved = sum(bool(row["improved"]) for row in rows)
    best = [row["best_objective"] for row in rows if row["best_objective"] is not None]
    rate = proportion(improved, len(rows))
    tested = [row["best_test_objective"] for row in rows if row["best_test_objective"] is not None]
    return {
        "trial_count": len(rows),
        "improved_count": improved,
        **_interval("success_rate", rate),
        **_interval("mean_best_objective", _mean_interval(best)),
        **_interval("mean_best_test_objective", _mean_interval(tested)),
        "max_best_objective": max(best, default=None),
        **{
            f"mean_{name}": _mean(rows, name)
            for name in ("duration_seconds", "time_to_first_improvement_seconds", "keep_candidate_count")
        },
        **{f"mean_{name}": _mean(rows, name) for name in ("token_input", "token_output", "cost_usd")},
        **{
            f"{way.value.replace('-', '_')}_run_rate": sum(bool(row[_count_column(way)]) for row in rows)
            / len(rows)
            for way in _RATES
        },
    }


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    found = [row[name] for row in rows if row[name] is not None]
    return sum(found) / len(found) if found else None


def _mean_interval(values: Sequence[float]) -> Interval | None:
    return mean_interval(values, bounds=(0.0, 1.0)) if values else None


def _interval(name: str, found: Interval | None) -> dict[str, float | None]:
    low, high = (None, None) if found is None else (found.low, found.high)
    return {name: None if found is None else found.estimate, f"{name}_low": low, f"{name}_high": high}
