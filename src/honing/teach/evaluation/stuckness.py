"""How stuck an episode was, from nothing but what was seen and done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

from honing.learn import Move

Shown = tuple[str, tuple[str, ...]]
"""Observation and valid actions: two moments that show the same count as the same place."""


@dataclass(frozen=True, slots=True)
class Stuckness:
    """Counts of one episode. A place is what an agent can see: observation and valid actions."""

    n_steps: int
    repeats: int
    """Steps that take the action of the step just before."""
    loops: int
    """Times that the episode comes back to a place it has left."""
    wasted: int
    """Steps that a path without its loops does not have: whenever a place is seen again, all steps since it
    was first seen there are cut out."""
    spells: int
    """Times that the episode gets stuck: it stands in a place it has been in before, and in the step before
    did not."""
    spell_steps: int
    """Steps spent in all spells together. A spell lasts until a place is seen for the first time, or until
    the episode ends."""

    def as_row(self) -> list[int]:
        """As plain data, in the order of the fields."""
        return list(astuple(self))


def stuckness(moves: Sequence[Move]) -> Stuckness:
    """The counts of one episode, from its decisions in order."""
    places: list[Shown] = [(move.observation, move.actions) for move in moves]
    again = _seen_before(places)
    return Stuckness(
        n_steps=len(moves),
        repeats=sum(1 for one, two in pairwise(moves) if one.action == two.action),
        loops=sum(
            1 for index, place in enumerate(places) if index and again[index] and places[index - 1] != place
        ),
        wasted=len(places) - _without_loops(places),
        spells=sum(1 for index, stuck in enumerate(again) if stuck and not again[index - 1]),
        spell_steps=sum(again),
    )


def repeat_action_rate(rows: Sequence[Stuckness]) -> list[float]:
    """Per episode of two steps or more: the share of its steps, but for the first, that take the action of
    the step before."""
    return [row.repeats / (row.n_steps - 1) for row in rows if row.n_steps > 1]


def loops(rows: Sequence[Stuckness]) -> list[float]:
    """Per episode: how often it comes back to a place it has left."""
    return [float(row.loops) for row in rows]


def wasted_steps(rows: Sequence[Stuckness]) -> list[float]:
    """Per episode: steps that its path without loops does not have."""
    return [float(row.wasted) for row in rows]


def escape_latency(rows: Sequence[Stuckness]) -> list[float]:
    """Per episode that gets stuck at all: mean steps from getting stuck to the first new place. Where the
    episode ends first, its end counts as the escape, so the true latency is at least this."""
    return [row.spell_steps / row.spells for row in rows if row.spells]


def efficiency(n_steps: int, expert_steps: int | None, *, success: bool) -> float | None:
    """Success weighted by path length (Anderson et al. 2018): 0 for a failure, else the expert's steps by the
    steps taken, at most 1; None where no expert solved the task."""
    if expert_steps is None:
        return None
    return expert_steps / max(n_steps, expert_steps) if success else 0.0


def _seen_before(places: Sequence[Shown]) -> list[bool]:
    seen: set[Shown] = set()
    found = []
    for place in places:
        found.append(place in seen)
        seen.add(place)
    return found


def _without_loops(places: Sequence[Shown]) -> int:
    """Length of the path that is left when every loop is cut out."""
    path: list[Shown] = []
    for place in places:
        if place in path:
            del path[path.index(place) :]
        path.append(place)
    return len(path)
