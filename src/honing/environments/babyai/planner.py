"""Ways over the explored part of a grid, in primitive moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

Cell = tuple[int, int]

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, WAIT = range(7)
"""The level's own numbers of its actions."""

_AROUND: tuple[Cell, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""East, south, west, north: a direction is an index of this."""


class Reach:
    """The cells that can be walked to from where the agent stands, over cells it has seen."""

    def __init__(self, level: Any, explored: Any, *, through: bool = False) -> None:
        """Search the grid, breadth first.

        Args:
            level: The level, whose grid, agent and direction are read.
            explored: Which cells were seen, boolean, shape (width, height).
            through: Whether things that could be taken away are no obstacle.
        """
        self._level = level
        self._explored = explored
        self._through = through
        start = cell_of(level.agent_pos)
        self._before: dict[Cell, Cell | None] = {start: None}
        self.distance: dict[Cell, int] = {start: 0}
        """Moves from cell to cell, turns not counted; nearest first in its order."""
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for there in around(here):
                if there not in self.distance and self._walkable(there):
                    self._before[there] = here
                    self.distance[there] = self.distance[here] + 1
                    waiting.append(there)

    def beside(self, target: Cell) -> Cell | None:
        """The nearest cell from which a target is faced; None where there is none."""
        places = [place for place in around(target) if place in self.distance]
        return min(places, key=lambda place: (self.distance[place], place), default=None)

    def frontier(self) -> tuple[Cell, Cell] | None:
        """The nearest place beside a cell that was never seen, and that cell; None where all is explored."""
        for place in self.distance:
            for there in around(place):
                if self.inside(there) and not self._explored[there]:
                    return place, there
        return None

    def empty_cells(self) -> Iterator[Cell]:
        """Cells beside a place that can be walked to, seen and empty, the nearest first."""
        for place in self.distance:
            for there in around(place):
                if self.is_empty(there) and there != cell_of(self._level.agent_pos):
                    yield there

    def is_empty(self, cell: Cell) -> bool:
        """Whether a thing may be laid there."""
        return bool(self.inside(cell) and self._explored[cell] and self._level.grid.get(*cell) is None)

    def inside(self, cell: Cell) -> bool:
        grid = self._level.grid
        return bool(0 <= cell[0] < grid.width and 0 <= cell[1] < grid.height)

    def steps_to(self, place: Cell) -> list[Cell]:
        """The cells of the way, the first step first; empty where the agent stands there."""
        found: list[Cell] = []
        here: Cell | None = place
        while here is not None:
            found.append(here)
            here = self._before[here]
        return found[-2::-1]

    def _walkable(self, cell: Cell) -> bool:
        if not self.inside(cell) or not self._explored[cell]:
            return False
        grid = self._level.grid
        there = grid.grid[cell[1] * grid.width + cell[0]]
        if there is None or there.can_overlap():
            return True
        return self._through and bool(there.can_pickup())


def cell_of(position: Any) -> Cell:
    """A position of the level as plain numbers."""
    return int(position[0]), int(position[1])


def around(cell: Cell) -> Iterator[Cell]:
    """The four neighbours, in a fixed order."""
    for dx, dy in _AROUND:
        yield cell[0] + dx, cell[1] + dy


def turns(level: Any, target: Cell) -> list[int]:
    """Primitive moves that face a neighbouring cell."""
    x, y = cell_of(level.agent_pos)
    wanted = _AROUND.index((target[0] - x, target[1] - y))
    return {0: [], 1: [RIGHT], 2: [RIGHT, RIGHT], 3: [LEFT]}[(wanted - int(level.agent_dir)) % 4]


def walk(level: Any, way: list[Cell], move: Callable[[int], bool]) -> bool:
    """Walk over neighbouring cells.

    Args:
        level: The level, for where the agent looks.
        way: As `Reach.steps_to` gives it.
        move: Makes one primitive move and says whether to go on.

    Returns:
        Whether the end of the way was reached.
    """
    for cell in way:
        for primitive in (*turns(level, cell), FORWARD):
            if not move(primitive):
                return False
    return True
