"""What a mission asks for: its parts in the order in which they have to be done, and what a solver knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PARTS = ("go_to", "pick_up", "open", "put_next")
"""Kinds of a mission's parts."""
FACTS = ("pick_up", "open", "put_next", "key", "explore")
"""What a demonstrator may know: that "pick up" means to take a thing and not to visit it, that "open" means
to open, that "put next to" means to lay it down there, that a locked door needs its key, and that what is not
in sight has to be looked for. Going to a thing in sight is what somebody does who knows nothing."""

_LOCATION = re.compile(r"\b(in front of you|behind you|on your left|on your right)\b")


def names_a_location(mission: str) -> bool:
    """Whether a mission tells things apart by where they lie."""
    return _LOCATION.search(mission) is not None


def parts_left(instruction: Any) -> Iterator[Any]:
    """The parts of a mission that are not done yet, the next one first.

    Args:
        instruction: A verifier of the level, as it stands now.
    """
    kind = type(instruction).__name__
    if kind not in {"BeforeInstr", "AfterInstr", "AndInstr"}:
        yield instruction
        return
    halves = [(instruction.instr_a, instruction.a_done), (instruction.instr_b, instruction.b_done)]
    if kind == "AfterInstr":
        halves.reverse()
    for half, done in halves:
        if done != "success":
            yield from parts_left(half)


def part_kind(part: Any) -> str:
    """One of `PARTS`."""
    names = {"GoToInstr": "go_to", "PickupInstr": "pick_up", "OpenInstr": "open", "PutNextInstr": "put_next"}
    return names[type(part).__name__]


def wanted_of(part: Any) -> list[Any]:
    """The objects that a part is about, any of which will do: the one to be moved where two are named."""
    desc = part.desc_move if hasattr(part, "desc_move") else part.desc
    return list(desc.obj_set)
