"""One episode of a level: the level itself, what the agent has seen of it, and what an agent is shown."""

from __future__ import annotations

import contextlib
import io
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from honing.environments.babyai.planner import Cell, cell_of
from honing.environments.base import Step
from honing.environments.drawing import content_digest

THINGS = ("ball", "box", "key", "door")
_ENDLESS = 1_000_000
"""The level's own limit counts primitive moves; ours counts steps and is kept outside."""


class Level:
    """A level under way and the part of it that the agent has seen."""

    def __init__(self, name: str, seed: int) -> None:
        """Make the level and begin it.

        Args:
            name: As BabyAI names it, "BabyAI-GoToLocal-v0".
            seed: Decides the grid and the mission.
        """
        import gymnasium
        import minigrid  # noqa: F401 - importing it registers the levels
        import numpy

        self.name = name
        # The checker would warn of every mission that is no member of a space.
        self.grid_level: Any = gymnasium.make(name, disable_env_checker=True).unwrapped
        # A picture of what is seen is never used, and would be most of the cost of a move.
        self.grid_level.gen_obs = _no_picture
        # Drawing a mission prints every draw that it rejects.
        with contextlib.redirect_stdout(io.StringIO()):
            self.grid_level.reset(seed=seed)
        self.grid_level.max_steps = _ENDLESS
        self.mission: str = self.grid_level.mission
        self.explored: Any = numpy.zeros((self.grid_level.width, self.grid_level.height), dtype=bool)
        self.known: list[Any] = []
        """Every object seen so far, in the order of seeing; gone ones too, so that names stay."""
        self.moves: list[int] = []
        """Primitive moves so far."""
        self.over = False
        self.success = False
        self._origin = cell_of(self.grid_level.agent_pos), int(self.grid_level.agent_dir)
        self.look()

    def digest(self) -> str:
        """Short name of grid, agent and mission."""
        level = self.grid_level
        agent = (
            f"{cell_of(level.agent_pos)} {int(level.agent_dir)} {level.carrying is not None} {level.mission}"
        )
        return content_digest(level.grid.encode().tobytes(), agent.encode())

    def move(self, primitive: int) -> bool:
        """Make one primitive move.

        Returns:
            Whether the episode goes on.
        """
        _, reward, over, _, _ = self.grid_level.step(primitive)
        self.moves.append(primitive)
        self.over, self.success = bool(over), bool(reward > 0)
        self.look()
        return not self.over

    def look(self) -> None:
        """Note what is seen from here."""
        level = self.grid_level
        if level.carrying is not None and not any(level.carrying is old for old in self.known):
            # Some missions begin with a thing in hand.
            self.known.append(level.carrying)
        for x, y in visible_cells(level):
            self.explored[x, y] = True
            found = level.grid.get(x, y)
            if found is not None and found.type in THINGS and not any(found is old for old in self.known):
                # Some levels put a thing down without telling it where it lies.
                found.cur_pos = x, y
                self.known.append(found)

    def present(self) -> list[Any]:
        """The known objects that lie somewhere: not carried, not used up."""
        level = self.grid_level
        carried = level.carrying
        return [
            found
            for found in self.known
            if found is not carried and found.cur_pos is not None and level.grid.get(*found.cur_pos) is found
        ]

    def names(self) -> list[tuple[Any, str]]:
        """The known objects with their names, which never change: "red ball", "red ball 2"."""
        counts: dict[str, int] = {}
        found = []
        for known in self.known:
            plain = f"{known.color} {known.type}"
            counts[plain] = counts.get(plain, 0) + 1
            found.append((known, plain if counts[plain] == 1 else f"{plain} {counts[plain]}"))
        return found

    def name_of(self, wanted: Any) -> str:
        """Name of a known object."""
        return next(name for known, name in self.names() if known is wanted)

    def facing(self) -> Any:
        """The object in front of the agent; None where there is none or it is no thing."""
        found = self.grid_level.grid.get(*self.grid_level.front_pos)
        return found if found is not None and found.type in THINGS else None

    def from_start(self, cell: Cell) -> str:
        """Where a cell lies as seen from where the episode began: "2 left, 3 ahead"."""
        (x, y), direction = self._origin
        return _offset((cell[0] - x, cell[1] - y), direction)

    def from_here(self, cell: Cell) -> str:
        """Where a cell lies as seen by the agent now."""
        x, y = cell_of(self.grid_level.agent_pos)
        return _offset((cell[0] - x, cell[1] - y), int(self.grid_level.agent_dir))


