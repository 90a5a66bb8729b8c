"""Who is evaluated: the base student, every trained run, and the expert where the world has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any

BASE = "base"
"""Run id of the student before any training."""
EXPERT = "expert"
"""Run id of the world's expert: an upper bracket, and the length of a good path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """One policy under evaluation."""

    run_id: str
    policy: Mapping[str, Json]
    """Document of `learn.policy_from`."""
    identity: str = ""
    """Hash of its weights: what is known of a player is not known of another in its place."""
    quadrant: str = ""
    """The quadrant it was trained on; empty where it was not trained on one quadrant."""
    supervision: str = ""
    """demo, contrast, hint ...; empty for base and expert."""

    @property
    def trained(self) -> bool:
        """Whether it is a run, neither base nor expert."""
        return self.run_id not in (BASE, EXPERT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an episode of a panel begins."""

    id: str
    """Of the task, or of the snapshot."""
    cluster: str
    """Episodes of one cluster are not independent: the task."""
    task: Mapping[str, Json]
    quadrant: str = ""
    state: Mapping[str, Json] | None = None
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A fixed list of beginnings on which every player plays, with the same random numbers."""

    name: str
    places: tuple[Place, ...]
    draws: int = 1
    """Episodes from each place where actions are drawn; one where the likeliest is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How one episode went."""

    run_id: str
    panel: str
    place: str
    """Id of the task or of the snapshot."""
    cluster: str
    quadrant: str
    """Of the snapshot; empty on other panels."""
    temperature: float
    draw: int
    success: bool
    reward: float
    stuck: tuple[int, ...]
    """Fields of `Stuckness`."""

    @property
    def n_steps(self) -> int:
        """Actions taken."""
        return self.stuck[0]
