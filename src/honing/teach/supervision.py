"""From labelled snapshots to training examples. The target is always the teacher's action; never anything
that the student did itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task, world_named
from honing.learn import (
    Episode,
    Example,
    Keep,
    Lesson,
    Situation,
    Start,
    patch_text,
    policy_from,
    roll_out,
)
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.phases.collect import expert_policy
from honing.teach.snapshot import Route, Snapshot

Json = Any

MIN_L_UPPER = 0.3
"""Below it a snapshot is a dead end (`Profile.DEADEND`), which even an expert hardly leaves."""
_SNAPSHOTS_PER_UNIT = 64


def examples_of(snapshot: Snapshot, route: Route) -> list[Example]:
    """What a snapshot teaches by one kind of supervision; nothing where its advice is not valid.

    - demo: goal, observation and history, then the teacher's action.
    - contrast: the wrong and the right action stand in context as text, then the same.
    - hint: the diagnosis stands in context, then the same.

    Every example also names the student's own action as rejected, for preference pairs; supervised training
    does not look at it.
    """
    lesson = lesson_of(snapshot)
    if lesson is None:
        return []
    situation = Situation(
        goal=snapshot.goal,
        observation=snapshot.observation,
        history=tuple(snapshot.history),
        actions=tuple(snapshot.valid_actions),
        patch="" if route is Route.DEMO else patch_text(route.value, lesson),
    )
    wrong = snapshot.action if snapshot.action != lesson.action else ""
    return [Example(situation=situation, action=lesson.action, rejected=wrong, source=snapshot.id)]


def lesson_of(snapshot: Snapshot) -> Lesson | None:
    """The teacher's advice as patches are made of it; None where there is no valid advice."""
    advice = snapshot.advice
    if advice is None or not advice.valid or advice.suggested_action not in snapshot.valid_actions:
        return None
    return Lesson(
        observation=snapshot.observation,
        action=advice.suggested_action,
        reason=advice.rationale,
        wrong=snapshot.action,
        diagnosis=advice.diagnosis,
    )


def recoverable(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Snapshots from which an expert would succeed and the student does not: a saved state, and L_upper of
    `MIN_L_UPPER` or more. Those with the most to gain come first; equals in order of their ids."""
    worth = {
        snapshot.id: snapshot.leverage.L_upper
        for snapshot in snapshots
        if snapshot.env_state is not None
        and snapshot.leverage is not None
        and snapshot.leverage.L_upper >= MIN_L_UPPER
    }
    return sorted(
        (snapshot for snapshot in snapshots if snapshot.id in worth), key=lambda one: (-worth[one.id], one.id)
    )


def recovery_examples(desk: Desk, step: str, snapshots: Sequence[Snapshot]) -> list[Example]:
    """The expert's way from each snapshot to the goal, one example per action; nothing of an episode that
    fails, or that is marked as tampered with.

    Args:
        desk: Of the study.
        step: Name of the step in the journal.
        snapshots: Each with a saved state.
    """
    rows = [
        {
            "id": snapshot.id,
            "task": snapshot.task,
            "state": snapshot.env_state,
            "history": snapshot.history,
        }
        for snapshot in snapshots
    ]
    work = {"world": world_document(desk), "policy": expert_policy(desk), "seed": desk.spec.seed}
    chunks = [
        {**work, "snapshots": rows[first : first + _SNAPSHOTS_PER_UNIT]}
        for first in range(0, len(rows), _SNAPSHOTS_PER_UNIT)
    ]
    return [
        Example.from_document(document) for found in desk.map(step, recover, chunks) for document in found
    ]


def recover(work: Mapping[str, Json]) -> list[Json]:
    """One unit: the expert plays from each snapshot of a chunk to the end."""
    policy = policy_from(work["policy"])
    rows = work["snapshots"]
    starts = [
        Start(
            task=Task.from_document(row["task"]),
            draw="recovery",
            state=row["state"],
            history=tuple(row["history"]),
        )
        for row in rows
    ]
    world = world_named(work["world"]["name"], work["world"]["options"])
    episodes = roll_out(policy, world, starts, temperature=0.0, seed=work["seed"], keep=Keep.STEPS)
    return [
        example.as_document()
        for row, episode in zip(rows, episodes, strict=True)
        for example in trajectory_examples(episode, row["history"], row["id"])
    ]


def trajectory_examples(episode: Episode, history: Sequence[str], source: str) -> list[Example]:
    """One example per action of a successful episode that can be trusted; else none.

    Args:
        episode: With its moves.
        history: Actions before it began.
        source: Id of where it began.
    """
    if not episode.success or episode.tampered:
        return []
    return [
        Example(
            situation=Situation(
                goal=episode.goal,
                observation=move.observation,
                history=(*history, *episode.actions[:number]),
                actions=move.actions,
            ),
            action=move.action,
            source=source,
        )
        for number, move in enumerate(episode.moves)
    ]
