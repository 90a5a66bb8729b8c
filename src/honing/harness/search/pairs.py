"""Which two candidates are worth joining: each solves what the other does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from honing.harness.candidate import Candidate
from honing.harness.search.ranking import ancestors


def complement(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Whether each of two candidates is ahead of the other on a task at least, by their scores by task."""
    shared = first.keys() & second.keys()
    ahead = any(first[task] > second[task] for task in shared)
    return ahead and any(first[task] < second[task] for task in shared)


def merged_before(candidates: Iterable[Candidate], first: Candidate, second: Candidate) -> bool:
    """Whether a candidate was made from these two already."""
    wanted = {first.id, second.id}
    return any(set(candidate.parents) == wanted for candidate in candidates)


def unrelated(by_id: Mapping[str, Candidate], first: Candidate, second: Candidate) -> bool:
    """Whether neither was made from the other, so that joining them gives something new.

    Args:
        by_id: Everything the view holds.
        first: One of two candidates of the view.
        second: The other.
    """
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
