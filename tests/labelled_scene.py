"""A study on the scripted chain, labelled by hand: what phases 1B, 2 and 3 read, without those before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from honing.environments import task_hash, world_named
from honing.learn import (
    Episode,
    Expert,
    Keep,
    MockPolicy,
    Policy,
    Start,
    WarmStartOptions,
    demonstrations,
    roll_out,
    warm_start,
)
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.snapshot import Advice, Leverage, PatchTest, Profile, Quadrant, Rate, Route, Snapshot
from honing.teach.study_spec import StudySpec

WORLD = "scripted"
OPTIONS = {"length": 3, "doors": 3, "pit_share": 0.4}
"""Short enough that a student who knows next to nothing is lucky now and then."""
SEED = 3
RATE = Rate(p=0.5, n=2, low=0.1, high=0.9)
TINY = WarmStartOptions(hidden=16, heads=2, layers=1, steps=60, demonstrations=400, seed=SEED)


def tiny_student(cache: Path) -> Path:
    """A student that knows next to nothing, made in about a second."""
    return warm_start(world_named(WORLD, OPTIONS), TINY, cache)


def spec(**parts: dict[str, Any]) -> StudySpec:
    """A study of the smallest size."""
    document: dict[str, Any] = {
        "name": "tiny",
        "seed": SEED,
        "environment": {"name": WORLD, "options": OPTIONS},
        "student": {"device": "cpu"},
        "mine": {"retention_tasks": 6, "failure_panel": 8},
        "micro_training": {"n_per_quadrant": 2, "similar_tasks": 3, "n_validation_rollouts": 2},
        "training": {"n_steps": 3, "batch_size": 4, "lora_rank": 2, "lora_alpha": 4},
        "evaluation": {"n_tasks": 12, "n_snapshots_per_quadrant": 2},
    }
    for name, part in parts.items():
        document[name] = {**document.get(name, {}), **part}
    return StudySpec.model_validate(document)


def labelled_desk(folder: Path, student: Path, study: StudySpec | None = None, *, workers: int = 0) -> Desk:
    """A run with everything that the phases before leave."""
    study = study or spec()
    run = Run.create(folder, kind="teach", config={}, command=[], seed=SEED)
    desk = Desk(run=run, spec=study, workers=workers)
    failing = _episodes(MockPolicy(sharpness=4.0), success=False, n=40)
    succeeding = _episodes(Expert(), success=True, n=6)
    labelled = [_labelled(snapshot_of(episode, n), n) for n, episode in enumerate(failing)]
    document = {
        "checkpoint": str(student),
        "identity": "tiny",
        "history": 4,
        "device": "cpu",
        "about": "warm-started, llama",
    }
    run.write_json("phase0/student.json", document)
    run.write_jsonl("phase0/replay.jsonl", [shown.as_document() for shown in _replay()])
    run.write_json("phase0/retention_tasks.json", [t.as_document() for t in tasks("retention", 6)])
    run.write_json(
        "phase0/succeeding_snapshots.json",
        [snapshot_of(episode, 99 + n).as_document() for n, episode in enumerate(succeeding)],
    )
    run.write_jsonl("phase1/labeled_snapshots.jsonl", [one.as_document() for one in labelled])
    return desk


def tasks(split: str, n: int) -> list[Any]:
    return world_named(WORLD, OPTIONS).tasks(split, n, seed=SEED)


def snapshot_of(episode: Episode, number: int, *, step: int = 1) -> Snapshot:
    """The moment of an episode before its action number `step`."""
    move = episode.moves[step]
    world = world_named(WORLD, OPTIONS)
    environment = world.make()
    assert move.state is not None
    environment.restore(move.state)
    right = environment.expert_action()  # type: ignore[attr-defined]
    return Snapshot(
        id=f"{episode.task.id}-{step}",
        split="panel" if number % 5 == 0 else "train",
        task=episode.task.as_document(),
        task_hash=episode.task_hash,
        goal=episode.goal,
        observation=move.observation,
        valid_actions=list(move.actions),
        history=list(episode.actions[:step]),
        action=move.action,
        action_kind=world.kind(move.action),
        step_index=step,
        n_steps=len(episode.actions),
        env_state=dict(move.state),
        advice=Advice(
            suggested_action=right,
            rationale="it leads on",
            diagnosis="it was the wrong door",
            teacher="expert",
        ),
    )


def _labelled(snapshot: Snapshot, number: int) -> Snapshot:
    """With labels that follow from its number alone."""
    elp = (number % 7) / 7
    leverage = Leverage(
        p_policy=RATE, p_force=RATE, p_expert=RATE,
        L_local=(number % 4) / 4, L_local_low=-0.5, L_local_high=0.5,
        L_upper=(number % 3) / 2, L_upper_low=-0.5, L_upper_high=0.5,
        profile=Profile.MIXED, forced_action="",
    )  # fmt: skip
    cpt = PatchTest(
        p={"base": RATE}, delta_net=dict.fromkeys(Route, elp), delta_raw=dict.fromkeys(Route, elp),
        ELP_net=elp, ELP_raw=elp, route_net=Route.DEMO, ELP_net_retest=(number % 6) / 6,
    )  # fmt: skip
    return snapshot.model_copy(
        update={
            "U": (number % 11) / 11,
            "leverage": leverage,
            "cpt": cpt,
            "quadrant": list(Quadrant)[number % 4],
        }
    )


def _episodes(policy: Policy, *, success: bool, n: int) -> list[Episode]:
    """Episodes that end like that, three actions or longer, one per task."""
    played = roll_out(
        policy,
        world_named(WORLD, OPTIONS),
        [Start(task=task, draw="collect") for task in tasks("collect", 4 * n)],
        temperature=1.0,
        seed=SEED,
        keep=Keep.STATES,
    )
    found = [one for one in played if one.success is success and len(one.actions) > 2][:n]
    assert len(found) == n
    return found


def _replay() -> Sequence[Any]:
    return demonstrations(world_named(WORLD, OPTIONS), "replay", 24, TINY, seed=SEED)


def hash_of(task: Any) -> str:
    environment = world_named(WORLD, OPTIONS).make()
    return task_hash(environment.reset(task), task)
