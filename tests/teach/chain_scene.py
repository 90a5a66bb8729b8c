"""A study on the scripted chain whose student has stated chances, so that every label is known in truth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.environments import ChainPolicy, ChainTruth, TruthOptions, chain_truth, task_hash, world_named
from honing.environments.scripted import DOOR_OF, door
from honing.environments.scripted_truth import SKILLS
from honing.learn import Episode, Keep, Start, draw, roll_out
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting
from honing.teach.snapshot import Advice, Snapshot
from honing.teach.study_spec import StudySpec

SEED = 5
OPTIONS = {"length": 5, "max_steps": 12}
WORLD = world_named("scripted", OPTIONS)
CHAIN = "honing.environments:ChainPolicy"
STUDENT = Acting(policy={"kind": CHAIN})
EXPERT = Acting(policy={"kind": CHAIN, "expert": True})
"""An expert who errs, so that p_expert is no matter of 0 and 1."""


def chain_desk(folder: Path, *, workers: int = 0, **parts: Mapping[str, Any]) -> Desk:
    """A run with a student of stated chances, and a study with these parts."""
    document = {
        "seed": SEED,
        "environment": {"name": "scripted", "options": OPTIONS},
        "student": {"device": "cpu"},
        **parts,
    }
    run = Run.create(folder, kind="teach", config={}, command=[], seed=SEED)
    run.write_json("phase0/student.json", {"policy": {"kind": CHAIN}, "about": "chain", "identity": "chain"})
    return Desk(run=run, spec=StudySpec.model_validate(document), workers=workers)


def chain_snapshots(n: int, *, success: bool = False, every: bool = False) -> list[Snapshot]:
    """Moments of the student's episodes that ended so, one of each; all of each where `every` is said."""
    found: list[Snapshot] = []
    size = 0
    while len(found) < n:
        tasks = WORLD.tasks("collect", size + 200, seed=SEED)[size:]
        size += 200
        starts = [Start(task=task, draw="collect") for task in tasks]
        played = roll_out(ChainPolicy(), WORLD, starts, temperature=1.0, seed=SEED, keep=Keep.STATES)
        for episode in played:
            if episode.success is success:
                steps = range(len(episode.moves))
                chosen = steps if every else [int(draw("moment", episode.task.id) * len(steps))]
                found += [snapshot_at(episode, step) for step in chosen]
    return found[:n]


def snapshot_at(episode: Episode, step: int) -> Snapshot:
    """The moment before an action, with advice that names the right door."""
    move = episode.moves[step]
    environment = WORLD.make()
    first = environment.reset(episode.task)
    return Snapshot(
        id=f"{episode.task.id}-{step}",
        task=episode.task.as_document(),
        task_hash=task_hash(first, episode.task),
        goal=episode.goal,
        observation=move.observation,
        valid_actions=list(move.actions),
        history=list(episode.actions[:step]),
        action=move.action,
        action_kind=WORLD.kind(move.action),
        step_index=step,
        n_steps=len(episode.actions),
        env_state=dict(move.state or {}),
        start_observation=first.observation,
        advice=advice_on(move.observation, move.actions),
    )


def advice_on(observation: str, actions: Sequence[str]) -> Advice:
    """What a teacher says there: the right door; in a pit, the first thing."""
    sign = re.search(r"the sign shows (\w+)", observation)
    return Advice(
        suggested_action=door(DOOR_OF[sign.group(1)]) if sign else actions[0],
        rationale="it leads on",
        diagnosis="the sign was not minded",
        teacher="expert",
    )


def truth_of(snapshot: Snapshot, *, patch_steps: int | None = 1) -> ChainTruth:
    """The exact labels of a snapshot."""
    assert snapshot.env_state is not None
    assert snapshot.advice is not None
    options = TruthOptions(
        max_steps=OPTIONS["max_steps"],
        forced=snapshot.advice.suggested_action,
        patch_steps=patch_steps,
        wrong=snapshot.action,
    )
    return chain_truth(snapshot.env_state, SKILLS, options)
