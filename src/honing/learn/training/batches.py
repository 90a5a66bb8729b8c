"""Which rows an optimiser step sees. Every trainer follows the same plan, so that they can be compared."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from honing.errors import TrainingError
from honing.learn.training.options import SftOptions

R = TypeVar("R")
"""What a row is made from: an example, or a row of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[R]):
    """The rows of a training, step by step."""

    steps: tuple[tuple[R, ...], ...]
    """One tuple of rows per optimiser step, all of one length."""
    n_replay: int
    """Rows of replay over all steps."""
    rows_at_once: int
    """Rows of one forward pass: the largest divisor of a step's rows that is within the batch size."""

    @property
    def accumulation(self) -> int:
        """Forward passes per step."""
        return len(self.steps[0]) // self.rows_at_once


def plan_of(examples: Sequence[R], replay: Sequence[R], options: SftOptions) -> Plan[R]:
    """What a training sees.

    A step has `batch_size * gradient_accumulation_steps` rows, of which the part `replay` (rounded, and at
    least one row of each) is replay. Without replay no example comes twice in a step, so few examples make
    small steps. Examples and replay each go round in passes of their own, every pass in a fresh order, so no
    row is seen twice more often than another. The order of replay depends on the seed and on the count of
    replay alone: trainings of one seed see one replay mix.

    Raises:
        TrainingError: Nothing to learn from, or a part of replay without any replay.
    """
    if not examples:
        raise TrainingError("There is no example to train on. Label snapshots first, or choose others.")
    rows = options.batch_size * options.gradient_accumulation_steps
    n_replay = 0
    if options.replay > 0:
        if not replay:
            raise TrainingError(
                f"A part of {options.replay:g} of each step is to be replay, and there is none. Give replay "
                "examples (phase0/replay.jsonl), or set the part to 0."
            )
        n_replay = min(max(round(rows * options.replay), 1), max(rows - 1, 1))
        rows = max(rows, 2)
    else:
        rows = min(rows, len(examples))
    n_new = rows - n_replay
    n_steps = options.n_steps or max(1, math.ceil(options.epochs * len(examples) / n_new))
    new, old = _rounds(examples, f"{options.seed} examples"), _rounds(replay, f"{options.seed} replay")
    steps = tuple(
        tuple(next(old if is_replay else new) for is_replay in _spread(n_replay, rows))
        for _ in range(n_steps)
    )
    at_once = max(size for size in range(1, options.batch_size + 1) if rows % size == 0)
    return Plan(steps=steps, n_replay=n_replay * n_steps, rows_at_once=at_once)


def evaluation_rows(examples: Sequence[R], seed: int, most: int = 64) -> list[R]:
    """A fixed batch: at most so many examples, drawn without repeats, in their own order."""
    kept = sorted(random.Random(f"{seed} evaluation").sample(range(len(examples)), min(most, len(examples))))
    return [examples[index] for index in kept]


def _rounds(rows: Sequence[R], key: str) -> Iterator[R]:
    draws = random.Random(key)
    order = list(range(len(rows)))
    while order:
        draws.shuffle(order)
        yield from (rows[index] for index in order)


def _spread(n_replay: int, rows: int) -> list[bool]:
    """Which places of a step are replay: evenly, so that every forward pass has about its part."""
    return [(place + 1) * n_replay // rows > place * n_replay // rows for place in range(rows)]
