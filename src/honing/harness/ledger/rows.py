"""A ledger as a table: one row a candidate, under names that users of the predecessor know, and ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.harness.candidate import Candidate, Outcome
from honing.harness.ledger.base import Ledger, estimate_of, sandboxes, usage_of
from honing.harness.manifest import observed
from honing.harness.search.ranking import cost

LEDGER_COLUMNS = (
    "run_id",
    "benchmark_name",
    "candidate_id",
    "parent_candidate_ids",
    "is_best",
    "objective",
    "valid",
    "proposal_applied",
    "outcome",
    "outcome_summary",
    "changed_file_count",
    "change_manifest_valid",
    "change_manifest_change_count",
    "change_manifest_components",
    "change_attribution_summary",
    "change_attribution_verdict_counts",
    "frontier_rank",
    "search_objective",
    "test_objective",
    "token_input",
    "token_output",
    "cost_usd",
    "tool_call_count",
    "changed_files",
    "scope_violation_paths",
    "class_violation_classes",
    "leakage_violation_tokens",
    "proposal_summary",
    "validation_summary",
    "evaluation_summary",
    "arm",
    "slot",
    "note",
    "accepted",
    "acceptance_summary",
    "difference",
    "difference_low",
    "difference_high",
    "retest",
    "retest_low",
    "retest_high",
    "estimate",
    "seeds",
    "task_runs",
    "stopped",
    "model_calls",
    "evaluation_cost",
    "size_bytes",
    "sandbox",
    "tree",
    "agent_duration_s",
    "evaluation_duration_s",
    "ended",
)
"""In the order of a TSV. The first thirty are the predecessor's, in its order; the others are ours."""

_GATED = {
    Outcome.SCOPE_VIOLATION: "scope_violation_paths",
    Outcome.CLASS_VIOLATION: "class_violation_classes",
    Outcome.LEAKAGE_VIOLATION: "leakage_violation_tokens",
}
_JUDGED = frozenset({Outcome.BASELINE, Outcome.KEEP, Outcome.DISCARD})


def ledger_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """One row for each candidate, in the ledger's order; values are plain data under `LEDGER_COLUMNS`."""
    best = ledger.best()
    ranks = frontier_ranks(ledger.candidates)
    by_id = {each.id: each for each in ledger.candidates}
    return [
        {
            "run_id": ledger.run_id,
            "benchmark_name": ledger.facts.project,
            "is_best": best is not None and each.id == best.id,
            "frontier_rank": ranks.get(each.id),
            "test_objective": ledger.held_out_score(each),
            "ended": ledger.moments.get(each.id),
            **_identity(each),
            **_change(each, by_id),
            **_proposal(each),
            **_judgement(each),
        }
        for each in ledger.candidates
    ]


def frontier_ranks(candidates: Sequence[Candidate]) -> dict[str, int]:
    """Rank of each evaluated candidate: 1 where no other is at least as good in score, cost and size and
    better in one of them; 2 where only those of rank 1 are; and so on."""
    points = {
        each.id: (-(estimate_of(each) or 0.0), cost(each), float(each.size_bytes))
        for each in candidates
        if each.outcome in _JUDGED and each.score is not None
    }
    ranks: dict[str, int] = {}
    fronts: list[list[tuple[float, ...]]] = []
    # In this order nobody is dominated by one that comes later.
    for name, point in sorted(points.items(), key=lambda found: found[1]):
        beaten = (index for index, front in enumerate(fronts) if not any(_dominates(f, point) for f in front))
        rank = next(beaten, len(fronts))
        if rank == len(fronts):
            fronts.append([])
        if point not in fronts[rank]:
            fronts[rank].append(point)
        ranks[name] = rank + 1
    return ranks


def observed_of(candidate: Candidate, parent: Candidate | None) -> Mapping[str, Any]:
    """What a candidate's manifest said it would do, held against what its tasks show (`manifest.observed`).

    Empty without a manifest, or where one of the two was not evaluated.
    """
    manifest = candidate.proposal.manifest if candidate.proposal is not None else None
    if manifest is None or parent is None or parent.evaluation is None or candidate.evaluation is None:
        return {}
    try:
        return observed(manifest, parent.evaluation, candidate.evaluation, changed=candidate.changed)
    except (KeyError, TypeError):
        # Its document was changed since: the candidate still has a row.
        return {}


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def _identity(each: Candidate) -> dict[str, Any]:
    return {
        "candidate_id": each.id,
        "parent_candidate_ids": ",".join(each.parents),
        "arm": each.arm.value,
        "slot": each.slot,
        "note": each.note,
        "outcome": each.outcome.value,
        "outcome_summary": each.sentence,
        "valid": each.outcome in _JUDGED,
        "tree": each.tree,
        "size_bytes": each.size_bytes,
        "sandbox": ",".join(sandboxes(each)),
    }


