"""Folds that keep what belongs together in one fold."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from honing.errors import StudyError


def grouped_folds(groups: Sequence[str], folds: int, *, seed: int) -> list[int]:
    """The fold of each row: rows of one group share it, folds are about equally large.

    Groups come in an order drawn by the seed, the largest first, and go to the fold that is emptiest so far.

    Args:
        groups: One label per row: the task's hash.
        folds: How many.
        seed: Another one draws other folds.

    Returns:
        A number in 0..folds-1 per row.

    Raises:
        StudyError: There are fewer groups than folds.
    """
    sizes = Counter(groups)
    if len(sizes) < folds:
        raise StudyError(
            f"{len(sizes)} tasks cannot be cut into {folds} folds. Collect more, or lower predictor.folds."
        )
    drawn = sorted(sizes, key=lambda group: (-sizes[group], _order(seed, group)))
    filled, place = [0] * folds, {}
    for group in drawn:
        emptiest = min(range(folds), key=lambda fold: filled[fold])
        place[group] = emptiest
        filled[emptiest] += sizes[group]
    return [place[group] for group in groups]


def _order(seed: int, group: str) -> str:
    return hashlib.blake2b(f"{seed}\0{group}".encode(), digest_size=8).hexdigest()
