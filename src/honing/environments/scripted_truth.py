"""A student of the scripted chain whose chances are stated, and what follows from them, exactly."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from honing.environments.base import Json, Task
from honing.environments.scripted import (
    DOOR_OF,
    GO_BACK,
    PIT_ACTIONS,
    Place,
    Standing,
    actions_at,
    door,
    moved,
    places_of,
)

CONDITIONS = ("base", "placebo", "demo", "contrast", "hint")
"""What a student may find in its context: nothing, or one of four kinds of patch."""
_SIGN = re.compile(r"the sign shows (\w+)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Chances of the right door under one sign, by what is in context."""

    base: float
    placebo: float
    demo: float
    contrast: float
    hint: float
    expert: float = 1.0
    """Of the expert of the same table, who looks at no patch."""
    lure: float = 1.0
    """Part of the remaining probability that goes to the first wrong door; the other actions share the rest
    evenly. 1 is a confident error, 0.3 an unsure one."""


def _easy(chance: float, lure: float) -> Skill:
    return Skill(base=chance, placebo=chance, demo=0.95, contrast=0.95, hint=0.95, expert=0.99, lure=lure)


SKILLS: Mapping[str, Skill] = {
    "owl": _easy(0.92, 0.4),
    "key": _easy(0.85, 1.0),
    "sun": _easy(0.80, 0.4),
    "moon": _easy(0.90, 0.7),
    # A confident gap that being shown closes; an unsure one; one that a hint closes; one that nothing does.
    "leaf": Skill(base=0.10, placebo=0.12, demo=0.90, contrast=0.70, hint=0.30, expert=0.95, lure=1.0),
    "bell": Skill(base=0.25, placebo=0.30, demo=0.60, contrast=0.85, hint=0.40, expert=0.90, lure=0.34),
    "fish": Skill(base=0.35, placebo=0.30, demo=0.60, contrast=0.55, hint=0.90, expert=0.95, lure=0.9),
    "tree": Skill(base=0.15, placebo=0.15, demo=0.20, contrast=0.15, hint=0.15, expert=0.85, lure=0.34),
}
"""The default table."""


class Seen(Protocol):
    """The part of a situation that the student looks at."""

    @property
    def observation(self) -> str: ...
    @property
    def actions(self) -> tuple[str, ...]: ...
    @property
    def patch(self) -> str: ...


class Asked(Protocol):
    """The part of a turn that the student looks at."""

    @property
    def situation(self) -> Seen: ...


class ChainPolicy:
    """Acts by its table, from the text it is shown alone. A policy as `honing.learn` means it.

    Args:
        skills: By sign.
        expert: Whether it acts as the table's expert instead, who pays no heed to patches.
        condition_of: Which of `CONDITIONS` a patch is, given the situation; `condition_by_content` where
            None.
    """

    def __init__(
        self,
        skills: Mapping[str, Skill] = SKILLS,
        *,
        expert: bool = False,
        condition_of: Callable[[Seen], str] | None = None,
    ) -> None:
        self._skills = dict(skills)
        self._expert = expert
        self._condition_of = condition_of or condition_by_content

    @property
    def name(self) -> str:
        """`chain` or `chain-expert`."""
        return "chain-expert" if self._expert else "chain"

    def identity(self) -> str:
        """Hash of the table."""
        table = {sign: asdict(skill) for sign, skill in self._skills.items()}
        return hashlib.sha256(json.dumps([self.name, table], sort_keys=True).encode()).hexdigest()

    def logprobs(self, turns: Sequence[Asked]) -> list[tuple[float, ...]]:
        """Log-probabilities of each turn's actions, shape (A,)."""
        return [self._one(turn.situation) for turn in turns]

    def _one(self, seen: Seen) -> tuple[float, ...]:
        sign = _SIGN.search(seen.observation)
        condition = "expert" if self._expert else self._condition_of(seen)
        chances = _chances(self._skills, sign and sign.group(1), seen.actions, condition)
        return tuple(math.log(chance) if chance > 0 else -math.inf for chance in chances)


def condition_by_content(seen: Seen) -> str:
    """Which condition a patch is, by what it names: nothing in context is `base`; the door that is right here
    and another way `contrast`; the right door alone `demo`; neither, but the sign's name, `hint`; else
    `placebo`. So a patch that stays in context is worth something under its own sign alone."""
    if not seen.patch:
        return "base"
    sign = _SIGN.search(seen.observation)
    if sign is None:
        return "placebo"
    ways = [way for way in (*map(door, DOOR_OF.values()), GO_BACK) if way in seen.patch]
    if door(DOOR_OF[sign.group(1)]) in ways:
        return "contrast" if len(ways) > 1 else "demo"
    return "hint" if re.search(rf"\b{sign.group(1)}\b", seen.patch) else "placebo"


