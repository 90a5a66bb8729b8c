"""TextWorld as a world."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from honing.environments.base import Json, Task
from honing.environments.drawing import checked_split, drawn_seed
from honing.environments.options import as_plain, options_from
from honing.environments.replay import ExpertEnvironment, PlayMemory
from honing.environments.textworld.games import compiled_game, game_digest, made_game
from honing.environments.textworld.options import TextWorldOptions
from honing.environments.textworld.play import FACTS, LogicPlay, ProsePlay
from honing.errors import EnvironmentFaultError, MissingToolError, UsageError

_CHOICES = {"goal": ("last", "steps"), "engine": ("logic", "interpreter")}


class TextWorldWorld:
    """See `World` for what its methods promise."""

    name = "textworld"
    facts = FACTS
    escapes: tuple[str, ...] = ()

    def __init__(self, options: TextWorldOptions) -> None:
        self.options = options
        self.max_steps = options.max_steps
        # A game is large, so fewer are remembered than of other worlds.
        self._memory = PlayMemory(128)
        self._drawn: dict[tuple[str, int], list[Task]] = {}
        self._draws: dict[tuple[str, int], int] = {}

    @classmethod
    def from_options(cls, options: Mapping[str, Json]) -> TextWorldWorld:
        """A world with its options.

        Raises:
            UsageError: There is no such option, or not of that value.
        """
        found = options_from(TextWorldOptions, options, world="textworld")
        for name, known in _CHOICES.items():
            if getattr(found, name) not in known:
                raise UsageError(
                    f"textworld: the option {name!r} must be one of {', '.join(known)}, got "
                    f"{getattr(found, name)!r}."
                )
        if found.engine == "interpreter" and not found.cache:
            raise UsageError(
                "textworld: the interpreter needs the option 'cache', a folder for compiled games."
            )
        return cls(found)

    def identity(self) -> dict[str, Json]:
        options = as_plain(self.options)
        # Where compiled games lie decides nothing.
        del options["cache"]
        return {"name": self.name, "options": options, "packages": _versions()}

    def make(self) -> ExpertEnvironment:
        _versions()
        return ExpertEnvironment(self.name, self._begin, max_steps=self.max_steps, memory=self._memory)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        _versions()
        key = checked_split(split), seed
        drawn = self._drawn.setdefault(key, [])
        known = {task.parameters["game"] for task in drawn}
        while len(drawn) < n:
            at = self._draws.get(key, 0)
            self._draws[key] = at + 1
            if at > 100 + 10 * len(drawn):
                raise EnvironmentFaultError(
                    f"textworld: games of these sizes are about {len(drawn)} different ones; {n} were "
                    "asked for. Choose larger sizes."
                )
            task = self._draw(f"{split}-{seed}-{len(drawn)}", drawn_seed("textworld", split, seed, at))
            if task.parameters["game"] not in known:
                known.add(task.parameters["game"])
                drawn.append(task)
        return drawn[:n]

    def kind(self, action: str) -> str:
        return action.split()[0] if action else action

    def _draw(self, name: str, seed: int) -> Task:
        game = made_game(self.options, seed)
        walkthrough = LogicPlay(game, "", looking=False).walkthrough()
        verbs = {command.split()[0] for command in walkthrough}
        spare = self.options.spare_steps
        limit = {"steps": min(len(walkthrough) + spare, self.max_steps)} if spare else {}
        return Task(
            id=name,
            seed=seed,
            parameters={"game": game_digest(game), **limit},
            tags=tuple(fact for fact in FACTS if fact in verbs),
        )

    def _begin(self, task: Task) -> LogicPlay | ProsePlay:
        game = made_game(self.options, task.seed)
        digest = game_digest(game)
        if task.parameters.get("game", digest) != digest:
            raise EnvironmentFaultError(
                f"textworld: the task {task.id!r} is the game {task.parameters['game']}, and its seed makes "
                f"the game {digest} here. Use the options and package versions it was drawn with."
            )
        goal = _goal(game, self.options.goal)
        if self.options.engine == "logic":
            return LogicPlay(game, goal, looking=self.options.looking)
        file = compiled_game(self.options, task.seed, digest)
        return ProsePlay(file, goal, looking=self.options.looking)


def _goal(game: Any, kind: str) -> str:
    """The goal's words; of one step, without the greeting before it."""
    words = " ".join(str(game.objective).split())
    if kind == "steps":
        return words
    return words.rstrip(".!").replace("! ", ". ").replace("? ", ". ").rpartition(". ")[2] + "."


def _versions() -> dict[str, str]:
    try:
        return {"textworld": version("textworld")}
    except PackageNotFoundError as error:
        raise MissingToolError(
            f"The world textworld needs the package {error.name}, which is not installed. "
            "Install Honing with the extra textworld: pip install 'honing[textworld]'."
        ) from error
