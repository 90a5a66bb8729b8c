"""By gradient similarity: does learning this snapshot pull the weights where held-out expert moves would?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.learn import Example, Keep, SftOptions, gradient_sketches
from honing.store import digest
from honing.teach.desk import Desk
from honing.teach.phases.collect import expert_policy, played
from honing.teach.phases.matrix import sft_options
from honing.teach.phases.prepare import student_policy
from honing.teach.selecting.base import Pool
from honing.teach.supervision import trajectory_examples

Json = Any

VALIDATION_TASKS = 32
"""Tasks of the split `validation` whose expert episodes say where weights should go; nothing is trained or
judged on them."""
_EXAMPLES_PER_UNIT = 64
_DIGITS = 5
"""Of a sketch's numbers, in the journal: far below the error of a sketch."""


@dataclass(frozen=True, slots=True)
class Influence:
    """Top K by the cosine of a snapshot's gradient with the mean gradient of validation examples."""

    name: str = "influence"
    about: str = "gradient most like that of held-out expert moves"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        return pool.take(pool.best(pool.score(self.name)))


def influences(
    desk: Desk, examples: Sequence[Example], *, step: str = "select.influence"
) -> dict[str, float]:
    """Cosine of each example's gradient with the validation gradient, by the example's source. A validation
    gradient is the mean of gradients scaled to length one, so that no single example decides it.

    Args:
        desk: Of the study; its world needs an expert.
        examples: One per snapshot.
        step: Prefix in the journal.
    """
    import numpy as np

    spec = desk.spec
    tasks = desk.world().tasks("validation", VALIDATION_TASKS, seed=spec.seed)
    shown = played(desk, f"{step}.expert", expert_policy(desk), tasks, temperature=0.0, keep=Keep.STEPS)
    validation = [
        example
        for task, episode in zip(tasks, shown, strict=True)
        for example in trajectory_examples(episode, (), task.id)
    ]
    if not validation:
        return {}
    everything = np.array(_sketched(desk, [*validation, *examples], step))
    lengths = np.linalg.norm(everything, axis=1, keepdims=True)
    directions = np.divide(everything, lengths, out=np.zeros_like(everything), where=lengths > 0)
    wanted = directions[: len(validation)].mean(axis=0)
    scale = math.sqrt(float((wanted**2).sum())) or 1.0
    cosines = directions[len(validation) :] @ wanted / scale
    return {example.source: float(value) for example, value in zip(examples, cosines, strict=True)}


def _sketched(desk: Desk, examples: Sequence[Example], step: str) -> list[list[float]]:
    documents = [example.as_document() for example in examples]
    work = {
        "checkpoint": student_policy(desk.run)["checkpoint"],
        "student": desk.run.read_json("phase0/student.json")["identity"],
        "options": {**sft_options(desk), "wandb_project": ""},
    }
    works = [
        {**work, "examples": chunk, "content": digest(chunk)}
        for first in range(0, len(documents), _EXAMPLES_PER_UNIT)
        for chunk in (documents[first : first + _EXAMPLES_PER_UNIT],)
    ]
    return [row for found in desk.map(f"{step}.gradients", sketch_chunk, works) for row in found]


def sketch_chunk(work: Mapping[str, Json]) -> list[list[float]]:
    """One unit: the sketches of a chunk of examples."""
    examples = [Example.from_document(document) for document in work["examples"]]
    sketches = gradient_sketches(work["checkpoint"], examples, SftOptions(**work["options"]))
    return [[float(f"{value:.{_DIGITS}g}") for value in row] for row in sketches.tolist()]
