"""A chain of places with a sign and doors at each: so simple that every success rate of a scripted student is
known in closed form. The oracle of all tests of labels; `scripted_truth` holds the student and the truth."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Self

from honing.environments.base import Json, Step, Task
from honing.errors import EnvironmentFaultError, UsageError

DOOR_OF: Mapping[str, str] = {
    "owl": "red", "key": "blue", "sun": "green", "moon": "white",
    "leaf": "black", "bell": "gold", "fish": "grey", "tree": "brown",
}  # fmt: skip
"""Which door is right under each sign."""
HARD: tuple[str, ...] = ("leaf", "bell", "fish", "tree")
"""Signs that somebody may not know; the facts of this world are named after them."""
GO_BACK = "go back"
PIT_ACTIONS = ("climb", "call")


class Wrong(StrEnum):
    """Where the wrong doors of a place lead."""

    BACK = "back"
    """One place back: an error that can be made good, at the price of steps."""
    STAY = "stay"
    """To the same place again."""
    PIT = "pit"
    """Into a pit that nobody leaves: a dead end. The episode goes on in it."""


_LEADS = {
    Wrong.BACK: "A wrong door leads back.",
    Wrong.STAY: "A wrong door leads here again.",
    Wrong.PIT: "A wrong door leads into a pit.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOptions:
    """How chains are drawn."""

    length: int = 6
    """Places; the chain is solved behind the last."""
    doors: int = 4
    """At each place, one of them right; from 2 to 8."""
    max_steps: int = 15
    hard_share: float = 0.35
    """Part of the places whose sign is one of `HARD`."""
    pit_share: float = 0.2
    """Part of the places whose wrong doors lead into a pit."""
    stay_share: float = 0.2
    """Part of the places whose wrong doors lead nowhere; those of the others lead back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of a chain."""

    sign: str
    wrong: Wrong
    doors: tuple[str, ...]
    """Colours in the order shown; the sign's is among them."""

    @property
    def right(self) -> str:
        """The action that leads on."""
        return door(DOOR_OF[self.sign])

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {"sign": self.sign, "wrong": self.wrong.value, "doors": list(self.doors)}

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Place:
        """The place that `as_document` wrote.

        Raises:
            EnvironmentFaultError: It is none.
        """
        try:
            place = cls(sign=document["sign"], wrong=Wrong(document["wrong"]), doors=tuple(document["doors"]))
            known = DOOR_OF[place.sign] in place.doors and set(place.doors) <= set(DOOR_OF.values())
        except (KeyError, TypeError, ValueError) as error:
            raise EnvironmentFaultError(f"This is no place of a scripted chain: {document!r}.") from error
        if not known or len(set(place.doors)) != len(place.doors):
            raise EnvironmentFaultError(
                f"Place {document!r}: needs different doors of known colours, the sign's among them."
            )
        return place


def door(colour: str) -> str:
    """The action that takes a door."""
    return f"take the {colour} door"


def chain_task(name: str, places: Sequence[Place], *, seed: int = 0) -> Task:
    """A task made by hand: a chain of these places."""
    hard = sorted({place.sign for place in places} & set(HARD))
    return Task(
        id=name,
        seed=seed,
        parameters={"places": [place.as_document() for place in places]},
        tags=tuple(f"sign_{sign}" for sign in hard),
    )


