"""What demonstrators show who know some facts and not others."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol, cast

from honing.environments import KnowsBest, Task, TextEnvironment, World
from honing.errors import EnvironmentFaultError, UsageError
from honing.learn.example import Example
from honing.learn.patches import CONDITIONS, Lesson, diagnosis_from_kinds, patch_text, reason_from_kind
from honing.learn.policy import Situation, draw
from honing.learn.warming.options import WarmStartOptions

PATCHES = tuple(condition for condition in CONDITIONS if condition != "base")
_AT_ONCE = 256
"""Tasks that are drawn together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One decision of a demonstration."""

    situation: Situation
    action: str
    source: str


class Demonstrated(TextEnvironment, KnowsBest, Protocol):
    """An environment with an expert inside."""


def demonstrations(
    world: World, split: str, n: int, options: WarmStartOptions | None = None, *, seed: int = 0
) -> list[Example]:
    """Decisions of demonstrators with gaps in their knowledge, some with a patch in context.

    Args:
        world: One with an expert inside.
        split: Whose tasks; each is played once, and again where the split has no more.
        n: How many decisions.
        options: Whom the student watches.
        seed: Of the tasks and of chance.

    Raises:
        UsageError: The world has no expert, so nobody can demonstrate.
        EnvironmentFaultError: The split has too few tasks.
    """
    options = options or WarmStartOptions()
    shown: list[Shown] = []
    for episode in _episodes(world, split, options, seed):
        shown += episode
        if len(shown) >= n:
            break
    chance = random.Random(f"patches {seed} {split}")
    return [_patched(world, shown, place, options, chance) for place in range(n)]


def knowledge(facts: Sequence[str], options: WarmStartOptions) -> dict[str, float]:
    """How likely a demonstrator knows each fact: from low to high evenly on a scale of ratios, in an order
    that the seed decides."""
    order = sorted(facts, key=lambda fact: draw("knowledge", options.seed, fact))
    ratio = options.knowledge_high / options.knowledge_low
    return {
        fact: options.knowledge_low * ratio ** ((place + 0.5) / len(order))
        for place, fact in enumerate(order)
    }


def _episodes(world: World, split: str, options: WarmStartOptions, seed: int) -> Iterator[list[Shown]]:
    """Demonstrations without end."""
    known = knowledge(world.facts, options)
    environment = world.make()
    try:
        if not isinstance(environment, KnowsBest):
            raise UsageError(
                f"Nobody can demonstrate in {world.name}: it has no expert. Give a student's checkpoint "
                "(`student.checkpoint`) in place of a warm start."
            )
        for turn, task in _tasks(world, split, seed):
            chance = random.Random(f"demonstration {options.seed} {seed} {turn} {task.id}")
            yield _demonstration(cast(Demonstrated, environment), task, known, options, chance)
    finally:
        environment.close()


def _tasks(world: World, split: str, seed: int) -> Iterator[tuple[int, Task]]:
    """Tasks without end, with how often each was there before."""
    tasks: list[Task] = []
    growth = _AT_ONCE
    while growth:
        done = len(tasks)
        try:
            tasks = world.tasks(split, done + growth, seed=seed)
        except EnvironmentFaultError:
            growth //= 2
            if not done and not growth:
                raise
            continue
        yield from ((0, task) for task in tasks[done:])
    for turn in count(1):
        yield from ((turn, task) for task in tasks)


def _demonstration(
    environment: Demonstrated,
    task: Task,
    known: Mapping[str, float],
    options: WarmStartOptions,
    chance: random.Random,
) -> list[Shown]:
    """One episode: what was shown at each step. Now and then it goes on elsewhere than was shown."""
    knows = [fact for fact in known if chance.random() < known[fact]]
    now = environment.reset(task)
    history: list[str] = []
    found: list[Shown] = []
    while not now.done:
        action = environment.expert_action(knows)
        if not known and chance.random() < options.error_rate:
            action = chance.choice(now.actions)
        situation = Situation(
            goal=now.goal, observation=now.observation, history=tuple(history), actions=now.actions
        )
        found.append(Shown(situation=situation, action=action, source=task.id))
        if chance.random() < options.wander:
            action = chance.choice(now.actions)
        now = environment.step(action)
        history.append(action)
    return found


def _patched(
    world: World, shown: Sequence[Shown], place: int, options: WarmStartOptions, chance: random.Random
) -> Example:
    """One decision as an example, with or without a patch."""
    here = shown[place]
    target, patch = here.action, ""
    if chance.random() < options.patched:
        condition, sort = chance.choice(PATCHES), chance.random()
        source = here
        if sort < options.stale:
            source = chance.choice(shown)
        elif sort < options.stale + options.followed and condition != "placebo":
            target = chance.choice(here.situation.actions)
            source = replace(here, action=target)
        patch = patch_text(condition, _lesson(world, source, chance))
    return Example(
        situation=replace(here.situation, patch=patch),
        action=target,
        source=here.source,
    )


def _lesson(world: World, shown: Shown, chance: random.Random) -> Lesson:
    """What a teacher would say about a decision: another valid action plays the wrong one."""
    others = [action for action in shown.situation.actions if action != shown.action]
    wrong = chance.choice(others) if others else ""
    kinds = world.kind(shown.action), world.kind(wrong) if wrong else ""
    return Lesson(
        observation=shown.situation.observation,
        action=shown.action,
        reason=reason_from_kind(kinds[0]),
        wrong=wrong,
        diagnosis=diagnosis_from_kinds(*kinds),
    )
