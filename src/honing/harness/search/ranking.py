"""Who is ahead: what every search asks of the candidates it may see. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from honing.harness.candidate import Candidate


def believed(candidate: Candidate) -> float:
    """The score to rank by: from fresh seeds where a candidate was tested again, otherwise the first one.

    Minus infinity where nothing was scored in full.
    """
    if candidate.acceptance is not None and candidate.acceptance.estimate is not None:
        return candidate.acceptance.estimate
    return -math.inf if candidate.score is None else candidate.score


def lineage(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The baseline and what was kept, in the order given."""
    return [candidate for candidate in candidates if candidate.in_lineage and candidate.tree is not None]


def standing(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of a lineage that no kept child has beaten.

    A child was kept because it beat its parent on the same seeds. Their believed scores may come from
    different seeds and say the opposite: the direct comparison is the better evidence.
    """
    found = lineage(candidates)
    beaten = {parent for candidate in found for parent in candidate.parents[:1]}
    return [candidate for candidate in found if candidate.id not in beaten]


def leader(candidates: Sequence[Candidate]) -> Candidate:
    """The highest believed score of those that stand; the earlier one of equals.

    Raises:
        ValueError: There is no baseline and nothing was kept.
    """
    found = standing(candidates)
    if not found:
        raise ValueError("candidates: expected the baseline at least, found nothing that was kept.")
    return max(found, key=believed)


def task_scores(candidate: Candidate) -> Mapping[str, float]:
    """Mean score by task; empty where it was not evaluated."""
    return candidate.evaluation.by_task if candidate.evaluation is not None else {}


def cost(candidate: Candidate) -> float:
    """What one run of all its search tasks spent, as the graders said; 0 where none said anything."""
    if candidate.evaluation is None:
        return 0.0
    by_task: dict[str, list[float]] = {}
    for run in candidate.evaluation.runs:
        by_task.setdefault(run.task, []).append(run.score.cost)
    return sum(sum(found) / len(found) for found in by_task.values())


def ancestors(candidate: Candidate, by_id: Mapping[str, Candidate]) -> list[str]:
    """Ids from the candidate itself back to the baseline, along first parents."""
    found = [candidate.id]
    while candidate.parents and candidate.parents[0] in by_id:
        candidate = by_id[candidate.parents[0]]
        found.append(candidate.id)
    return found