def visible_cells(level: Any) -> list[Cell]:
    """The cells that the agent sees from where it stands, row by row of the grid.

    They are those that the level's own `gen_obs_grid` marks, found without making its picture: sight spreads
    from the agent's cell row by row away from it, sideways and ahead, through whatever can be seen through.
    """
    width, height, cells = level.grid.width, level.grid.height, level.grid.grid
    size, middle = level.agent_view_size, level.agent_view_size // 2
    (x, y), (ahead_x, ahead_y) = cell_of(level.agent_pos), cell_of(level.dir_vec)

    def at(row: int, column: int) -> Cell:
        aside = column - middle
        return x + ahead_x * row - ahead_y * aside, y + ahead_y * row + ahead_x * aside

    def inside(cell: Cell) -> bool:
        return bool(0 <= cell[0] < width and 0 <= cell[1] < height)

    def is_clear(cell: Cell) -> bool:
        # What lies outside of the grid is a wall.
        there = cells[cell[1] * width + cell[0]] if inside(cell) else None
        return inside(cell) and (there is None or bool(there.see_behind()))

    found: list[Cell] = []
    seen = {middle}
    for row in range(size):
        ahead: set[int] = set()
        for step, way in ((1, range(size - 1)), (-1, range(size - 1, 0, -1))):
            for column in way:
                if column in seen and is_clear(at(row, column)):
                    seen.add(column + step)
                    ahead |= {column, column + step}
        found += [at(row, column) for column in seen]
        seen = ahead
    return sorted(filter(inside, found), key=lambda cell: (cell[1], cell[0]))


def _no_picture() -> dict[str, Any]:
    return {}


def _offset(away: Cell, direction: int) -> str:
    # Directions count clockwise from east, y grows downwards.
    ahead = ((1, 0), (0, 1), (-1, 0), (0, -1))[direction]
    right = -ahead[1], ahead[0]
    forward = away[0] * ahead[0] + away[1] * ahead[1]
    aside = away[0] * right[0] + away[1] * right[1]
    parts = []
    if aside:
        parts.append(f"{abs(aside)} {'right' if aside > 0 else 'left'}")
    if forward:
        parts.append(f"{abs(forward)} {'ahead' if forward > 0 else 'behind'}")
    return ", ".join(parts) or "here"


class BabyPlay(ABC):
    """What both ways of playing a level share."""

    def __init__(self, level: Level) -> None:
        self.level = level

    def show(self) -> Step:
        level = self.level
        return Step(
            goal=level.mission,
            observation=self.observation(),
            actions=() if level.over else self.actions(),
            reward=1.0 if level.success else 0.0,
            done=level.over,
            success=level.success,
        )

    @abstractmethod
    def observation(self) -> str:
        """What the agent sees, as text."""

    @abstractmethod
    def actions(self) -> tuple[str, ...]:
        """What it may do."""

    @abstractmethod
    def act(self, action: str) -> None:
        """Take one of them."""

    @abstractmethod
    def advise(self, knows: Collection[str] | None) -> str:
        """What an expert does here; see `KnowsBest`."""

    def freeze(self) -> Callable[[], BabyPlay]:
        return partial(pickle.loads, pickle.dumps(self, pickle.HIGHEST_PROTOCOL))

    def close(self) -> None:  # noqa: B027 - a level holds nothing that would have to be let go of
        """Nothing to let go of."""
