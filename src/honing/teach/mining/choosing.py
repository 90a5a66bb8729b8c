"""From episodes to snapshots: which moments, and which of them are held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from honing.learn import Episode, draw
from honing.teach.snapshot import Snapshot
from honing.teach.study_spec import MineSpec

Kind = Callable[[str], str]
"""What sort of action it is: `World.kind`."""
Split = Literal["train", "panel"]

_LARGEST_PANEL = 0.5
"""Part of the snapshots: a study with few of them is not to be left without anything to train on."""


def moments(
    episodes: Iterable[Episode], kind: Kind, *, per_episode: int, stratify: bool, limit: int, seed: int
) -> list[Snapshot]:
    """Moments of episodes, so that the kinds of action come about equally often.

    Episodes are taken in an order drawn from the seed. From each, the moments whose kind was taken least so
    far go first; among those of one kind the draw decides. A moment with a single valid action is none:
    there is nothing to decide.

    Args:
        episodes: With their steps.
        kind: Of an action.
        per_episode: Moments of one episode, at most.
        stratify: Whether kinds of action are balanced; without, every moment is as likely as another.
        limit: Snapshots in all.
        seed: Of the draws.

    Returns:
        Snapshots in the order of the episodes as given, earlier moments first.
    """
    order = sorted(enumerate(episodes), key=lambda pair: draw(seed, "episode", pair[1].task.id, pair[0]))
    seen: Counter[str] = Counter()
    taken: list[tuple[int, int, Snapshot]] = []
    for place, episode in order:
        left = {number for number, move in enumerate(episode.moves) if len(move.actions) > 1}
        for _ in range(min(per_episode, len(left), limit - len(taken))):
            number = min(left, key=lambda one: _rank(episode, one, kind, seen if stratify else None, seed))
            left.remove(number)
            seen[kind(episode.moves[number].action)] += 1
            taken.append((place, number, snapshot_at(episode, number, kind)))
    return unique_ids([snapshot for _, _, snapshot in sorted(taken, key=lambda found: found[:2])])


def _rank(
    episode: Episode, number: int, kind: Kind, seen: Counter[str] | None, seed: int
) -> tuple[int, float]:
    rare = 0 if seen is None else seen[kind(episode.moves[number].action)]
    return rare, draw(seed, "moment", episode.task.id, number)


def sampled(episodes: Iterable[Episode], kind: Kind, spec: MineSpec, *, seed: int) -> list[Snapshot]:
    """Moments of an expert's episodes, each with probability `sample_rate` (experiment B).

    Args:
        episodes: With their steps.
        kind: Of an action.
        spec: `sample_rate`, `require_env_state` and `max_snapshots` are read.
        seed: Of the draws.
    """
    found = [
        (draw(seed, "expert", episode.task.id, number), snapshot_at(episode, number, kind, source="expert"))
        for episode in episodes
        for number, move in enumerate(episode.moves)
        if len(move.actions) > 1 and (move.state is not None or not spec.require_env_state)
    ]
    chosen = [pair for pair in found if pair[0] < spec.sample_rate]
    last = sorted(value for value, _ in chosen)[: spec.max_snapshots]
    return unique_ids([snapshot for value, snapshot in chosen if last and value <= last[-1]])


def snapshot_at(episode: Episode, number: int, kind: Kind, *, source: str = "student") -> Snapshot:
    """The moment before one action of an episode."""
    move = episode.moves[number]
    return Snapshot(
        id=f"{episode.task.id}-{'x' if source == 'expert' else 's'}{number:02d}",
        source=source,
        task=episode.task.as_document(),
        task_hash=episode.task_hash,
        goal=episode.goal,
        observation=move.observation,
        valid_actions=list(move.actions),
        history=list(episode.actions[:number]),
        action=move.action,
        action_kind=kind(move.action),
        logprobs=[value if value > float("-inf") else None for value in move.logprobs],
        step_index=number,
        n_steps=len(episode.actions),
        env_state=None if move.state is None else dict(move.state),
        rewards=[earlier.reward for earlier in episode.moves[:number]],
        start_observation=episode.moves[0].observation,
    )


def unique_ids(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """The same snapshots; of those with one id (several episodes of a task) the later ones get a number."""
    seen: Counter[str] = Counter()
    found: list[Snapshot] = []
    for snapshot in snapshots:
        seen[snapshot.id] += 1
        again = seen[snapshot.id]
        found.append(snapshot if again == 1 else snapshot.model_copy(update={"id": f"{snapshot.id}.{again}"}))
    return found


def with_panel(snapshots: Sequence[Snapshot], spec: MineSpec, *, seed: int) -> list[Snapshot]:
    """Hold some snapshots out: whole tasks, by hash, so that no task is on both sides.

    Where there are fewer snapshots than `max_snapshots`, the panel shrinks alike; it is never more than
    half.

    Args:
        snapshots: Of one kind of trajectory.
        spec: `failure_panel` and `max_snapshots` are read.
        seed: Of the draw that orders the tasks.
    """
    wanted = round(len(snapshots) * min(_LARGEST_PANEL, spec.failure_panel / spec.max_snapshots))
    sizes = Counter(snapshot.task_hash for snapshot in snapshots)
    held_out: set[str] = set()
    size = 0
    for task in sorted(sizes, key=lambda one: draw(seed, "panel", one)):
        if size + sizes[task] <= wanted:
            held_out.add(task)
            size += sizes[task]
    return [
        in_split(snapshot, "panel" if snapshot.task_hash in held_out else "train") for snapshot in snapshots
    ]


def in_split(snapshot: Snapshot, split: Split) -> Snapshot:
    """The snapshot on one side."""
    return snapshot.model_copy(update={"split": split})
