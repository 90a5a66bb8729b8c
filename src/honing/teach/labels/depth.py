"""How many steps back along its trajectory a snapshot could still have been saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.environments import Task, world_named
from honing.errors import EnvironmentFaultError
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.labels.arms import SNAPSHOTS_PER_UNIT, Acting, Arm, Trial, play
from honing.teach.labels.forcing import expert_actions
from honing.teach.snapshot import Leverage, Snapshot

Json = Any

ENOUGH = 0.5
"""Success rate from which a state counts as saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Steps back until p_force and p_expert reach `ENOUGH`; None where they do not, or it is not known."""

    force: int | None = None
    expert: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthOptions:
    """How depths are measured by episodes of their own."""

    max_depth: int
    n_force: int
    n_expert: int


def depths_from_labels(snapshots: Sequence[Snapshot]) -> dict[str, Depth]:
    """Depth of each labelled snapshot from its own leverage and that of earlier ones of its trajectory."""
    trajectories: dict[tuple[str, str], list[Snapshot]] = {}
    for snapshot in snapshots:
        if snapshot.leverage is not None:
            trajectories.setdefault((snapshot.source, snapshot.task["id"]), []).append(snapshot)
    found = {}
    for rows in trajectories.values():
        for snapshot in rows:
            before = [each for each in rows if _leads_to(each, snapshot)]
            found[snapshot.id] = Depth(
                force=_nearest(snapshot, before, "p_force"), expert=_nearest(snapshot, before, "p_expert")
            )
    return found


def _leads_to(earlier: Snapshot, later: Snapshot) -> bool:
    """Whether both lie on one trajectory, in this order; a snapshot leads to itself."""
    if earlier.id == later.id:
        return True
    path = [*earlier.history, earlier.action]
    return len(path) <= len(later.history) and later.history[: len(path)] == path


def _nearest(snapshot: Snapshot, before: Sequence[Snapshot], rate: str) -> int | None:
    steps = [
        len(snapshot.history) - len(each.history)
        for each in before
        if each.leverage is not None and getattr(each.leverage, rate).p >= ENOUGH
    ]
    return min(steps, default=None)


def depths_by_episodes(
    desk: Desk, student: Acting, expert: Acting, snapshots: Sequence[Snapshot], options: DepthOptions
) -> dict[str, Depth]:
    """Depth of each labelled snapshot by going back along its actions and playing from there.

    At the snapshot itself its labels decide; further back the expert's action is forced, and the expert
    plays, with as many episodes as for the labels. Only what is not decided yet is played one step further
    back.
    """
    found = {each.id: _at_itself(each.leverage) for each in snapshots if each.leverage is not None}
    rows = [each for each in snapshots if each.id in found]
    earlier = _earlier_states(desk, rows, options.max_depth)
    for depth in range(1, options.max_depth + 1):
        states = {each.id: earlier[each.id][depth - 1] for each in rows if len(earlier[each.id]) >= depth}
        step = f"leverage.depth{depth}"
        back = [
            each.model_copy(
                update={"env_state": states[each.id], "history": each.history[: len(each.history) - depth]}
            )
            for each in rows
            if each.id in states and None in (found[each.id].force, found[each.id].expert)
        ]
        if not back:
            break
        for snapshot, here in zip(back, _played(desk, student, expert, back, options, step), strict=True):
            known = found[snapshot.id]
            found[snapshot.id] = Depth(
                force=depth if known.force is None and here.force == 0 else known.force,
                expert=depth if known.expert is None and here.expert == 0 else known.expert,
            )
    return found


def _at_itself(leverage: Leverage) -> Depth:
    return Depth(
        force=0 if leverage.p_force.p >= ENOUGH else None,
        expert=0 if leverage.p_expert.p >= ENOUGH else None,
    )


def _played(
    desk: Desk, student: Acting, expert: Acting, back: Sequence[Snapshot], options: DepthOptions, step: str
) -> list[Depth]:
    """Whether each state is saved by forcing or by the expert: 0 where it is."""
    actions = expert_actions(desk, expert, back, f"{step}.actions")
    n_force = 1 if student.certain else options.n_force
    n_expert = 1 if expert.certain else options.n_expert
    forced = [
        Trial(snapshot=each, arms=(Arm(name="force", n=n_force, draw=step, forced=action),))
        for each, action in zip(back, actions, strict=True)
    ]
    shown = [Trial(snapshot=each, arms=(Arm(name="expert", n=n_expert, draw=step),)) for each in back]
    by_force = play(desk, f"{step}.force", student, forced)
    by_expert = play(desk, f"{step}.expert", expert, shown)
    return [
        Depth(force=_saved(one.outcomes["force"]), expert=_saved(two.outcomes["expert"]))
        for one, two in zip(by_force, by_expert, strict=True)
    ]


def _saved(outcomes: Sequence[int]) -> int | None:
    return 0 if sum(outcomes) >= ENOUGH * len(outcomes) else None


def _earlier_states(desk: Desk, snapshots: Sequence[Snapshot], depth: int) -> dict[str, list[Json]]:
    """Saved states 1, 2 ... steps before each snapshot, the nearest first; none where it does not replay."""
    rows = [
        {"task": each.task, "history": each.history, "observation": each.observation} for each in snapshots
    ]
    work = [
        {"world": world_document(desk), "depth": depth, "rows": rows[start : start + SNAPSHOTS_PER_UNIT]}
        for start in range(0, len(rows), SNAPSHOTS_PER_UNIT)
    ]
    states = [row for result in desk.map("leverage.back", states_back, work) for row in result]
    return {each.id: found for each, found in zip(snapshots, states, strict=True)}


def states_back(work: Mapping[str, Json]) -> list[list[Json]]:
    """One unit: the states before each snapshot of a chunk, by playing its actions from the start."""
    environment = world_named(work["world"]["name"], work["world"]["options"]).make()
    found = []
    try:
        for row in work["rows"]:
            states = []
            try:
                step = environment.reset(Task.from_document(row["task"]))
                for action in row["history"]:
                    states.append(environment.save())
                    step = environment.step(action)
                same = step.observation == row["observation"]
            except EnvironmentFaultError:
                same = False
            found.append(states[::-1][: work["depth"]] if same else [])
    finally:
        environment.close()
    return found
