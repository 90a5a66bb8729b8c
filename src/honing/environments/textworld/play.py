"""One episode of a game: by the game's logic in this process, or by the interpreter in the game's prose."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from honing.environments.base import Step
from honing.environments.textworld.prose import Facts, room_text

FACTS = ("open", "unlock", "take", "put", "insert", "drop", "eat")
"""Verbs that a demonstrator may know. One who lacks a verb never uses it, and walks about instead."""
LOOKING = ("look", "inventory", "examine")
"""Verbs that change nothing."""


class LogicPlay:
    """A game played by its logic."""

    def __init__(self, game: Any, goal: str, *, looking: bool) -> None:
        from textworld.generator.game import GameProgression
        from textworld.generator.inform7 import Inform7Game

        self._words = Inform7Game(game)
        self._progress = GameProgression(game, track_quests=True)
        self._goal = goal
        self._looking = looking

    def show(self) -> Step:
        progress = self._progress
        over = bool(progress.completed or progress.failed)
        facts = Facts(map(self._words.get_human_readable_fact, progress.state.facts))
        return Step(
            goal=self._goal,
            observation=room_text(facts),
            actions=() if over else self._commands(),
            reward=1.0 if progress.completed else 0.0,
            done=over,
            success=bool(progress.completed),
        )

    def act(self, action: str) -> None:
        commands = self._words.gen_commands_from_actions(self._progress.valid_actions)
        self._progress.update(self._progress.valid_actions[commands.index(action)])

    def advise(self, knows: Collection[str] | None) -> str:
        policy = self._progress.winning_policy
        best = self._words.gen_commands_from_actions(policy[:1]) if policy else []
        return advised(best[0] if best else "", self._commands(), knows)

    def freeze(self) -> Callable[[], LogicPlay]:
        kept = self._copy()
        return kept._copy

    def close(self) -> None:
        """Nothing to let go of."""

    def walkthrough(self) -> list[str]:
        """Commands that win from here; empty where none are known."""
        policy = self._progress.winning_policy
        return list(self._words.gen_commands_from_actions(policy)) if policy else []

    def _commands(self) -> tuple[str, ...]:
        found = set(self._words.gen_commands_from_actions(self._progress.valid_actions))
        return sorted_commands(found, looking=self._looking)

    def _copy(self) -> LogicPlay:
        other = copy(self)
        other._progress = self._progress.copy()
        return other


class ProsePlay:
    """A compiled game played by the interpreter."""

    def __init__(self, file: Path, goal: str, *, looking: bool) -> None:
        import textworld
        from textworld import EnvInfos

        wanted = EnvInfos(
            admissible_commands=True,
            policy_commands=True,
            description=True,
            inventory=True,
            won=True,
            lost=True,
        )
        with warnings.catch_warnings():
            # The interpreter knows no addresses in a new game's memory where its score would stand. TextWorld
            # keeps score by itself.
            warnings.filterwarnings("ignore", message="Game .* is not fully supported", category=Warning)
            self._game: Any = textworld.start(str(file), wanted)
        self._state: Any = self._game.reset()
        self._goal = goal
        self._looking = looking

    def show(self) -> Step:
        state = self._state
        over = bool(state["won"] or state["lost"])
        return Step(
            goal=self._goal,
            observation=squeezed(f"{state['description']} {state['inventory']}"),
            actions=() if over else sorted_commands(state["admissible_commands"], looking=self._looking),
            reward=1.0 if state["won"] else 0.0,
            done=over,
            success=bool(state["won"]),
        )

    def act(self, action: str) -> None:
        self._state, _, _ = self._game.step(action)

    def advise(self, knows: Collection[str] | None) -> str:
        best = self._state["policy_commands"] or [""]
        return advised(best[0], self.show().actions, knows)

    def freeze(self) -> None:
        """An interpreter is replayed, not copied."""

    def close(self) -> None:
        self._game.close()


def sorted_commands(commands: Collection[str], *, looking: bool) -> tuple[str, ...]:
    """Commands in a fixed order, without those that change nothing unless they are wanted."""
    found = [str(command) for command in commands]
    acting = [command for command in found if looking or command.split()[0] not in LOOKING]
    # A player who can do nothing but look still has to have something to do.
    return tuple(sorted(set(acting or found)))


def advised(best: str, commands: Sequence[str], knows: Collection[str] | None) -> str:
    """What a demonstrator does.

    Args:
        best: The next command of a winning walkthrough; empty where none is known.
        commands: The valid ones.
        knows: Verbs that are known; None for all.
    """
    verb = best.split()[0] if best else ""
    if best in commands and (knows is None or verb not in FACTS or verb in knows):
        return best
    walking = [command for command in commands if command.startswith("go ")]
    others = [command for command in commands if knows is None or command.split()[0] in knows]
    return (walking or others or list(commands))[0]


def squeezed(text: str) -> str:
    """On one line, without a room's heading marks."""
    return re.sub(r"\s+", " ", text.replace("-=", " ").replace("=-", ":")).strip()
