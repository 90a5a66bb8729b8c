"""The units of phase 2: one run trained into its folder, or many in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.learn import (
    ActingHarness,
    AdapterJob,
    Example,
    JobOutcome,
    SftOptions,
    micro_train,
    noted_examples,
    policy_from,
    stay_on_one_thread,
    student_inside,
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
    examples, replay = _shown(work, "examples"), _shown(work, "replay")
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
    student = student_inside(policy_from(runs[0]["student"]))
    replay = tuple(_shown(runs[0], "replay"))
    jobs = [
        AdapterJob(
            name=run["out"],
            examples=tuple(_shown(run, "examples")),
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


def _shown(work: Mapping[str, Json], name: str) -> list[Example]:
    """Examples as the student is shown them: with the notes of its harness."""
    rows = [Example.from_document(row) for row in read_rows(Path(work["run"]) / work[name])]
    harness = work["student"].get("harness")
    return noted_examples(rows, ActingHarness.from_document(harness)) if harness else rows
