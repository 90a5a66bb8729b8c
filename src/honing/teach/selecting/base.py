"""What a way to choose snapshots is, and what it may look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from honing.errors import StudyError
from honing.learn import draw
from honing.teach.snapshot import Snapshot

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The training snapshots that all methods choose from, with the same budget for each."""

    snapshots: tuple[Snapshot, ...]
    """In the order of their ids; each can be taught."""
    budget: int
    """Snapshots that a method chooses, fewer than there are."""
    seed: int
    kind: Callable[[str], str]
    """The world's sort of an action."""
    cap_per_fact: int | None = None
    """At most so many snapshots of tasks with one fact; None for no limit. A method then may choose fewer
    than the budget."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What methods measured or were told, by method, then by snapshot's id: predicted ELP of `predictor`,
    flips of `one_flip`, similarities of `influence`."""

    def score(self, method: str) -> Mapping[str, float]:
        """What was measured for a method.

        Raises:
            StudyError: Nothing was.
        """
        found = self.scores.get(method)
        if found is None:
            raise StudyError(
                f"Selection by '{method}' has no scores: the phase that measures them has not run. `hone "
                "teach predictor` writes predictions; `hone teach select` measures the others."
            )
        return found

    def drawn(self, name: str) -> list[Snapshot]:
        """All snapshots in an order drawn by chance; another name, another order."""
        return sorted(self.snapshots, key=lambda one: (draw(self.seed, name, one.id), one.id))

    def best(self, scores: Mapping[str, float]) -> list[Snapshot]:
        """All snapshots, the highest score first; equals in an order drawn by chance, the same for every
        method, and those without a score last."""
        order = self.drawn("ties")
        return sorted(order, key=lambda one: -scores.get(one.id, float("-inf")))

    def take(self, order: Sequence[Snapshot]) -> tuple[str, ...]:
        """The first of an order that budget and cap admit."""
        taken: list[str] = []
        used: Counter[str] = Counter()
        for snapshot in order:
            facts = snapshot.the_task().tags
            full = self.cap_per_fact is not None and any(used[fact] >= self.cap_per_fact for fact in facts)
            if len(taken) == self.budget or full:
                continue
            taken.append(snapshot.id)
            used.update(facts)
        return tuple(taken)

    def taught_kind(self, snapshot: Snapshot) -> str:
        """Sort of the action that a snapshot teaches."""
        return self.kind(taught_action(snapshot))


class SelectionMethod(Protocol):
    """One way to choose. Deterministic in the pool."""

    @property
    def name(self) -> str:
        """In `selection.methods` and in the folders of the run."""
        ...

    @property
    def about(self) -> str:
        """One sentence for tables: what is chosen."""
        ...

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """Ids of the chosen snapshots, the most wanted first: `pool.take` of an order.

        Raises:
            StudyError: The pool lacks what it goes by.
        """
        ...


def taught_action(snapshot: Snapshot) -> str:
    """The teacher's action; what was done, where there is no advice."""
    advice = snapshot.advice
    return advice.suggested_action if advice is not None and advice.valid else snapshot.action
