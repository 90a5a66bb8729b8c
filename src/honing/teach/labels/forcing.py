"""Which action is forced at a snapshot, and whether episodes can be played from it at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from honing.environments import KnowsBest, Task, world_named
from honing.learn import Policy, Start, policy_from, roll_out
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.labels.arms import SNAPSHOTS_PER_UNIT, Acting
from honing.teach.snapshot import Snapshot

Json = Any

NO_STATE = "it has no saved state, so nothing can be played from it"
NO_EXPERT = (
    "the world has no expert inside; name one in the study (`expert: {kind: checkpoint, checkpoint: ...}`)"
)
NO_ADVICE = "the teacher gave no valid advice"
NO_ACTION = "neither the teacher nor the expert names an action there"


def unplayable(desk: Desk, expert: Acting, snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """Why no episodes can be compared, by id; those that can be played are left out."""
    lacking = _lacks_expert(desk, expert)
    found = {}
    for snapshot in snapshots:
        if snapshot.env_state is None:
            found[snapshot.id] = NO_STATE
        elif lacking:
            found[snapshot.id] = NO_EXPERT
    return found


def forced_actions(desk: Desk, expert: Acting, snapshots: Sequence[Snapshot], *, step: str) -> dict[str, str]:
    """The action that is forced at each snapshot, by id: the teacher's where it is valid, else the expert's.

    Args:
        desk: Of the study.
        expert: Who is asked where there is no valid advice.
        snapshots: With a saved state.
        step: Name of the step in the journal.
    """
    found = {each.id: each.advice.suggested_action for each in snapshots if advised(each) and each.advice}
    asked = [each for each in snapshots if each.id not in found]
    if asked:
        actions = expert_actions(desk, expert, asked, step)
        found |= {each.id: action for each, action in zip(asked, actions, strict=True)}
    return found


def advised(snapshot: Snapshot) -> bool:
    """Whether the teacher named an action that is valid there."""
    advice = snapshot.advice
    return advice is not None and advice.valid and advice.suggested_action in snapshot.valid_actions


def expert_actions(desk: Desk, expert: Acting, snapshots: Sequence[Snapshot], step: str) -> list[str]:
    """What the expert would do at each snapshot."""
    shared = {"world": world_document(desk), "seed": desk.spec.seed, "policy": expert.identity()}
    rows = [{"task": each.task, "state": each.env_state, "history": each.history} for each in snapshots]
    work = [
        {**shared, "rows": rows[start : start + SNAPSHOTS_PER_UNIT]}
        for start in range(0, len(rows), SNAPSHOTS_PER_UNIT)
    ]
    held = None if isinstance(expert.policy, Mapping) else expert.policy
    fn = first_actions if held is None else partial(first_actions, policy=held)
    return [action for result in desk.map(step, fn, work, executor=expert.executor) for action in result]


def first_actions(work: Mapping[str, Json], *, policy: Policy | None = None) -> list[str]:
    """One unit: the likeliest action of a policy in each state; empty where the state does not restore."""
    starts = [
        Start(
            task=Task.from_document(row["task"]),
            draw="forced",
            state=row["state"],
            history=tuple(row["history"]),
        )
        for row in work["rows"]
    ]
    episodes = roll_out(
        policy or policy_from(work["policy"]),
        world_named(work["world"]["name"], work["world"]["options"]),
        starts,
        temperature=0.0,
        seed=work["seed"],
        max_steps=1,
    )
    return [episode.actions[0] if episode.actions else "" for episode in episodes]


def _lacks_expert(desk: Desk, expert: Acting) -> bool:
    """Whether the expert is the world's own, and the world has none."""
    if not isinstance(expert.policy, Mapping) or expert.policy.get("kind") != "expert":
        return False
    return not desk.map("leverage.expert", has_expert, [world_document(desk)])[0]


def has_expert(world: Mapping[str, Json]) -> bool:
    """One unit: whether a world's environments know best."""
    environment = world_named(world["name"], world["options"]).make()
    try:
        return isinstance(environment, KnowsBest)
    finally:
        environment.close()
