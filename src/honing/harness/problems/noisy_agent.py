"""An agent that succeeds by chance, with settings to tune: no model, but all the trouble of judging one.

The harness is `settings.json`. How likely the agent solves a task depends on the task's difficulty and on
each setting, on some tasks more than on others; a better setting for most tasks is worse for a few. What one
episode gives is drawn from task, seed and settings, so an episode can be repeated exactly, and a candidate
and its parent share part of their luck under one seed.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any

from honing.harness.problems.base import Files, Grade, Problem

FILE = "settings.json"
TASKS = 30
"""To search by, and again as many held out."""
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "temperature": (0.0, 0.2, 0.4, 0.7, 1.0),
    "retries": (0, 1, 2, 3, 5),
    "history_turns": (2, 4, 8, 16, 32),
    "examples": (0, 1, 2, 4, 8),
    "plan_first": (False, True),
    "verify_answer": (False, True),
    "tool_timeout": (5, 15, 30, 60, 120),
    "search_depth": (1, 2, 3, 4, 6),
    "summarise_every": (0, 5, 10, 20, 40),
    "prompt_style": ("terse", "plain", "stepwise", "strict", "friendly"),
}
"""Settings and what each may be."""
_SHARED_LUCK = 0.3
"""Part of an episode's luck, as a variance, that depends on task and seed alone."""


@dataclass(frozen=True, slots=True)
class World:
    """How settings act on tasks, in log odds of success."""

    difficulty: Mapping[str, float]
    """By task."""
    effect: Mapping[str, Mapping[str, tuple[float, ...]]]
    """By task and setting: one number per choice."""
    baseline: Mapping[str, Any]
    """Settings to start from: of each, a choice that is good for most tasks and not the best."""


def noisy_agent(instance: int = 0) -> Problem:
    """The problem.

    Args:
        instance: Which agent and tasks, by chance; all are alike in how hard they are to tune.
    """
    tasks, held_out = _names(held_out=False), _names(held_out=True)

    def grade(files: Files, task: str, seed: int) -> Grade:
        settings = _settings(files.get(FILE, ""))
        if settings is None:
            return Grade(score=0.0, reason=f"{FILE} must give each of {', '.join(CHOICES)} one of its values")
        solved = _luck(settings, task, seed) < chance(_world(instance), settings, task)
        return Grade(score=float(solved), reason="" if solved else "the agent did not solve it this time")

    return Problem(
        name="noisy_agent",
        sentence=f"settings of an agent that succeeds by chance, {TASKS} held-out tasks (LLM-free)",
        objective=f"Tune {FILE} so that the agent solves more of its tasks; one episode is a matter of luck.",
        baseline={FILE: _text(_world(instance).baseline)},
        tasks=tasks,
        held_out=held_out,
        deterministic=False,
        proposals=60,
        grade=grade,
        mutate=_mutate,
    )


def true_rate(instance: int, files: Files, *, held_out: bool) -> float:
    """Mean chance of success over the tasks: what no number of episodes can show exactly."""
    settings = _settings(files[FILE])
    if settings is None:
        return 0.0
    names = _names(held_out=held_out)
    return sum(chance(_world(instance), settings, task) for task in names) / len(names)


def chance(world: World, settings: Mapping[str, Any], task: str) -> float:
    """How likely the agent solves a task."""
    odds = world.difficulty[task] + sum(
        world.effect[task][name][choices.index(settings[name])] for name, choices in CHOICES.items()
    )
    return 1.0 / (1.0 + math.exp(-odds))


@cache
def _world(instance: int) -> World:
    rng = random.Random(f"noisy agent {instance}")
    common = {name: _curve(rng, len(choices)) for name, choices in CHOICES.items()}
    difficulty, effect = {}, {}
    for task in (*_names(held_out=False), *_names(held_out=True)):
        difficulty[task] = rng.gauss(-1.1, 1.0)
        effect[task] = {
            name: tuple(rng.gauss(1.0, 0.7) * value + rng.gauss(0.0, 0.15) for value in curve)
            for name, curve in common.items()
        }
    baseline = {name: CHOICES[name][_second_best(curve)] for name, curve in common.items()}
    # Difficulty is how hard a task is at the start, whatever the settings are there.
    for task, effects in effect.items():
        start = sum(effects[name][CHOICES[name].index(value)] for name, value in baseline.items())
        difficulty[task] -= start
    return World(difficulty, effect, baseline)


def _second_best(curve: list[float]) -> int:
    return sorted(range(len(curve)), key=lambda index: curve[index])[-2]


def _curve(rng: random.Random, n: int) -> list[float]:
    """Effect of each choice of a setting: a hill with its top anywhere, and some chance."""
    top, height = rng.uniform(-0.5, n - 0.5), rng.uniform(0.2, 1.6)
    return [height * (1.0 - abs(index - top) / n) + rng.gauss(0.0, 0.1) for index in range(n)]


def _luck(settings: Mapping[str, Any], task: str, seed: int) -> float:
    """A number in (0, 1), even over seeds; under one seed alike, though not equal, for all settings."""
    shared = _normal(f"{task} {seed}")
    own = _normal(f"{task} {seed} {json.dumps(settings, sort_keys=True)}")
    joined = math.sqrt(_SHARED_LUCK) * shared + math.sqrt(1.0 - _SHARED_LUCK) * own
    return NormalDist().cdf(joined)


def _normal(text: str) -> float:
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")
    return NormalDist().inv_cdf((number + 0.5) / 2**56)


def _names(*, held_out: bool) -> tuple[str, ...]:
    kind = "sealed" if held_out else "open"
    return tuple(f"{kind}_{number:02d}" for number in range(1, TASKS + 1))


def _settings(text: str) -> dict[str, Any] | None:
    """The settings; None unless each is one of its choices."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.keys() != CHOICES.keys():
        return None
    # 1 equals 1.0 and true in Python; in a settings file they are different values.
    fits = all(
        any(type(value) is type(choice) and value == choice for choice in CHOICES[name])
        for name, value in found.items()
    )
    return found if fits else None


def _text(settings: Mapping[str, Any]) -> str:
    """One setting a line, so that two proposals that change different ones can be joined."""
    return json.dumps(settings, indent=1) + "\n"


def _mutate(files: Files, rng: random.Random) -> Files:
    """Give one setting, or two, another of its values."""
    settings = _settings(files[FILE])
    changed = {name: choices[0] for name, choices in CHOICES.items()} if settings is None else dict(settings)
    for name in rng.sample(list(CHOICES), rng.choice((1, 1, 1, 2))):
        changed[name] = rng.choice([choice for choice in CHOICES[name] if choice != changed[name]])
    return {FILE: _text(changed)}
