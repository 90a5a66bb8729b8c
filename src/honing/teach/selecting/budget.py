"""How many snapshots a method may choose."""

from __future__ import annotations

from honing.errors import UsageError


def budget_of(asked: int | None, pool: int) -> int:
    """Snapshots that every method may train on.

    Args:
        asked: As the study says; a quarter of the pool where None.
        pool: Snapshots there are to choose from.

    Raises:
        UsageError: The budget is not smaller than the pool, so that nothing would be chosen.
    """
    if asked is None:
        asked = max(1, pool // 4)
    if asked >= pool:
        raise UsageError(
            f"--budget {asked}: must be smaller than the pool of {pool} training snapshots; with all of them "
            "every method trains on the same. Lower it, or label more snapshots."
        )
    return asked
