"""What a predictor may know of a snapshot: cheap things, seen without an episode, an expert or a teacher.

Tier 1 is structural, tier 2 comes from embeddings. Names and order are fixed. Nothing here reads advice,
leverage, the patch test, the quadrant, a task's tags, or how the episode went on after the snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from honing.environments import World
from honing.errors import StudyError
from honing.teach.prediction.embedding import Embedder, unit_rows
from honing.teach.snapshot import Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Json = Any

UNCERTAINTY: tuple[str, ...] = (
    "entropy",
    "margin",
    "topk_spread",
    "effective_actions",
    "length_normalised",
)
"""Features that are measures of uncertainty: left out where a predictor has to do without them."""
STRUCTURAL: tuple[str, ...] = (
    *UNCERTAINTY,
    "n_actions",
    "n_escapes",
    "escape_share",
    "took_escape",
    "observation_words",
    "step_index",
    "step_fraction",
    "repeats",
    "loops",
    "steps_since_progress",
    "reward_so_far",
    "goal_words",
    "goal_numbers",
)
"""Tier 1, in their order."""
SIMILARITIES: tuple[str, ...] = (
    "goal_similarity",
    "start_distance",
    "success_similarity",
    "failure_similarity",
)
"""Tier 2 beside the coordinates of the embedding; the last two depend on the training fold."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DECIMALS = 6
"""To which features are written: less than any of them means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Features of N snapshots, and what centroids are made of."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    """Task hash of each, shape (N,)."""
    structural: Floats
    """Shape (N, len(STRUCTURAL))."""
    nearness: Floats
    """Goal similarity and start distance, shape (N, 2)."""
    embeddings: Floats
    """Of goal, observation and action together, shape (N, dim)."""
    success_groups: tuple[str, ...] = ()
    """Task hash of each state of a successful episode, shape (M,)."""
    success_embeddings: Floats
    """Shape (M, dim); M may be 0."""
    embedder: str
    """Its name."""

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {
            "schema": 1,
            "names": [*STRUCTURAL, *SIMILARITIES[:2]],
            "made_per_fold": list(SIMILARITIES[2:]),
            "uncertainty": list(UNCERTAINTY),
            "embedder": self.embedder,
            "embedding_dim": int(self.embeddings.shape[1]),
            "rows": [
                {"id": name, "task_hash": group, "features": [*first, *second], "embedding": third}
                for name, group, first, second, third in zip(
                    self.ids,
                    self.groups,
                    _plain(self.structural),
                    _plain(self.nearness),
                    _plain(self.embeddings),
                    strict=True,
                )
            ],
            "successes": [
                {"task_hash": group, "embedding": values}
                for group, values in zip(self.success_groups, _plain(self.success_embeddings), strict=True)
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> FeatureTable:
        """The table that `as_document` wrote.

        Raises:
            StudyError: It has other features than this version.
        """
        import numpy as np

        if tuple(document["names"]) != (*STRUCTURAL, *SIMILARITIES[:2]):
            raise StudyError(
                "The feature table has other features than this version makes. Run the predictor phase again."
            )
        rows, successes, dim = document["rows"], document["successes"], document["embedding_dim"]
        features = np.array([row["features"] for row in rows], dtype=np.float64)
        features = features.reshape(len(rows), len(STRUCTURAL) + 2)
        return cls(
            ids=tuple(row["id"] for row in rows),
            groups=tuple(row["task_hash"] for row in rows),
            structural=features[:, : len(STRUCTURAL)],
            nearness=features[:, len(STRUCTURAL) :],
            embeddings=_matrix([row["embedding"] for row in rows], dim),
            success_groups=tuple(row["task_hash"] for row in successes),
            success_embeddings=_matrix([row["embedding"] for row in successes], dim),
            embedder=document["embedder"],
        )

    def centroids(self, training: Sequence[int]) -> tuple[Floats, Floats]:
        """Centroids of success and of failure, each of length one, from training rows only.

        Args:
            training: Places of the rows that may be learned from. A success counts where its task is not that
                of a row left out.

        Returns:
            Two vectors of shape (dim,); the first is zero where no success may be used.
        """
        import numpy as np

        kept = set(training)
        left_out = {group for place, group in enumerate(self.groups) if place not in kept}
        usable = [place for place, group in enumerate(self.success_groups) if group not in left_out]
        dim = self.embeddings.shape[1]
        success = self.success_embeddings[usable].mean(axis=0) if usable else np.zeros(dim)
        failure = self.embeddings[sorted(kept)].mean(axis=0) if kept else np.zeros(dim)
        both = unit_rows(np.stack([success, failure]))
        return both[0], both[1]

    def design(self, centroids: tuple[Floats, Floats], *, uncertainty: bool = True) -> Floats:
        """Every feature of every row.

        Args:
            centroids: As `centroids` gives them for the rows that are learned from.
            uncertainty: Whether the measures of uncertainty are among them.

        Returns:
            Shape (N, F), the coordinates of the embedding last.
        """
        import numpy as np

        near = np.stack([self.embeddings @ centroid for centroid in centroids], axis=1)
        first = self.structural if uncertainty else self.structural[:, len(UNCERTAINTY) :]
        return np.concatenate([first, self.nearness, near, self.embeddings], axis=1)


def feature_names(dim: int, *, uncertainty: bool = True) -> tuple[str, ...]:
    """Names of the columns of `FeatureTable.design`."""
    first = STRUCTURAL if uncertainty else STRUCTURAL[len(UNCERTAINTY) :]
    return (*first, *SIMILARITIES, *(f"embedding_{place}" for place in range(dim)))


def feature_table(
    snapshots: Sequence[Snapshot], successes: Sequence[Snapshot], world: World, embedder: Embedder
) -> FeatureTable:
    """Features of snapshots.

    Args:
        snapshots: Which; each needs its uncertainty.
        successes: States of successful episodes, for the centroid of success; may be none.
        world: Theirs, for kinds of action and the longest episode.
        embedder: For tier 2.

    Raises:
        StudyError: A snapshot's uncertainty was not measured.
    """
    import numpy as np

    structural = np.array([structural_features(snapshot, world) for snapshot in snapshots], dtype=np.float64)
    observed = embedder.embed([snapshot.observation for snapshot in snapshots])
    goals = embedder.embed([snapshot.goal for snapshot in snapshots])
    starts = embedder.embed([snapshot.start_observation for snapshot in snapshots])
    nearness = np.stack([(observed * goals).sum(axis=1), 1.0 - (observed * starts).sum(axis=1)], axis=1)
    return FeatureTable(
        ids=tuple(snapshot.id for snapshot in snapshots),
        groups=tuple(snapshot.task_hash for snapshot in snapshots),
        structural=structural.reshape(len(snapshots), len(STRUCTURAL)).round(_DECIMALS),
        nearness=nearness.round(_DECIMALS),
        embeddings=embedder.embed([_text(snapshot) for snapshot in snapshots]).round(_DECIMALS),
        success_groups=tuple(snapshot.task_hash for snapshot in successes),
        success_embeddings=embedder.embed([_text(snapshot) for snapshot in successes]).round(_DECIMALS),
        embedder=embedder.name,
    )


def structural_features(snapshot: Snapshot, world: World) -> list[float]:
    """Tier 1 of one snapshot, in the order of `STRUCTURAL`.

    `repeats` counts actions equal to the one before, up to the snapshot; `loops` counts pairs of neighbouring
    actions that occurred before; `steps_since_progress` counts actions since the reward last rose. Step
    fraction is of the world's limit, since how long the episode went on is not known at the snapshot.

    Raises:
        StudyError: Its uncertainty was not measured.
    """
    if snapshot.uncertainty is None:
        raise StudyError(
            f"Snapshot {snapshot.id}: its uncertainty was not measured. `hone teach uncertainty` does that."
        )
    measured = [float(getattr(snapshot.uncertainty, name)) for name in UNCERTAINTY]
    escapes = sum(world.kind(action) in world.escapes for action in snapshot.valid_actions)
    goal = snapshot.goal.split()
    return [
        *measured,
        float(len(snapshot.valid_actions)),
        float(escapes),
        escapes / max(1, len(snapshot.valid_actions)),
        float(world.kind(snapshot.action) in world.escapes),
        float(len(snapshot.observation.split())),
        float(snapshot.step_index),
        snapshot.step_index / max(1, world.max_steps),
        float(_repeats(snapshot.history)),
        float(_loops(snapshot.history)),
        float(_since_progress(snapshot.rewards)),
        snapshot.rewards[-1] if snapshot.rewards else 0.0,
        float(len(goal)),
        float(len(_NUMBER.findall(snapshot.goal))),
    ]


def _repeats(history: Sequence[str]) -> int:
    return sum(first == second for first, second in pairwise(history))


def _loops(history: Sequence[str]) -> int:
    pairs = list(pairwise(history))
    return len(pairs) - len(set(pairs))


def _since_progress(rewards: Sequence[float]) -> int:
    best, since = 0.0, 0
    for reward in rewards:
        since = 0 if reward > best else since + 1
        best = max(best, reward)
    return since


def _text(snapshot: Snapshot) -> str:
    return f"{snapshot.goal}\n{snapshot.observation}\n{snapshot.action}"


def _plain(rows: Floats) -> list[list[float]]:
    found: list[list[float]] = rows.tolist()
    return found


def _matrix(rows: Sequence[Sequence[float]], dim: int) -> Floats:
    import numpy as np

    return np.array(rows, dtype=np.float64).reshape(len(rows), dim)
