"""A room in few words, from the facts of the game."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_DIRECTIONS = ("north", "east", "south", "west")


class Facts:
    """What is true in a game now, by predicate and names."""

    def __init__(self, facts: Iterable[Any]) -> None:
        self._by_name: dict[str, list[tuple[str, ...]]] = {}
        for fact in facts:
            names = tuple(str(argument.name) for argument in fact.arguments)
            self._by_name.setdefault(fact.name, []).append(names)
        for rows in self._by_name.values():
            rows.sort()

    def rows(self, name: str) -> list[tuple[str, ...]]:
        """The names in every fact of a predicate, sorted."""
        return self._by_name.get(name, [])

    def holders(self, name: str, place: str) -> list[str]:
        """What stands in a predicate of two before a place: what lies on a table."""
        return [row[0] for row in self.rows(name) if row[1:] == (place,)]

    def state(self, thing: str) -> str:
        """open, closed or locked; empty for what has no such state."""
        return next((word for word in ("open", "closed", "locked") if (thing,) in self.rows(word)), "")


def room_text(facts: Facts) -> str:
    """Where the player is, what is there, where it goes on, and what the player carries."""
    room = next(place for who, place in facts.rows("at") if who == "P")
    here = [thing for thing in facts.holders("at", room) if thing != "P"]
    seen = [part for thing in here for part in _thing(thing, facts)]
    carried = facts.holders("in", "I")
    return " ".join(
        [
            f"You are in the {room}.",
            f"You see {', '.join(seen)}." if seen else "You see nothing.",
            f"Exits: {', '.join(_exits(room, facts)) or 'none'}.",
            f"You carry {', '.join(carried) if carried else 'nothing'}.",
        ]
    )


def _thing(thing: str, facts: Facts) -> list[str]:
    state = facts.state(thing)
    inside = facts.holders("in", thing) if state == "open" else []
    held = [
        *(f"{other} in it" for other in inside),
        *(f"{other} on it" for other in facts.holders("on", thing)),
    ]
    words = f"{state} {thing}" if state else thing
    return [f"{words} ({', '.join(held)})" if held else words]


def _exits(room: str, facts: Facts) -> list[str]:
    found = []
    for direction in _DIRECTIONS:
        for there in facts.holders(f"{direction}_of", room):
            doors = [door for here, door, other in facts.rows("link") if (here, other) == (room, there)]
            shut = [f"{facts.state(door)} {door}" for door in doors if facts.state(door)]
            if doors or (room, there) in facts.rows("free"):
                found.append(f"{direction} ({shut[0]})" if shut else direction)
    return found
