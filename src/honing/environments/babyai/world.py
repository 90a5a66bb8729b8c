"""BabyAI as a world: levels by name, tasks by seed, an expert for either way of playing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from honing.environments.babyai.mission import FACTS, part_kind, parts_left, wanted_of
from honing.environments.babyai.play import BabyPlay, Level
from honing.environments.babyai.primitives import PrimitivePlay
from honing.environments.babyai.skills import SkillPlay
from honing.environments.base import Json, Task
from honing.environments.drawing import checked_split, drawn_seed
from honing.environments.options import as_plain, options_from
from honing.environments.replay import ExpertEnvironment, PlayMemory
from honing.errors import EnvironmentFaultError, MissingToolError, UsageError

MODES = ("skills", "primitives")
_STEPS = {"skills": 15, "primitives": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class BabyOptions:
    """What a BabyAI world consists of."""

    mode: str = "skills"
    """`skills`, or `primitives`."""
    levels: tuple[str, ...] = (
        "GoToSeqS5R2",
        "GoToSeqS5R2",
        "GoToObjMazeS4R2",
        "GoToObjMazeS4R2",
        "GoToLocalS8N4",
        "PickupDist",
        "OpenDoorColor",
        "PutNextS5N2",
        "PutNextLocalS6N4",
        "UnlockLocal",
        "UnlockPickup",
    )
    """Levels of BabyAI, "GoToLocal" or "BabyAI-GoToLocal-v0"; every entry is as likely, one may stand twice.
    With these, 45% of the tasks need no fact, 36% one and 18% two."""
    facts: tuple[str, ...] = ("pick_up", "open", "put_next", "key")
    """For skills: what a demonstrator may lack, of pick_up, open, put_next, key and explore. Nobody lacks the
    others."""
    max_steps: int = 0
    """Actions after which an episode ends; 0 is 15 for skills and 64 for primitives."""
    spare_steps: int = 2
    """For skills: how many actions an episode has beyond those that the expert needs. Nothing else in these
    levels makes a wrong action count. 0 sets no such limit."""
    boxes_open: bool = False
    """Whether a skill opens boxes; what lies in one is then found, and the box is gone."""
    positions: bool = False
    """Whether skills are shown with where things lie, seen from where the episode began. A mission that tells
    things apart by that shows it anyway."""


class BabyWorld:
    """See `World` for what its methods promise."""

    name = "babyai"

    def __init__(self, options: BabyOptions) -> None:
        self.options = options
        self.max_steps = options.max_steps or _STEPS[options.mode]
        self._levels = tuple(full_name(level) for level in options.levels)
        self._memory = PlayMemory()
        self._drawn: dict[tuple[str, int], _Drawing] = {}

    @classmethod
    def from_options(cls, options: Mapping[str, Json]) -> BabyWorld:
        """A world with its options.

        Raises:
            UsageError: There is no such option, mode or level name.
        """
        found = options_from(BabyOptions, options, world="babyai")
        if found.mode not in MODES:
            raise UsageError(
                f"babyai: the option 'mode' must be one of {', '.join(MODES)}, got {found.mode!r}."
            )
        if not set(found.facts) <= set(FACTS):
            raise UsageError(
                f"babyai: the option 'facts' takes some of {', '.join(FACTS)}, got {found.facts}."
            )
        if not found.levels:
            raise UsageError("babyai: the option 'levels' needs one level at least, such as GoToLocal.")
        return cls(found)

    @property
    def facts(self) -> tuple[str, ...]:
        """Kinds of missions a demonstrator may know; none for primitive moves, where the bot knows all."""
        return self.options.facts if self.options.mode == "skills" else ()

    @property
    def escapes(self) -> tuple[str, ...]:
        return ("drop", "wait") if self.options.mode == "skills" else ("turn",)

    def identity(self) -> dict[str, Json]:
        options = as_plain(self.options) | {"levels": list(self._levels), "max_steps": self.max_steps}
        return {"name": self.name, "options": options, "packages": _versions()}

    def make(self) -> ExpertEnvironment:
        _versions()
        return ExpertEnvironment(self.name, self._begin, max_steps=self.max_steps, memory=self._memory)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        key = checked_split(split), seed
        drawing = self._drawn.setdefault(key, _Drawing())
        while len(drawing.tasks) < n:
            self._draw(drawing, *key)
        return drawing.tasks[:n]

    def kind(self, action: str) -> str:
        if self.options.mode == "primitives":
            return {"turn left": "turn", "turn right": "turn"}.get(action, action.replace(" ", "_"))
        for words, kind in _SKILL_KINDS:
            if action.startswith(words):
                return kind
        return action

    def _begin(self, task: Task) -> BabyPlay:
        level = task.parameters.get("level")
        if level not in self._levels:
            raise EnvironmentFaultError(
                f"babyai: the task {task.id!r} is of the level {level!r}, which is not one of this world's: "
                f"{', '.join(self._levels)}."
            )
        begun = self._level(level, task.seed)
        layout = task.parameters.get("layout")
        if layout is not None and layout != begun.digest():
            raise EnvironmentFaultError(
                f"babyai: the task {task.id!r} shows the layout {begun.digest()}, not {layout} as it was "
                "drawn. Use the package versions of the world it was drawn from."
            )
        return self._play(begun, task.seed)

    def _play(self, level: Level, seed: int) -> BabyPlay:
        if self.options.mode == "primitives":
            return PrimitivePlay(level, seed)
        return SkillPlay(
            level,
            common_knowledge=frozenset(FACTS) - frozenset(self.options.facts),
            boxes_open=self.options.boxes_open,
            positions=self.options.positions,
        )

    def _draw(self, drawing: _Drawing, split: str, seed: int) -> None:
        """Add the next task to a split, unless its layout is there already."""
        at = drawing.draws
        drawing.draws += 1
        level = self._levels[drawn_seed("babyai level", split, seed, at) % len(self._levels)]
        task_seed = drawn_seed("babyai", split, seed, at)
        begun = self._level(level, task_seed)
        layout = begun.digest()
        if layout in drawing.layouts:
            drawing.repeats += 1
            if drawing.repeats > 100 + 10 * len(drawing.tasks):
                raise EnvironmentFaultError(
                    f"babyai: the levels {', '.join(self._levels)} have about {len(drawing.tasks)} tasks; "
                    "more were asked for. Add levels or larger ones."
                )
            return
        drawing.layouts.add(layout)
        short = level.removeprefix("BabyAI-").removesuffix("-v0")
        play = self._play(begun, task_seed)
        task = Task(
            id=f"{split}-{seed}-{len(drawing.tasks)}-{short}",
            seed=task_seed,
            parameters={"level": level, "layout": layout, **self._limit(play)},
            tags=tuple(fact for fact in self.facts if fact in needed_facts(begun)),
        )
        drawing.tasks.append(task)
        self._memory.keep_begun(task, play)

    def _limit(self, play: BabyPlay) -> dict[str, int]:
        """What a task says of its own limit of steps, from how many the expert takes."""
        if not self.options.spare_steps or self.options.mode == "primitives":
            return {}
        tried = play.freeze()()
        steps = 0
        while not tried.level.over and steps < self.max_steps:
            tried.act(tried.advise(None))
            steps += 1
        return {"steps": min(steps + self.options.spare_steps, self.max_steps)}

    def _level(self, name: str, seed: int) -> Level:
        import gymnasium

        _versions()
        try:
            return Level(name, seed)
        except gymnasium.error.Error as error:
            raise EnvironmentFaultError(
                f"babyai: there is no level {name!r} in the installed package: {error}"
            ) from error


class _Drawing:
    """The tasks of one split that were drawn so far."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.layouts: set[str] = set()
        self.draws = 0
        self.repeats = 0


_SKILL_KINDS = (("go to ", "go_to"), ("pick up ", "pick_up"), ("open ", "open"), ("put next to ", "put_next"))


def full_name(level: str) -> str:
    """A level's name as the package has it."""
    return level if level.startswith("BabyAI-") else f"BabyAI-{level}-v0"


def needed_facts(level: Level) -> set[str]:
    """Which facts a solver of a level that has just begun needs, and the kinds of the mission's parts."""
    parts = list(parts_left(level.grid_level.instrs))
    needed = {part_kind(part) for part in parts}
    wanted = [thing for part in parts for thing in wanted_of(part)]
    if any(
        thing is not None and thing.type == "door" and thing.is_locked for thing in level.grid_level.grid.grid
    ):
        needed.add("key")
    if not any(thing is seen for thing in wanted for seen in level.known):
        needed.add("explore")
    return needed


def _versions() -> dict[str, str]:
    try:
        return {name: version(name) for name in ("minigrid", "gymnasium")}
    except PackageNotFoundError as error:
        raise MissingToolError(
            f"The world babyai needs the package {error.name}, which is not installed. "
            "Install Honing with the extra teach: pip install 'honing[teach]'."
        ) from error
