"""The units of phase 2: one run trained into its folder, or many in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.learn import (
    AdapterJob,
    Example,
    JobOutcome,
    SftOptions,
    Student,
    micro_train,
    policy_from,
    stay_on_one_thread,
    train_dpo,
    train_lora,
)
from honing.teach.desk import read_rows
from honing.teach.training.summary import adapter_digest

Json = Any


def train(work: Mapping[str, Json]) -> dict[str, Json]:
    """Train one run. What a killed session left in the folder is gone on with.

    Args:
        work: `run` (folder), `out` and the files `examples` and `replay` relative to it, `student`
            (document), `options` (of `SftOptions`), `preference`. Hashes of both files and of the student are
            part of it, so that a unit's key follows what is trained on.

    Returns:
        The figures of `TrainingResult`, and the digest of the adapter's weights.
    """
    stay_on_one_thread()
    examples, replay = _read(work, "examples"), _read(work, "replay")
    options, out = SftOptions(**work["options"]), Path(work["run"]) / work["out"]
    if work["preference"]:
        result = train_dpo(work["student"]["checkpoint"], examples, replay, options, out)
    else:
        result = train_lora(work["student"]["checkpoint"], examples, replay, options, out)
    return {**result.as_document(), "adapter_digest": adapter_digest(result.adapter)}


def train_stacked(work: Mapping[str, Json]) -> list[Json]:
    """Train several runs in one pass, each to the weights that it would have alone.

    Args:
        work: `runs`, each as `train` takes it; none of pairs.

    Returns:
        As `train`, per run.
    """
    runs = work["runs"]
    student = policy_from(runs[0]["student"])
    assert isinstance(student, Student)
    replay = tuple(_read(runs[0], "replay"))
    jobs = [
        AdapterJob(
            name=run["out"],
            examples=tuple(_read(run, "examples")),
            options=SftOptions(**run["options"]),
            replay=replay,
        )
        for run in runs
    ]
    stack, outcomes = micro_train(student, jobs)
    found = []
    for number, (run, job, outcome) in enumerate(zip(runs, jobs, outcomes, strict=True)):
        adapter = Path(run["run"]) / run["out"] / "adapter"
        stack.export(number, adapter, base=run["student"]["checkpoint"], options=job.options)
        found.append({**_figures(job, outcome), "adapter_digest": adapter_digest(adapter)})
    return found


def _figures(job: AdapterJob, outcome: JobOutcome) -> dict[str, Json]:
    return {
        "trainer": "stacked",
        "n_steps": outcome.n_steps,
        "n_examples": len(job.examples),
        "n_replay": outcome.n_replay,
        "first_loss": outcome.losses[0],
        "final_loss": outcome.losses[-1],
        "options": job.options.as_document(),
    }


def _read(work: Mapping[str, Json], name: str) -> list[Example]:
    return [Example.from_document(row) for row in read_rows(Path(work["run"]) / work[name])]
