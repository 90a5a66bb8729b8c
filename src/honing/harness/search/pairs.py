"""Which two candidates are worth joining: each solves what the other does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from honing.harness.candidate import Candidate
from honing.harness.search.ranking import ancestors, task_scores


def complement(first: Candidate, second: Candidate) -> bool:
    """Whether each is ahead of the other on a task at least."""
    a, b = task_scores(first), task_scores(second)
    shared = a.keys() & b.keys()
    return any(a[task] > b[task] for task in shared) and any(a[task] < b[task] for task in shared)


def merged_before(candidates: Iterable[Candidate], first: Candidate, second: Candidate) -> bool:
    """Whether a candidate was made from these two already."""
    wanted = {first.id, second.id}
    return any(set(candidate.parents) == wanted for candidate in candidates)


def unrelated(candidates: Sequence[Candidate], first: Candidate, second: Candidate) -> bool:
    """Whether neither was made from the other, so that joining them gives something new."""
    by_id = {candidate.id: candidate for candidate in candidates}
    return first.id not in ancestors(second, by_id) and second.id not in ancestors(first, by_id)


def common_ancestor(candidates: Sequence[Candidate], first: Candidate, second: Candidate) -> Candidate:
    """The last candidate that both come from, along first parents; the baseline at the latest.

    Args:
        candidates: Everything the view holds; the baseline is the first.
        first: One of two candidates of the view.
        second: The other.
    """
    by_id = {candidate.id: candidate for candidate in candidates}
    behind = set(ancestors(second, by_id))
    found = next((each for each in ancestors(first, by_id) if each in behind), candidates[0].id)
    return by_id[found]