def _chances(
    skills: Mapping[str, Skill], sign: str | None, actions: Sequence[str], condition: str
) -> list[float]:
    """Probabilities over the actions, shape (A,); evenly where no sign is seen."""
    if sign is None or sign not in skills:
        return [1.0 / len(actions)] * len(actions)
    skill, right = skills[sign], door(DOOR_OF[sign])
    chance: float = getattr(skill, condition)
    wrong = [action for action in actions if action != right]
    lured = 1.0 if len(wrong) == 1 else skill.lure
    rest = (1.0 - chance) * (1.0 - lured) / max(len(wrong) - 1, 1)
    return [
        chance if action == right else (1.0 - chance) * lured if action == wrong[0] else rest
        for action in actions
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTruth:
    """Exact values at one saved state."""

    entropy: float
    """Of the student's choice there, nats."""
    p_policy: float
    p_force: float
    """Of the forced action."""
    p_expert: float
    p: Mapping[str, float]
    """By condition."""

    @property
    def L_local(self) -> float:
        """p_force - p_policy."""
        return self.p_force - self.p_policy

    @property
    def L_upper(self) -> float:
        """p_expert - p_policy."""
        return self.p_expert - self.p_policy

    def delta_net(self) -> dict[str, float]:
        """p_m - p_placebo of demo, contrast and hint."""
        return {name: self.p[name] - self.p["placebo"] for name in CONDITIONS[2:]}

    @property
    def ELP_net(self) -> float:
        """The largest of `delta_net`."""
        return max(self.delta_net().values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthOptions:
    """What the exact values are asked for."""

    max_steps: int = 15
    """Of the world."""
    forced: str = ""
    """The action of p_force; the right one where empty."""
    patch_steps: int | None = 1
    """Steps for which a patch is in context; None for all. Away from the sign it is about it is a placebo."""
    wrong: str = ""
    """The action that a contrast names as wrong: where it is a door and right elsewhere, the patch names the
    right door there too and acts as a contrast."""
    perfect_expert: bool = False
    """Whether the expert is the environment's, who always finds the right door, not the table's."""


def chain_truth(
    state: Mapping[str, Json], skills: Mapping[str, Skill] = SKILLS, options: TruthOptions | None = None
) -> ChainTruth:
    """What the labels of a saved state are in truth, by dynamic programming over places and steps.

    With V(s, k) the chance of success from standing s with k steps left: V = 1 behind the last place, 0 in a
    pit or at k = 0, else the sum over actions a of pi(a | s) V(moved(s, a), k - 1).
    """
    asked = options or TruthOptions()
    places = places_of(Task.from_document(state["task"]))
    here = Standing(int(state["place"]), bool(state["pit"]))
    left = asked.max_steps - int(state["steps"])
    about = None if here.pit else places[here.place].sign
    walk = _Walk(places, skills, about=about, asked=asked)
    right = PIT_ACTIONS[0] if here.pit else places[here.place].right
    chances = walk.chances(here, "base")
    length = left if asked.patch_steps is None else asked.patch_steps
    forced = moved(places, here, asked.forced or right)
    return ChainTruth(
        entropy=-sum(chance * math.log(chance) for chance in chances if chance > 0),
        p_policy=walk.value(here, left, "base", left),
        p_force=walk.value(forced, left - 1, "base", left) if left > 0 else 0.0,
        p_expert=walk.value(here, left, "expert", left),
        p={name: walk.value(here, left, name, length) for name in CONDITIONS},
    )


class _Walk:
    """Values of one chain, remembered."""

    def __init__(
        self,
        places: tuple[Place, ...],
        skills: Mapping[str, Skill],
        *,
        about: str | None,
        asked: TruthOptions,
    ) -> None:
        self._places, self._skills = places, skills
        self._about, self._perfect, self._wrong = about, asked.perfect_expert, asked.wrong
        self._known: dict[tuple[Standing, int, str, int], float] = {}

    def chances(self, here: Standing, condition: str) -> list[float]:
        """Of the actions there."""
        actions = actions_at(self._places, here)
        sign = None if here.pit else self._places[here.place].sign
        if condition == "expert" and self._perfect and not here.pit:
            return [float(action == self._places[here.place].right) for action in actions]
        if condition in CONDITIONS[2:] and sign != self._about:
            named = condition == "contrast" and self._wrong == self._places[here.place].right
            condition = "contrast" if named else "placebo"
        return _chances(self._skills, sign, actions, condition)

    def value(self, here: Standing, left: int, condition: str, lasts: int) -> float:
        """Chance of success with `left` steps, of which the first `lasts` are under the condition."""
        if here.place >= len(self._places):
            return 1.0
        if here.pit or left <= 0:
            return 0.0
        if lasts <= 0:
            condition = "base"
        key = (here, left, condition, max(lasts, 0) if condition != "base" else 0)
        if key not in self._known:
            chances = self.chances(here, condition)
            after = [moved(self._places, here, action) for action in actions_at(self._places, here)]
            self._known[key] = sum(
                chance * self.value(there, left - 1, condition, lasts - 1)
                for chance, there in zip(chances, after, strict=True)
                if chance > 0
            )
        return self._known[key]
