"""Primitive actions: one action is one move. BabyAI's bot is the expert."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from honing.environments.babyai.mission import parts_left
from honing.environments.babyai.planner import DROP, FORWARD, LEFT, PICK_UP, RIGHT, TOGGLE, cell_of
from honing.environments.babyai.play import BabyPlay, Level

PRIMITIVES = {
    "turn left": LEFT,
    "turn right": RIGHT,
    "go forward": FORWARD,
    "pick up": PICK_UP,
    "drop": DROP,
    "toggle": TOGGLE,
}
"""In the order in which they are listed; all of them are valid at any time."""


class PrimitivePlay(BabyPlay):
    """A level played by single moves."""

    def __init__(self, level: Level, seed: int) -> None:
        super().__init__(level)
        self._seed = seed
        self._bot: FollowingBot | None = None

    def observation(self) -> str:
        level = self.level.grid_level
        carried = level.carrying
        seen = [
            f"{self._described(found)} {self.level.from_here(cell_of(found.cur_pos))}"
            for found in self.level.present()
            if level.in_view(*found.cur_pos)
        ]
        ahead = level.grid.get(*level.front_pos)
        blocked = " A wall is ahead." if ahead is not None and ahead.type == "wall" else ""
        held = "nothing" if carried is None else f"a {carried.color} {carried.type}"
        return f"You carry {held}. You see {'; '.join(seen) if seen else 'nothing'}.{blocked}"

    def actions(self) -> tuple[str, ...]:
        return tuple(PRIMITIVES)

    def act(self, action: str) -> None:
        self.level.move(PRIMITIVES[action])

    def advise(self, knows: Collection[str] | None) -> str:
        if self._bot is None:
            self._bot = FollowingBot(self.level.name, self._seed)
        return self._bot.advise(self.level.moves)

    @staticmethod
    def _described(thing: Any) -> str:
        if thing.type != "door":
            return f"{thing.color} {thing.type}"
        return f"{'open' if thing.is_open else 'locked' if thing.is_locked else 'closed'} {thing.color} door"


class FollowingBot:
    """BabyAI's bot on a copy of the level that makes the same moves as the agent, so that asking it changes
    nothing. It is saved and forked with the episode."""

    def __init__(self, name: str, seed: int) -> None:
        from minigrid.utils.baby_ai_bot import BabyAIBot

        self._level = Level(name, seed)
        self._bot: Any = BabyAIBot(self._level.grid_level)
        self._advice = self._ask(None)

    def advise(self, moves: list[int]) -> str:
        """What the bot would do after these moves from the start."""
        for move in moves[len(self._level.moves) :]:
            self._level.move(move)
            self._advice = self._ask(move)
        names = {number: name for name, number in PRIMITIVES.items()}
        # A bot that sees nothing to do looks round.
        return names.get(-1 if self._advice is None else int(self._advice), "turn left")

    def _ask(self, move: int | None) -> int | None:
        # The bot raises where it cannot follow: a box was opened, or a thing is not where its plan has it.
        try:
            return int(self._bot.replan(move))
        except Exception:  # noqa: BLE001 - the bot's own errors and failed assertions; a fresh one plans anew
            return self._plan_anew()

    def _plan_anew(self) -> int | None:
        """A fresh bot with the same memory of the grid and what is left of the mission."""
        from minigrid.utils.baby_ai_bot import BabyAIBot

        if self._level.over:
            return None
        fresh = BabyAIBot(self._level.grid_level)
        fresh.vis_mask |= self._level.explored
        fresh.stack.clear()
        for part in reversed(list(parts_left(self._level.grid_level.instrs))):
            fresh._process_instr(part)
        self._bot = fresh
        try:
            return int(fresh.replan())
        except Exception:  # noqa: BLE001 - what the mission needs may be gone for good
            return None
