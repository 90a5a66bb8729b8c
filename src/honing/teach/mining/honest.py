"""Episodes that really went as they are written down: each is played again before it is learned from.

A rollout whose reward was forged, whose observations were edited or that names an action that was not valid
gives no snapshot, no retention task, nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.environments import Step, TextEnvironment, task_hash, world_named
from honing.errors import EnvironmentFaultError, StudyError
from honing.learn import Episode
from honing.teach.apart import world_document
from honing.teach.desk import Desk, read_rows

Json = Any

EPISODES_PER_UNIT = 64
_TOLERANCE = 1e-9
"""Of a reward that went through JSON."""


def read_episodes(path: Path) -> list[Episode]:
    """The episodes of a `.json` or `.jsonl` file.

    Raises:
        StudyError: A row is no episode; the text names file and row.
    """
    found: list[Episode] = []
    for number, row in enumerate(read_rows(path), 1):
        try:
            found.append(Episode.from_document(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StudyError(
                f"{path}: row {number} is no episode ({type(error).__name__}: {error}). Expected what "
                "`hone teach collect` writes: task, task_hash, goal, actions, reward, success, steps."
            ) from error
    return found


def verdicts_on(desk: Desk, step: str, episodes: Sequence[Episode]) -> list[str]:
    """Play every episode again; for each why it is not believed, empty where it is.

    Args:
        desk: Of the study; its world plays.
        step: Name of the step in the journal.
        episodes: As they were read.
    """
    documents = [episode.as_document() for episode in episodes]
    world = world_document(desk)
    chunks = [
        {"world": world, "episodes": documents[start : start + EPISODES_PER_UNIT]}
        for start in range(0, len(documents), EPISODES_PER_UNIT)
    ]
    return [verdict for found in desk.map(step, check_chunk, chunks) for verdict in found]


def check_chunk(work: Mapping[str, Json]) -> list[str]:
    """One unit: for each episode why it is not believed; empty where it is."""
    environment = world_named(work["world"]["name"], work["world"]["options"]).make()
    try:
        return [why_not(environment, Episode.from_document(document)) for document in work["episodes"]]
    finally:
        environment.close()


def why_not(environment: TextEnvironment, episode: Episode) -> str:
    """Why an episode is not what its world shows; empty where it is.

    Args:
        environment: Of the episode's world; what it holds is lost.
        episode: From the start of its task.
    """
    if episode.tampered:
        return "marked as tampered with"
    try:
        return _replayed(environment, episode)
    except EnvironmentFaultError:
        return "the world does not play it"


def _replayed(environment: TextEnvironment, episode: Episode) -> str:
    step = environment.reset(episode.task)
    if task_hash(step, episode.task) != episode.task_hash:
        return "another task than its hash says"
    if episode.moves and tuple(move.action for move in episode.moves) != episode.actions:
        return "its steps and its actions differ"
    for number, action in enumerate(episode.actions):
        if action not in step.actions:
            return "an action that was not valid"
        if episode.moves and not _as_seen(episode, number, step):
            return "an observation that the world does not show"
        step = environment.step(action)
        if episode.moves and abs(step.reward - episode.moves[number].reward) > _TOLERANCE:
            return "a reward that no action earned"
    if step.success != episode.success or abs(step.reward - episode.reward) > _TOLERANCE:
        return "an ending that no action earned"
    return ""


def _as_seen(episode: Episode, number: int, step: Step) -> bool:
    move = episode.moves[number]
    return move.observation == step.observation and move.actions == step.actions


def restorable(desk: Desk, step: str, states: Sequence[Mapping[str, Json]]) -> list[bool]:
    """Whether each saved state shows what its snapshot says.

    Args:
        desk: Of the study.
        step: Name of the step in the journal.
        states: Snapshots as plain data, each with `env_state`.
    """
    world = world_document(desk)
    kept = ("env_state", "goal", "observation", "valid_actions")
    rows = [{name: state[name] for name in kept} for state in states]
    chunks = [
        {"world": world, "states": rows[start : start + EPISODES_PER_UNIT]}
        for start in range(0, len(rows), EPISODES_PER_UNIT)
    ]
    return [verdict for found in desk.map(step, restore_chunk, chunks) for verdict in found]


def restore_chunk(work: Mapping[str, Json]) -> list[bool]:
    """One unit: whether each state of a chunk can be restored and shows what it should."""
    environment = world_named(work["world"]["name"], work["world"]["options"]).make()
    try:
        return [_shows(environment, state) for state in work["states"]]
    finally:
        environment.close()


def _shows(environment: TextEnvironment, state: Mapping[str, Json]) -> bool:
    try:
        step = environment.restore(state["env_state"])
    except (EnvironmentFaultError, KeyError, TypeError, ValueError):
        # A state from a file may be anything; whatever a world makes of it, it is not restored.
        return False
    seen = (step.goal, step.observation, list(step.actions))
    return seen == (state["goal"], state["observation"], list(state["valid_actions"]))
