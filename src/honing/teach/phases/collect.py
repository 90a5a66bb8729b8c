"""Phase 0, collect: the student plays, and for experiment B the expert does.

Every episode is kept with the saved state before each action, so that any moment of it can be gone back to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task, world_named
from honing.learn import Episode, Keep, Start, policy_from, roll_out
from honing.stats import proportion
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.teachers.playing import chat_episodes, most_calls, most_tokens

Json = Any

ROLLOUTS = "phase0/rollouts.json"
TASKS_PER_UNIT = 64
"""Fixed, so that results do not depend on the number of workers; as many as are in flight in lock step."""


def trajectories_path(world: str) -> str:
    """Where the expert's episodes lie."""
    return f"phase0/expert_trajectories/all_trajectories_{world}.json"


def collect(desk: Desk) -> PhaseOutcome:
    """Roll out the student, then the expert where the study asks for its trajectories."""
    spec = desk.spec
    tasks = desk.world().tasks("collect", spec.collect.n_tasks, seed=spec.seed)
    episodes = played(
        desk, "collect.student", student_policy(desk.run), tasks, temperature=spec.collect.temperature
    )
    desk.run.write_json(ROLLOUTS, [episode.as_document() for episode in episodes])
    written = [ROLLOUTS]
    summary = _figures("student", episodes)
    if spec.collect.expert_tasks:
        shown = _expert_episodes(desk)
        path = trajectories_path(spec.environment.name)
        desk.run.write_json(path, [episode.as_document() for episode in shown])
        written.append(path)
        summary |= _figures("expert", shown)
    return PhaseOutcome(summary=summary, artifacts=tuple(written))


def played(
    desk: Desk,
    step: str,
    policy: Mapping[str, Json],
    tasks: Sequence[Task],
    *,
    temperature: float,
    keep: Keep = Keep.STATES,
) -> list[Episode]:
    """Episodes of a policy, one per task in their order, in units of `TASKS_PER_UNIT` tasks.

    Args:
        desk: Of the study.
        step: Name of the step in the journal.
        policy: As `learn.policy_from` reads it.
        tasks: Of the study's world.
        temperature: 0 takes the likeliest action.
        keep: How much of each episode.
    """
    documents = [task.as_document() for task in tasks]
    work = {
        "world": world_document(desk),
        "policy": dict(policy),
        "temperature": temperature,
        "seed": desk.spec.seed,
        "keep": keep.value,
    }
    chunks = [
        {**work, "tasks": documents[start : start + TASKS_PER_UNIT]}
        for start in range(0, len(documents), TASKS_PER_UNIT)
    ]
    return [
        Episode.from_document(document)
        for result in desk.map(step, play_chunk, chunks)
        for document in result
    ]


def play_chunk(work: Mapping[str, Json]) -> list[Json]:
    """One unit: an episode of each task of a chunk."""
    policy = policy_from(work["policy"])
    starts = [Start(task=Task.from_document(document), draw="collect") for document in work["tasks"]]
    episodes = roll_out(
        policy,
        world_named(work["world"]["name"], work["world"]["options"]),
        starts,
        temperature=work["temperature"],
        seed=work["seed"],
        keep=Keep(work["keep"]),
        in_flight=TASKS_PER_UNIT,
    )
    return [episode.as_document() for episode in episodes]


def _expert_episodes(desk: Desk) -> list[Episode]:
    spec = desk.spec
    tasks = desk.world().tasks("expert", spec.collect.expert_tasks, seed=spec.seed)
    if spec.expert.model:
        return chat_episodes(desk, tasks)
    return played(desk, "collect.expert", expert_policy(desk), tasks, temperature=0.0)


def expert_policy(desk: Desk) -> dict[str, Json]:
    """The study's expert, as `learn.policy_from` reads it: a checkpoint, or the environment's own.

    A chat model is none of these: it is asked by the supervisor, which holds the keys, for experiment B only.
    """
    spec = desk.spec
    if spec.expert.checkpoint:
        named = {"checkpoint": spec.expert.checkpoint, "history": spec.student.history}
        return {"kind": "student", **named, "device": spec.student.device}
    return {"kind": "expert"}


def _figures(who: str, episodes: Sequence[Episode]) -> dict[str, Json]:
    """Success with its interval, and what was tampered with."""
    sound = [episode for episode in episodes if not episode.tampered]
    found: dict[str, Json] = {f"{who}_episodes": len(episodes)}
    if sound:
        rate = proportion(sum(episode.success for episode in sound), len(sound))
        found |= {
            f"{who}_success": rate.estimate,
            f"{who}_success_low": rate.low,
            f"{who}_success_high": rate.high,
            f"{who}_steps_mean": sum(len(episode.actions) for episode in sound) / len(sound),
        }
    return {**found, f"{who}_tampered": len(episodes) - len(sound)}


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.collect
    episodes = spec.n_tasks + spec.expert_tasks
    if not desk.spec.expert.model:
        return Cost(episodes=episodes)
    asked = spec.expert_tasks
    return Cost(episodes=episodes, calls=most_calls(desk, asked), tokens=most_tokens(desk, asked))


PHASE = Phase(
    name="collect",
    doing="roll out the student and the expert",
    run=collect,
    reads=(STUDENT,),
    writes=(ROLLOUTS,),
    cost=_cost,
)