def _change(each: Candidate, by_id: Mapping[str, Candidate]) -> dict[str, Any]:
    broken = dict.fromkeys(_GATED.values(), "")
    if each.outcome in _GATED:
        broken[_GATED[each.outcome]] = ",".join(each.offending)
    manifest = each.proposal.manifest if each.proposal is not None else None
    changes = [one for one in (manifest or {}).get("changes", ()) if isinstance(one, Mapping)]
    seen = observed_of(each, by_id.get(each.parents[0]) if each.parents else None)
    verdicts = Counter(one["verdict"] for one in seen.get("changes", ()))
    return {
        "changed_file_count": len(each.changed),
        "changed_files": ",".join(each.changed),
        "proposal_applied": bool(each.changed),
        "change_manifest_valid": None if each.proposal is None else manifest is not None,
        "change_manifest_change_count": len(changes),
        "change_manifest_components": ",".join(
            dict.fromkeys(str(one["component"]) for one in changes if one.get("component"))
        ),
        "change_attribution_summary": _prediction_words(seen),
        "change_attribution_verdict_counts": dict(sorted(verdicts.items())) or None,
        **broken,
    }


def _proposal(each: Candidate) -> dict[str, Any]:
    agent = each.proposal.agent if each.proposal is not None else {}
    usage = usage_of(each)
    return {
        "token_input": usage.get("input_tokens"),
        "token_output": usage.get("output_tokens"),
        "cost_usd": usage.get("cost_usd"),
        "model_calls": usage.get("calls"),
        "tool_call_count": agent.get("tool_calls"),
        "agent_duration_s": agent.get("duration_s"),
        "proposal_summary": _proposal_words(each),
        "validation_summary": _gate_words(each),
    }


def _judgement(each: Candidate) -> dict[str, Any]:
    judged, accepted = each.evaluation, each.acceptance
    runs = judged.runs if judged is not None else ()
    return {
        "objective": each.score,
        "search_objective": each.score,
        "estimate": estimate_of(each),
        "evaluation_summary": _evaluation_words(each),
        "seeds": len({run.seed for run in runs}) or None,
        "task_runs": len(runs) + (accepted.task_runs if accepted is not None else 0),
        "stopped": judged.stopped if judged is not None else "",
        "evaluation_duration_s": round(sum(run.score.duration_s for run in runs), 4) if runs else None,
        "evaluation_cost": cost(each) if judged is not None else None,
        "accepted": accepted.accepted if accepted is not None else None,
        "acceptance_summary": accepted.sentence if accepted is not None else "",
        **_three("difference", accepted.difference if accepted is not None else None),
        **_three("retest", accepted.retest if accepted is not None else None),
    }


def _three(name: str, found: tuple[float, float, float] | None) -> dict[str, float | None]:
    estimate, low, high = (None, None, None) if found is None else found
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}


def _prediction_words(seen: Mapping[str, Any]) -> str:
    if not seen:
        return ""
    regressed = len(seen["regressed"])
    foreseen = len(seen["regressions_foreseen"])
    words = f"{seen['hits']} of {seen['predicted']} predicted fixes came"
    return f"{words}; {regressed} tasks got worse, {foreseen} of them foreseen"


def _proposal_words(each: Candidate) -> str:
    if each.proposal is None:
        return "" if each.outcome is Outcome.BASELINE else "made without an agent"
    agent = each.proposal.agent
    said = f"{agent.get('agent', 'agent')}: {agent.get('outcome', 'unknown')}"
    reason = str(agent.get("reason") or "")
    return f"{said}; {reason}" if reason else said


def _gate_words(each: Candidate) -> str:
    if each.outcome is Outcome.BASELINE:
        return ""
    if each.evaluation is not None:
        return "passed"
    return f"{each.outcome.value}: {', '.join(each.offending)}" if each.offending else each.outcome.value


def _evaluation_words(each: Candidate) -> str:
    if each.evaluation is None:
        return "not evaluated"
    scores = each.evaluation.by_task
    full = sum(score == 1.0 for score in scores.values())
    words = [f"{full} of {len(scores)} tasks at 1"]
    if scores and full < len(scores):
        worst = min(scores, key=lambda task: scores[task])
        reasons = (run.score.reason for run in each.evaluation.runs if run.task == worst and run.score.reason)
        why = next(reasons, "")
        words.append(f"lowest {worst} at {scores[worst]:.4g}" + (f" ({why})" if why else ""))
    unscored = sum(run.score.score is None for run in each.evaluation.runs)
    if unscored:
        words.append(f"{unscored} task runs without a score")
    if each.evaluation.stopped:
        words.append(f"stopped: {each.evaluation.stopped}")
    return "; ".join(words)
