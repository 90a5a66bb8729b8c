"""An expert for skills: the next part of the mission, and what has to be done for it first. It sees what the
agent has seen, no more. Asked to be ignorant of a fact, it acts as somebody would who never heard of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from honing.environments.babyai.mission import FACTS, part_kind, parts_left, wanted_of
from honing.environments.babyai.planner import Reach, cell_of

if TYPE_CHECKING:
    from honing.environments.babyai.skills import SkillPlay


def skill_of_an_expert(play: SkillPlay, knows: Collection[str] | None) -> str:
    """A skill that serves the mission, one of those that can be carried out now.

    Args:
        play: The episode.
        knows: Facts that are known; None for all.
    """
    known = FACTS if knows is None else {*knows, *play.common_knowledge}
    expert = _Expert(play, frozenset(known))
    return expert.choose()


class _Expert:
    """One decision."""

    def __init__(self, play: SkillPlay, knows: frozenset[str]) -> None:
        self._play = play
        self._knows = knows
        self._skills = play.skills()
        self._carried = play.level.grid_level.carrying
        self._reach = play.reach()

    def choose(self) -> str:
        part = next(parts_left(self._play.level.grid_level.instrs))
        kind = part_kind(part)
        if kind == "open":
            return self._to_open(wanted_of(part))
        if kind == "pick_up":
            return self._to_pick_up(wanted_of(part))
        if kind == "put_next":
            return self._to_put_next(part)
        return self._to_go_to(wanted_of(part))

    def _to_go_to(self, wanted: list[Any]) -> str:
        if self._is_carried(wanted):
            return self._first("drop")
        return self._do("go_to", wanted) or self._find(wanted)

    def _to_pick_up(self, wanted: list[Any]) -> str:
        if "pick_up" not in self._knows:
            return self._to_go_to(wanted)
        if self._carried is not None and (self._is_carried(wanted) or self._do("go_to", wanted)):
            return self._first("drop")
        return self._do("pick_up", wanted) or self._find(wanted)

    def _to_open(self, wanted: list[Any]) -> str:
        if "open" not in self._knows:
            return self._to_go_to(wanted)
        doors = [skill for skill, (kind, door) in self._near("open") if self._is_one_of(door, wanted)]
        if not doors:
            return self._find(wanted)
        door = self._skills[doors[0]][1]
        if door.is_locked and "key" in self._knows and not self._has_key(door):
            return self._fetch_key(door)
        return doors[0]

    def _to_put_next(self, part: Any) -> str:
        wanted, beside = wanted_of(part), list(part.desc_fixed.obj_set)
        if not self._is_carried(wanted):
            if not self._do("go_to", beside):
                return self._find(beside)
            if self._carried is not None and self._do("go_to", wanted):
                return self._first("drop")
            return self._do("pick_up", wanted) or self._find(wanted)
        if "put_next" not in self._knows:
            return self._first("drop")
        return self._do("put_next", beside) or self._find(beside)

    def _find(self, wanted: list[Any]) -> str:
        """Something that may bring what is wanted into reach."""
        if "explore" not in self._knows:
            return self._first("go_to", "explore")
        if "explore" in self._skills:
            return "explore"
        shut = [(skill, door) for skill, (_, door) in self._near("open") if not self._is_open(door)]
        for skill, door in shut:
            if not door.is_locked or self._has_key(door):
                return skill
        for skill, door in shut:
            if "key" not in self._knows:
                return skill
            if self._keys(door):
                return self._fetch_key(door)
        boxes = [skill for skill, (_, box) in self._near("open") if box.type == "box"]
        return boxes[0] if boxes else self._clear(wanted)

    def _fetch_key(self, door: Any) -> str:
        if self._carried is not None:
            return self._first("drop")
        keys = self._keys(door)
        return self._do("pick_up", keys) or self._find(keys)

    def _clear(self, wanted: list[Any]) -> str:
        """Take away what stands in the way of something wanted."""
        if self._carried is not None:
            return self._first("drop", "go_to")
        return self._do("pick_up", self._in_the_way(wanted)) or self._first("open", "go_to")

    def _in_the_way(self, wanted: list[Any]) -> list[Any]:
        """The first thing on the way to something wanted, to a shut door, or to a place never seen."""
        level = self._play.level
        reach = Reach(level.grid_level, level.explored, through=True)
        targets = [thing for thing in level.present() if self._is_one_of(thing, wanted)]
        targets += [thing for thing in level.present() if not self._is_open(thing)]
        stands = [reach.beside(cell_of(thing.cur_pos)) for thing in targets]
        unseen = reach.frontier()
        stands += [unseen[0]] if unseen is not None else []
        for stand in stands:
            way = [] if stand is None else reach.steps_to(stand)
            things = [level.grid_level.grid.get(*cell) for cell in way]
            blocking = [thing for thing in things if thing is not None and thing.can_pickup()]
            if blocking:
                return blocking[:1]
        return []

    def _do(self, kind: str, wanted: list[Any]) -> str:
        """The nearest such skill on one of the things; empty where there is none."""
        fitting = [skill for skill, (_, thing) in self._near(kind) if self._is_one_of(thing, wanted)]
        return fitting[0] if fitting else ""

    def _near(self, kind: str) -> list[tuple[str, tuple[str, Any]]]:
        """Skills of a kind on things, the nearest thing first."""
        found = [(skill, what) for skill, what in self._skills.items() if what[0] == kind]
        return sorted(found, key=lambda entry: self._distance(entry[1][1]))

    def _distance(self, thing: Any) -> int:
        stand = self._reach.beside(cell_of(thing.cur_pos))
        return 0 if stand is None else self._reach.distance[stand]

    def _first(self, *kinds: str) -> str:
        """The nearest skill of the first kind there is; any skill where there is none."""
        for kind in kinds:
            found = [skill for skill, what in self._skills.items() if what[0] == kind]
            if found:
                return found[0]
        return next(iter(self._skills))

    def _keys(self, door: Any) -> list[Any]:
        known = self._play.level.present()
        return [thing for thing in known if thing.type == "key" and thing.color == door.color]

    def _has_key(self, door: Any) -> bool:
        carried = self._carried
        return carried is not None and carried.type == "key" and bool(carried.color == door.color)

    def _is_carried(self, wanted: list[Any]) -> bool:
        return self._carried is not None and self._is_one_of(self._carried, wanted)

    @staticmethod
    def _is_open(thing: Any) -> bool:
        return bool(getattr(thing, "is_open", True))

    @staticmethod
    def _is_one_of(thing: Any, wanted: list[Any]) -> bool:
        return any(thing is other for other in wanted)
