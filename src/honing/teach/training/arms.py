"""Which runs phase 2 trains, and on which snapshots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from honing.learn import Example, draw
from honing.teach.snapshot import Quadrant, Route, Snapshot
from honing.teach.supervision import examples_of, lesson_of

UNIFORM, ALL, RECOVERY = "B1_uniform", "B2_all", "R1_recovery"
PREFERENCE = "dpo"
"""Supervision of the arms that are trained on preference pairs."""
RECOVERED = "recovery"
"""Supervision of the arm that is trained on the expert's trajectories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRun:
    """One training: who it is, and what it learns from."""

    run_id: str
    supervision: str
    """demo, contrast, hint, recovery or dpo."""
    quadrant: Quadrant | None = None
    """Where all its snapshots come from; None where from several."""
    snapshots: tuple[Snapshot, ...]
    examples: tuple[Example, ...]
    note: str = ""
    """What a reader of its figures must know."""

    @property
    def preference(self) -> bool:
        """Whether it is trained on pairs."""
        return self.supervision == PREFERENCE


def trainable(labelled: Sequence[Snapshot], *, drop_abstained: bool) -> list[Snapshot]:
    """Snapshots of the training split with a quadrant and valid advice."""
    return [
        snapshot
        for snapshot in labelled
        if snapshot.split == "train"
        and snapshot.quadrant is not None
        and lesson_of(snapshot) is not None
        and not (drop_abstained and snapshot.abstain)
    ]


def by_quadrant(snapshots: Sequence[Snapshot], *, seed: int) -> dict[Quadrant, list[Snapshot]]:
    """Each quadrant's snapshots in an order drawn by their ids, so a shorter list begins a longer one."""
    drawn = sorted(snapshots, key=lambda snapshot: draw(seed, "train", snapshot.id))
    return {q: [snapshot for snapshot in drawn if snapshot.quadrant is q] for q in Quadrant}


def equal_share(quadrants: dict[Quadrant, list[Snapshot]]) -> int:
    """Snapshots that every run but `B2_all` gets: as many as the smallest quadrant that is not empty has."""
    return min((len(found) for found in quadrants.values() if found), default=0)


def matrix_runs(snapshots: Sequence[Snapshot], *, seed: int, preference: bool = False) -> list[TrainRun]:
    """The quadrants by the kinds of supervision, then `B1_uniform` and `B2_all`; then, where `preference`,
    one arm of pairs per quadrant. A quadrant without snapshots has no runs.

    All but `B2_all` train on the same number of snapshots, and `B1_uniform` takes as many of each quadrant as
    divides evenly, the rest from the first ones.
    """
    quadrants = by_quadrant(snapshots, seed=seed)
    share = equal_share(quadrants)
    runs = [
        _run(f"{quadrant.value}_{route.value}", route.value, found[:share], quadrant)
        for quadrant, found in quadrants.items()
        for route in Route
        if found
    ]
    mixed = _evenly(list(quadrants.values()), share)
    everything = [snapshot for found in quadrants.values() for snapshot in found]
    if everything:
        runs += [_run(UNIFORM, Route.DEMO.value, mixed), _run(ALL, Route.DEMO.value, everything)]
    if preference:
        runs += [
            _pairs(f"{quadrant.value}_{PREFERENCE}", found[:share], quadrant)
            for quadrant, found in quadrants.items()
            if found
        ]
    return [run for run in runs if run.examples]


def demo_run(run_id: str, snapshots: Sequence[Snapshot], route: Route = Route.DEMO) -> TrainRun:
    """A run on any snapshots; selection methods are compared by such."""
    return _run(run_id, route.value, snapshots)


def recovery_run(
    snapshots: Sequence[Snapshot], share: int, trajectories: Callable[[list[Snapshot]], list[Example]]
) -> TrainRun | None:
    """The recovery arm: the expert's way to the goal from `share` snapshots.

    Args:
        snapshots: Those with the most to gain first; see `supervision.recoverable`.
        share: As many as the other runs have.
        trajectories: Plays the expert; see `supervision.recovery_examples`.

    Returns:
        None where the expert recovers from none.
    """
    chosen = list(snapshots[:share])
    examples = trajectories(chosen)
    sources = {example.source for example in examples}
    used = tuple(snapshot for snapshot in chosen if snapshot.id in sources)
    if not used:
        return None
    return TrainRun(
        run_id=RECOVERY,
        supervision=RECOVERED,
        snapshots=used,
        examples=tuple(examples),
        note="several examples per snapshot, chosen by L_upper: not to be compared as one more format",
    )


def _run(
    run_id: str, supervision: str, snapshots: Sequence[Snapshot], quadrant: Quadrant | None = None
) -> TrainRun:
    route = Route(supervision)
    return TrainRun(
        run_id=run_id,
        supervision=supervision,
        quadrant=quadrant,
        snapshots=tuple(snapshots),
        examples=tuple(example for snapshot in snapshots for example in examples_of(snapshot, route)),
    )


def _pairs(run_id: str, snapshots: Sequence[Snapshot], quadrant: Quadrant) -> TrainRun:
    """Pairs of the taught action and the student's own; where both are the same there is none."""
    run = _run(run_id, Route.DEMO.value, snapshots, quadrant)
    pairs = tuple(example for example in run.examples if example.rejected)
    sources = {example.source for example in pairs}
    return TrainRun(
        run_id=run_id,
        supervision=PREFERENCE,
        quadrant=quadrant,
        snapshots=tuple(snapshot for snapshot in snapshots if snapshot.id in sources),
        examples=pairs,
    )


def _evenly(groups: Sequence[Sequence[Snapshot]], n: int) -> list[Snapshot]:
    """`n` snapshots, one from each group in turn for as long as it has any."""
    longest = max((len(group) for group in groups), default=0)
    dealt = [group[place] for place in range(longest) for group in groups if place < len(group)]
    return dealt[:n]
