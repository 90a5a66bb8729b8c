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
        import numpy

        level = self.grid_level
        if level.carrying is not None and not any(level.carrying is old for old in self.known):
            # Some missions begin with a thing in hand.
            self.known.append(level.carrying)
        _, seen = level.gen_obs_grid()
        size = level.agent_view_size
        ahead, right = level.dir_vec, level.right_vec
        corner = level.agent_pos + ahead * (size - 1) - right * (size // 2)
        i, j = numpy.nonzero(seen)
        x = corner[0] - ahead[0] * j + right[0] * i
        y = corner[1] - ahead[1] * j + right[1] * i
        inside = (x >= 0) & (x < level.width) & (y >= 0) & (y < level.height)
        self.explored[x[inside], y[inside]] = True
        for cell in sorted(zip(y[inside].tolist(), x[inside].tolist(), strict=True)):
            found = level.grid.get(cell[1], cell[0])
            if found is not None and found.type in THINGS and not any(found is old for old in self.known):
                # Some levels put a thing down without telling it where it lies.
                found.cur_pos = cell[1], cell[0]
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