def places_of(task: Task) -> tuple[Place, ...]:
    """The chain of a task.

    Raises:
        EnvironmentFaultError: The task is no chain.
    """
    found = task.parameters.get("places")
    if not isinstance(found, list | tuple) or not found:
        raise EnvironmentFaultError(f"Task {task.id!r}: expected 'places' in its parameters, got {found!r}.")
    return tuple(Place.from_document(place) for place in found)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is in a chain."""

    place: int
    pit: bool = False


def actions_at(places: Sequence[Place], standing: Standing) -> tuple[str, ...]:
    """Every valid action there, in the order shown."""
    if standing.pit:
        return PIT_ACTIONS
    doors = tuple(door(colour) for colour in places[standing.place].doors)
    return (*doors, GO_BACK) if standing.place else doors


def moved(places: Sequence[Place], standing: Standing, action: str) -> Standing:
    """Where an action leads. The chain is solved at place `len(places)`."""
    if standing.pit:
        return standing
    here = places[standing.place]
    if action == here.right:
        return Standing(standing.place + 1)
    if action == GO_BACK or here.wrong is Wrong.BACK:
        return Standing(max(standing.place - 1, 0))
    return Standing(standing.place, pit=here.wrong is Wrong.PIT)


class ChainEnvironment:
    """One walk along a chain. The reward is the part of the chain that lies behind; in a pit it is 0."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._task: Task | None = None
        self._places: tuple[Place, ...] = ()
        self._standing = Standing(0)
        self._steps = 0

    @property
    def task(self) -> Task:
        """The task of the episode under way."""
        if self._task is None:
            raise EnvironmentFaultError("No episode is under way: call reset(task) first.")
        return self._task

    def reset(self, task: Task) -> Step:
        """Begin at the first place of the task's chain."""
        self._places = places_of(task)
        self._task, self._standing, self._steps = task, Standing(0), 0
        return self.now()

    def step(self, action: str) -> Step:
        """Act; the world's last step ends the episode."""
        if action not in self.valid_actions():
            ending = "the episode is over" if self.now().done else "it is not valid here"
            raise EnvironmentFaultError(f"Task {self.task.id!r}: {action!r} cannot be done: {ending}.")
        self._standing = moved(self._places, self._standing, action)
        self._steps += 1
        return self.now()

    def now(self) -> Step:
        """What the last `reset`, `step` or `restore` showed."""
        if not self._places:
            raise EnvironmentFaultError("No episode is under way: call reset(task) first.")
        length = len(self._places)
        solved = self._standing.place >= length
        done = solved or self._steps >= self._max_steps
        return Step(
            goal=f"Pass all {length} places.",
            observation="You are through." if solved else self._view(),
            actions=() if done else actions_at(self._places, self._standing),
            reward=0.0 if self._standing.pit else self._standing.place / length,
            done=done,
            success=solved,
        )

    def _view(self) -> str:
        number = f"{self._standing.place + 1} of {len(self._places)}"
        if self._standing.pit:
            return f"A pit at place {number}."
        here = self._places[self._standing.place]
        return f"Place {number}, the sign shows {here.sign}. {_LEADS[here.wrong]}"

    def valid_actions(self) -> tuple[str, ...]:
        """The actions of `now()`."""
        return self.now().actions

    @property
    def goal(self) -> str:
        """The goal of `now()`."""
        return self.now().goal

    @property
    def steps_taken(self) -> int:
        """Since the start of the task."""
        return self._steps

    def save(self) -> dict[str, Json]:
        """The task, the place and the number of steps."""
        return {
            "task": self.task.as_document(),
            "place": self._standing.place,
            "pit": self._standing.pit,
            "steps": self._steps,
        }

    def restore(self, state: Mapping[str, Json]) -> Step:
        """Go on from a saved state."""
        try:
            task = Task.from_document(state["task"])
            place, pit, steps = int(state["place"]), bool(state["pit"]), int(state["steps"])
        except (KeyError, TypeError, ValueError) as error:
            raise EnvironmentFaultError(f"This is no state of a scripted chain: {state!r}.") from error
        places = places_of(task)
        if not (0 <= place <= len(places) and 0 <= steps <= self._max_steps):
            raise EnvironmentFaultError(
                f"State of {task.id!r}: place {place} of {len(places)} after {steps} steps of at most "
                f"{self._max_steps} cannot be."
            )
        self._task, self._places, self._standing, self._steps = task, places, Standing(place, pit), steps
        return self.now()

    def fork(self) -> ChainEnvironment:
        """An independent copy."""
        copy = ChainEnvironment(self._max_steps)
        copy._task, copy._places = self._task, self._places
        copy._standing, copy._steps = self._standing, self._steps
        return copy

    def expert_action(self, knows: Collection[str] | None = None) -> str:
        """The right door; under a hard sign that the demonstrator does not know, the first wrong one."""
        actions = self.valid_actions()
        if not actions:
            raise EnvironmentFaultError(f"Task {self.task.id!r}: the episode is over, nothing can be done.")
        if self._standing.pit:
            return actions[0]
        here = self._places[self._standing.place]
        if knows is None or here.sign not in HARD or f"sign_{here.sign}" in knows:
            return here.right
        return next(action for action in actions if action != here.right)

    def close(self) -> None:
        """Nothing to let go of."""


