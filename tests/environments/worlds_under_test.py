"""Every world and every way of playing it, for the suite that all of them have to pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from honing.environments import World, world_named
from honing.learn import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One world with options, and what may be asked of it."""

    id: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tasks: int = 6
    """How many are played."""
    expert: float | None = 1.0
    """Part of the tasks that its expert solves at least; None where there is no expert."""
    replays: bool = True
    """Whether a saved state is replayed, with a hash of every step."""
    slow: bool = False
    extra: bool = True
    """Whether it needs more than the base install."""

    def world(self) -> World:
        return world_named(self.name, self.options)


BOTH_ENDS = {"environment": "text_corridor:Corridor", "arguments": {"length": 4}}
CASES = (
    Case(id="shop", name="shop", replays=False, tasks=20, extra=False),
    Case(id="scripted", name="scripted", replays=False, tasks=20, extra=False),
    Case(id="babyai-skills", name="babyai", tasks=12),
    Case(
        id="babyai-skills-with-locations",
        name="babyai",
        options={
            "levels": ["PickupLoc", "KeyInBox", "OpenDoorLoc", "PutNextS5N2Carrying"],
            "positions": True,
            "boxes_open": True,
        },
        tasks=12,
    ),
    Case(id="babyai-primitives", name="babyai", options={"mode": "primitives"}, tasks=6),
    Case(
        id="babyai-primitives-with-boxes",
        name="babyai",
        options={"mode": "primitives", "levels": ["KeyInBox", "PutNextS5N2Carrying"], "max_steps": 24},
        tasks=4,
        # BabyAI's bot opens no boxes, and cannot follow a mission that begins with a thing in hand.
        expert=0.0,
    ),
    Case(id="textworld-logic", name="textworld", tasks=4),
    Case(id="textworld-looking", name="textworld", options={"looking": True, "goal": "steps"}, tasks=2),
    Case(
        id="textworld-interpreter",
        name="textworld",
        options={"engine": "interpreter", "cache": "GAMES"},
        tasks=2,
        slow=True,
    ),
    Case(id="webshop-people", name="webshop", options={"products": "", "human": ""}, tasks=6, extra=False),
    Case(id="webshop-machine-made", name="webshop", options={"products": ""}, tasks=10, extra=False),
    Case(
        id="webshop-site",
        name="webshop",
        options={"server": "", "server_goals": 120},
        expert=None,
        extra=False,
    ),
    Case(
        id="gymnasium-names",
        name="gymnasium_text",
        options={**BOTH_ENDS, "actions": ["left", "right"], "goal": "Reach the lit end."},
        expert=None,
    ),
    Case(
        id="gymnasium-texts",
        name="gymnasium_text",
        options={
            "environment": "text_corridor:Corridor",
            "arguments": {"length": 4, "texts": True},
            "observation_key": "text",
            "expert_key": "best",
            "success_key": "won",
        },
    ),
)


def walk(case: Case, world: World, split: str) -> list[list[str]]:
    """Hashes of every step of some episodes of arbitrary actions: the same wherever it is played."""
    environment = world.make()
    found = []
    for task in world.tasks(split, min(case.tasks, 3)):
        step = environment.reset(task)
        hashes = [step.hash()]
        while not step.done and len(hashes) < 10:
            step = environment.step(arbitrary(task.id, len(hashes), step.actions))
            hashes.append(step.hash())
        found.append(hashes)
    environment.close()
    return found


def arbitrary(name: str, number: int, actions: tuple[str, ...]) -> str:
    """One of the actions, always the same one."""
    return actions[int(draw("arbitrary", name, number) * len(actions))]
