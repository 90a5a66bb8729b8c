"""The last look: how good the winners really are, on seeds and on tasks that nothing has seen before.

A search keeps what looked best, so what it says of its winner is too good on average. Here the baseline, the
search's winner and the control arm's winner are run once more, on fresh seeds of the search tasks and then
on the held-out tasks: paired, once, at the end. Until here no held-out task was run, named or shown.

The result, which is the result of the step `final`:

    winner, control_winner   ids; the latter null without a control arm
    improved                 whether the winner is another candidate than the baseline, and not found to be
                             no better on the fresh seeds: what a noisy search keeps may be luck
    fresh                    evaluations of the search tasks on fresh seeds, by id; empty where every task is
                             deterministic: a second look would show the same
    held_out                 evaluations of the held-out tasks, by id; empty where there are none
    estimate                 the winner's score on the search tasks: `raw` (as it was selected), `fresh` with
                             `low` and `high`, and `gap`, by which the raw score was too good
    comparisons              differences with intervals: `gain` (winner and baseline), `control_gain`
                             (control's winner and baseline), `over_control` (winner and control's winner),
                             `held_out_gain`, `held_out_over_control`; null where one of the two was
                             not run in full
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.errors import UsageError
from honing.harness.accept import final_seeds
from honing.harness.accept_pairs import ROUNDING, interval, pairs
from honing.harness.candidate import Arm, Candidate
from honing.harness.candidate_document import evaluation_document, evaluation_from
from honing.harness.loop.bench import Bench
from honing.harness.loop.config import FINAL
from honing.harness.loop.intervals import score_interval
from honing.harness.loop.slots import Board
from honing.harness.search.base import Search
from honing.harness.tasks.base import Evaluation, Task

Evaluations = Mapping[str, Evaluation]
"""By the candidate's id."""


def last_look(bench: Bench, board: Board, searches: Mapping[Arm, Search]) -> dict[str, Any]:
    """Choose the winners and run them once more; made once in the life of a run.

    Raises:
        BudgetExhaustedError: The budget of task runs is spent; with a larger one the same call goes on.
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    winners = {arm: search.best(board.arm(arm)) for arm, search in searches.items()}

    def make(_: Any) -> dict[str, Any]:
        return _looked(bench, board.baseline, winners)

    unit = {arm.value: winner.id for arm, winner in winners.items()}
    found: dict[str, Any] = bench.step(FINAL, make, [unit])[0]
    return found


def _looked(bench: Bench, baseline: Candidate, winners: Mapping[Arm, Candidate]) -> dict[str, Any]:
    winner, control = winners[Arm.SEARCH], winners.get(Arm.CONTROL)
    looked_at = {each.id: each for each in (baseline, winner, control) if each is not None}
    noisy = any(not task.deterministic for task in bench.project.tasks)
    fresh = _run(bench, bench.project.tasks, looked_at) if noisy else {}
    held_out = _run(bench, bench.project.held_out, looked_at) if bench.project.held_out else {}
    shown = fresh or _scored(looked_at)
    rival = control.id if control is not None else ""
    compared = {
        "gain": (shown, winner.id, baseline.id),
        "control_gain": (shown, rival, baseline.id),
        "over_control": (shown, winner.id, rival),
        "held_out_gain": (held_out, winner.id, baseline.id),
        "held_out_over_control": (held_out, winner.id, rival),
    }
    level = bench.project.judging.level
    differences = {
        name: _difference(found, ours, theirs, level=level)
        for name, (found, ours, theirs) in compared.items()
    }
    gain = differences["gain"]
    return {
        "winner": winner.id,
        "control_winner": control.id if control is not None else None,
        "improved": winner.id != baseline.id and (gain is None or gain["estimate"] > ROUNDING),
        "fresh": {name: evaluation_document(found) for name, found in fresh.items()},
        "held_out": {name: evaluation_document(found) for name, found in held_out.items()},
        "estimate": _estimate(winner, shown, level=level),
        "comparisons": differences,
    }


def _run(bench: Bench, tasks: Sequence[Task], candidates: Mapping[str, Candidate]) -> dict[str, Evaluation]:
    """Each candidate on every task under the final seeds, whatever the thresholds of the cascade say."""
    seeds = final_seeds(bench.project.judging)
    return {
        name: _as_read(bench.whole.evaluate(_tree(each), tasks, seeds, cancel=bench.stopping))
        for name, each in candidates.items()
    }


def _as_read(evaluation: Evaluation) -> Evaluation:
    """As a later session reads it: texts are bounded."""
    return evaluation_from(evaluation_document(evaluation))


def _tree(candidate: Candidate) -> Any:
    if candidate.tree is None:
        raise UsageError(f"{candidate.id}: a search chose a candidate without a tree as its best.")
    return candidate.tree


def _scored(candidates: Mapping[str, Candidate]) -> dict[str, Evaluation]:
    """The evaluations that the candidates have: where every task is deterministic, a second look shows the
    same."""
    return {name: each.evaluation for name, each in candidates.items() if each.evaluation is not None}


def _estimate(winner: Candidate, shown: Evaluations, *, level: float) -> dict[str, Any]:
    raw, found = winner.score, shown.get(winner.id)
    score = found.score if found is not None else None
    reach = score_interval(found, level=level) if found is not None else None
    return {
        "raw": raw,
        "fresh": score,
        "low": reach.low if reach is not None else None,
        "high": reach.high if reach is not None else None,
        "level": level,
        "gap": None if raw is None or score is None else raw - score,
    }


def _difference(found: Evaluations, ours: str, theirs: str, *, level: float) -> dict[str, Any] | None:
    """Paired difference of two candidates with its interval; None where one of them was not run in full."""
    if not all(name in found and found[name].complete for name in (ours, theirs)):
        return None
    try:
        both = pairs(found[ours], found[theirs])
    except ValueError:
        # They share no scored run: nothing can be said.
        return None
    reach = interval(both, level=level)
    return {
        "estimate": reach.estimate,
        # Scores lie between 0 and 1, and so their differences between -1 and 1.
        "low": max(-1.0, reach.low),
        "high": min(1.0, reach.high),
        "level": level,
        "pairs": len(both),
        "method": reach.method.value,
    }