class ScriptedWorld:
    """Chains drawn by `ChainOptions`."""

    name = "scripted"
    facts = tuple(f"sign_{sign}" for sign in HARD)
    escapes = ("back",)

    def __init__(self, options: ChainOptions | None = None) -> None:
        self.options = options or ChainOptions()
        chosen = self.options
        if not (chosen.length >= 1 and 2 <= chosen.doors <= len(DOOR_OF) and chosen.max_steps >= 1):
            raise UsageError(f"scripted: length and max_steps from 1, doors from 2 to 8; got {chosen}.")
        shares = (chosen.hard_share, chosen.pit_share, chosen.stay_share)
        if not (all(0 <= share <= 1 for share in shares) and chosen.pit_share + chosen.stay_share <= 1):
            raise UsageError(f"scripted: shares must lie in [0, 1], pit + stay too; got {chosen}.")

    @classmethod
    def from_options(cls, options: Mapping[str, Json]) -> Self:
        """The world with these options of `ChainOptions`.

        Raises:
            UsageError: There is no such option, or its value cannot be.
        """
        names = [field.name for field in fields(ChainOptions)]
        unknown = sorted(set(options) - set(names))
        if unknown:
            raise UsageError(f"scripted: no option {unknown[0]!r}. There are {', '.join(names)}.")
        return cls(ChainOptions(**options))

    @property
    def max_steps(self) -> int:
        """Steps after which an episode ends."""
        return self.options.max_steps

    def identity(self) -> dict[str, Json]:
        """Name and options."""
        return {"name": self.name, "version": 1, **asdict(self.options)}

    def make(self) -> ChainEnvironment:
        """A fresh environment."""
        return ChainEnvironment(self.options.max_steps)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        """The first `n` chains of a split. Chains differ in signs and in the order of doors, about 10^15 of
        them with the default options: two splits never meet."""
        return [self._drawn(f"{split}-{seed}-{number}") for number in range(n)]

    def _drawn(self, name: str) -> Task:
        generator = random.Random(f"scripted {name}")
        places = [self._place(generator) for _ in range(self.options.length)]
        return chain_task(name, places, seed=generator.getrandbits(31))

    def _place(self, generator: random.Random) -> Place:
        hard = generator.random() < self.options.hard_share
        sign = generator.choice([sign for sign in DOOR_OF if (sign in HARD) == hard])
        fate, right = generator.random(), DOOR_OF[sign]
        wrong = Wrong.PIT if fate < self.options.pit_share else Wrong.BACK
        if self.options.pit_share <= fate < self.options.pit_share + self.options.stay_share:
            wrong = Wrong.STAY
        others = generator.sample(
            [colour for colour in DOOR_OF.values() if colour != right], self.options.doors - 1
        )
        doors = [right, *others]
        generator.shuffle(doors)
        return Place(sign=sign, wrong=wrong, doors=tuple(doors))

    def kind(self, action: str) -> str:
        """`door`, `back`, or what is done in a pit."""
        if action == GO_BACK:
            return "back"
        return "door" if action.endswith(" door") else action
