"""Skills: one action goes to a thing, takes it, opens it, lays it down, or looks for more, by as many moves
as that needs. Which there are follows from what the agent has seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from honing.environments.babyai.demonstrator import skill_of_an_expert
from honing.environments.babyai.mission import names_a_location
from honing.environments.babyai.planner import (
    DROP,
    PICK_UP,
    TOGGLE,
    WAIT,
    Cell,
    Reach,
    around,
    cell_of,
    turns,
    walk,
)
from honing.environments.babyai.play import BabyPlay, Level

EXPLORE = "explore"
LAY_DOWN = "drop"
_LONGEST_LOOK = 64
"""Moves after which one `explore` ends in any case."""


class SkillPlay(BabyPlay):
    """A level played by skills."""

    def __init__(
        self,
        level: Level,
        *,
        common_knowledge: frozenset[str] = frozenset(),
        boxes_open: bool = False,
        positions: bool = False,
    ) -> None:
        """A level that has just begun.

        Args:
            level: The level.
            common_knowledge: Facts that no demonstrator lacks.
            boxes_open: Whether boxes can be opened.
            positions: Whether it is shown where things lie even where no mission needs it.
        """
        super().__init__(level)
        self.common_knowledge = common_knowledge
        self._skills: dict[str, tuple[str, Any]] | None = None
        self._boxes_open = boxes_open
        self._positions = positions or names_a_location(level.mission)

    def observation(self) -> str:
        carried = self.level.grid_level.carrying
        present = self.level.present()
        seen = [
            self._described(found, name) for found, name in self.level.names() if self._is_in(found, present)
        ]
        sentences = [
            f"You carry {'nothing' if carried is None else self.level.name_of(carried)}.",
            f"You see {', '.join(seen) if seen else 'nothing'}.",
        ]
        facing = self.level.facing()
        if facing is not None and self._is_in(facing, present):
            sentences.append(f"You face {self.level.name_of(facing)}.")
        return " ".join(sentences)

    def actions(self) -> tuple[str, ...]:
        return tuple(self.skills())

    def skills(self) -> dict[str, tuple[str, Any]]:
        """The skills that can be carried out now: what each is called, its kind, and its object."""
        if self._skills is None:
            self._skills = self._possible()
        return self._skills

    def _possible(self) -> dict[str, tuple[str, Any]]:
        level = self.level
        reach = self.reach()
        carried = level.grid_level.carrying
        present = level.present()
        near = [
            (found, name)
            for found, name in level.names()
            if self._is_in(found, present) and reach.beside(cell_of(found.cur_pos)) is not None
        ]
        found: dict[str, tuple[str, Any]] = {f"go to {name}": ("go_to", thing) for thing, name in near}
        for thing, name in near:
            if thing.type != "door" and carried is None:
                found[f"pick up {name}"] = ("pick_up", thing)
            if thing.type == "door" or (thing.type == "box" and self._boxes_open):
                found[f"open {name}"] = ("open", thing)
        if carried is not None:
            for thing, name in near:
                if self.place_beside(thing, reach) is not None:
                    found[f"put next to {name}"] = ("put_next", thing)
            if self.place_to_drop(reach) is not None:
                found[LAY_DOWN] = (LAY_DOWN, None)
        if reach.frontier() is not None:
            found[EXPLORE] = (EXPLORE, None)
        # An agent walled in by what it may not move still has to have something to do.
        return found or {"wait": ("wait", None)}

    def act(self, action: str) -> None:
        kind, thing = self.skills()[action]
        self._skills = None
        if kind == "go_to":
            self._go_to(thing)
        elif kind == "pick_up":
            self._use(cell_of(thing.cur_pos), PICK_UP)
        elif kind == "open":
            self._open(thing)
        elif kind == "put_next":
            self._lay(self.place_beside(thing, self.reach()))
        elif kind == LAY_DOWN:
            self._lay(self.place_to_drop(self.reach()))
        elif kind == EXPLORE:
            self._explore()
        else:
            self.level.move(WAIT)

    def advise(self, knows: Collection[str] | None) -> str:
        return skill_of_an_expert(self, knows)

    def reach(self) -> Reach:
        """The cells that can be walked to."""
        return Reach(self.level.grid_level, self.level.explored)

    def place_beside(self, thing: Any, reach: Reach) -> Cell | None:
        """The nearest empty cell next to a thing on which another can be laid."""
        cells = [
            (reach.distance[stand], cell)
            for cell in around(cell_of(thing.cur_pos))
            if reach.is_empty(cell) and (stand := self._stand(cell, reach)) is not None
        ]
        return min(cells)[1] if cells else None

    def place_to_drop(self, reach: Reach) -> Cell | None:
        """The nearest empty cell that is not beside a door; any empty one where all are."""
        level = self.level.grid_level
        first = None
        for cell in reach.empty_cells():
            if self._stand(cell, reach) is None:
                continue
            first = cell if first is None else first
            beside = [level.grid.get(*there) for there in around(cell) if reach.inside(there)]
            if not any(thing is not None and thing.type == "door" for thing in beside):
                return cell
        return first

    def _stand(self, cell: Cell, reach: Reach) -> Cell | None:
        """Where to stand to reach a cell without standing on it, and without walking over it."""
        places = [
            place for place in around(cell) if place in reach.distance and cell not in reach.steps_to(place)
        ]
        return min(places, key=lambda place: (reach.distance[place], place), default=None)

    def _go_to(self, thing: Any) -> None:
        moved = len(self.level.moves)
        if self._face(cell_of(thing.cur_pos)) and len(self.level.moves) == moved:
            # Already there: the mission is only looked at after a move.
            self.level.move(WAIT)

    def _open(self, thing: Any) -> None:
        was_open = thing.type == "door" and thing.is_open
        if self._use(cell_of(thing.cur_pos), TOGGLE) and was_open:
            # It was shut by that.
            self.level.move(TOGGLE)

    def _lay(self, cell: Cell | None) -> None:
        if cell is not None and self._approach(self._stand(cell, self.reach()), cell):
            self.level.move(DROP)

    def _use(self, cell: Cell, primitive: int) -> bool:
        return self._face(cell) and self.level.move(primitive)

    def _face(self, cell: Cell) -> bool:
        """Go and face a cell; whether the episode goes on."""
        return self._approach(self.reach().beside(cell), cell)

    def _approach(self, stand: Cell | None, cell: Cell) -> bool:
        if stand is None:
            return False
        level = self.level
        if not walk(level.grid_level, self.reach().steps_to(stand), level.move):
            return False
        return all(level.move(primitive) for primitive in turns(level.grid_level, cell))

    def _explore(self) -> None:
        """Look for something: until a new thing is seen, or nothing is left that could be seen from here."""
        level = self.level
        known, moved = len(level.known), len(level.moves)

        def on(primitive: int) -> bool:
            goes_on = level.move(primitive)
            return goes_on and len(level.known) == known and len(level.moves) < moved + _LONGEST_LOOK

        while (target := self.reach().frontier()) is not None:
            place, unseen = target
            if not walk(level.grid_level, self.reach().steps_to(place), on):
                return
            if not all(on(primitive) for primitive in turns(level.grid_level, unseen)):
                return

    def _described(self, thing: Any, name: str) -> str:
        state = ""
        if thing.type == "door":
            state = "open " if thing.is_open else "locked " if thing.is_locked else "closed "
        where = f" ({self.level.from_start(cell_of(thing.cur_pos))})" if self._positions else ""
        return f"{state}{name}{where}"

    @staticmethod
    def _is_in(thing: Any, things: list[Any]) -> bool:
        """By identity: two red balls are two things."""
        return any(thing is other for other in things)
