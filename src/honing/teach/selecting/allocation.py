"""Which snapshot to label next, when labels cost episodes and not all can be had: the interface, and its
plainest implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from honing.learn import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one snapshot so far."""

    n: int = 0
    """Times its payoff was measured."""
    mean: float = 0.0
    """Of the measurements; 0 where there is none."""


class Allocator(Protocol):
    """Spends a budget of measurements one after the other. Deterministic in what it is shown."""

    def next(self, evidence: Mapping[str, Evidence]) -> str:
        """Id of the snapshot to measure next.

        Args:
            evidence: By id, every snapshot that may be measured, those not measured yet included.

        Raises:
            ValueError: There is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class UniformAllocator:
    """Every snapshot as often as every other: the least measured next, equals in an order drawn by chance."""

    seed: int = 0

    def next(self, evidence: Mapping[str, Evidence]) -> str:
        """See `Allocator.next`."""
        if not evidence:
            raise ValueError("evidence: there is no snapshot to measure.")
        return min(evidence, key=lambda name: (evidence[name].n, draw(self.seed, "allocation", name), name))


def allocate(allocator: Allocator, ids: Sequence[str], measure: Mapping[str, Sequence[float]]) -> list[str]:
    """Play an allocator on payoffs that were measured before, to compare allocators without new episodes.

    Args:
        allocator: Which.
        ids: Snapshots that may be measured.
        measure: By id, the payoffs that its measurements give, in their order; a snapshot whose payoffs are
            used up is offered no more.

    Returns:
        Ids in the order in which they were measured, until nothing is left.
    """
    evidence = {name: Evidence() for name in ids}
    order: list[str] = []
    while open_ones := {name: known for name, known in evidence.items() if known.n < len(measure[name])}:
        name = allocator.next(open_ones)
        known = evidence[name]
        payoff = measure[name][known.n]
        evidence[name] = Evidence(n=known.n + 1, mean=(known.mean * known.n + payoff) / (known.n + 1))
        order.append(name)
    return order
