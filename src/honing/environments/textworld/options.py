"""Options of the world: what decides which games are drawn and how they are played."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWorldOptions:
    """What a TextWorld world consists of."""

    rooms: int = 2
    """Of every game."""
    objects: int = 4
    """Of every game, at least; the quest may need more."""
    quest_length: int = 4
    """Commands of the walkthrough."""
    goal: str = "last"
    """`last` says what is to be achieved in the end; `steps` says every step, as TextWorld words them."""
    engine: str = "logic"
    """`logic` plays the game in this process and describes rooms in few words; `interpreter` compiles it,
    which takes seconds, and shows the game's own prose."""
    cache: str = ""
    """Folder of compiled games; the interpreter needs one."""
    looking: bool = False
    """Whether look, inventory and examine are actions."""
    max_steps: int = 15
    spare_steps: int = 2
    """Actions that an episode has beyond those of the walkthrough, so that wandering about costs something; 0
    for no such limit."""
