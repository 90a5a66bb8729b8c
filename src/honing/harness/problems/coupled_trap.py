"""Scripts that only work together: changing some of a group makes things worse until all are changed.

A deceptive problem (Deb and Goldberg 1993): the way up leads away from the best. Every group of files is a
task of its own, so a search that sees which candidate solves which task can join them.
"""

from __future__ import annotations

import random

from honing.harness.problems.base import Files, Grade, Problem

GROUPS = 8
COUPLED = 4
"""Files of a group."""
_OLD, _NEW = "protocol: old\n", "protocol: new\n"
_SECOND_BEST = 0.8
"""Score of a group that speaks the old protocol throughout."""


def coupled_trap(instance: int = 0) -> Problem:
    """The problem.

    Args:
        instance: Which files speak the new protocol at the start, by chance.
    """
    rng = random.Random(f"coupled trap {instance}")
    return Problem(
        name="coupled_trap",
        sentence=f"{GROUPS} groups of {COUPLED} scripts that must change together (LLM-free, own proposer)",
        objective="Every stage has scripts that must speak one protocol. All old is good, all new is better, "
        "a mixture fails the more, the more of it is new.",
        baseline={path: rng.choice((_OLD, _NEW)) for group in range(GROUPS) for path in _paths(group)},
        tasks=tuple(f"stage_{group}" for group in range(GROUPS)),
        proposals=200,
        grade=_grade,
        mutate=_mutate,
    )


def _paths(group: int) -> list[str]:
    return [f"scripts/{group}/part_{index}.txt" for index in range(COUPLED)]


def _grade(files: Files, task: str, seed: int) -> Grade:
    new = sum(files.get(path) == _NEW for path in _paths(int(task.removeprefix("stage_"))))
    if new == COUPLED:
        return Grade(score=1.0)
    score = _SECOND_BEST * (COUPLED - 1 - new) / (COUPLED - 1)
    return Grade(score=score, reason=f"{new} of {COUPLED} scripts speak the new protocol")


def _mutate(files: Files, rng: random.Random) -> Files:
    """Change a file, or a few: how many is drawn so that each further one is half as likely."""
    count = 1
    while count < len(files) and rng.random() < 0.5:
        count += 1
    chosen = rng.sample(sorted(files), count)
    return {path: _OLD if files[path] == _NEW else _NEW for path in chosen}
