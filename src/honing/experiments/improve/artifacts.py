"""What a finished loop leaves: the table, the panel, the page, and the final version to take away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.experiments.improve.base import Panel, Part, Version
from honing.experiments.improve.bench import Bench
from honing.experiments.improve.remembered import lasting, panel_document
from honing.experiments.improve.report import write_report
from honing.experiments.improve.result import IMPROVEMENT, SECONDS
from honing.experiments.improve.table import Row, Stage
from honing.sandbox import remove_tree
from honing.store import TREES, TreeId, TreeStore

SCHEMA = 1
HELD_OUT = "held_out.tsv"
PANEL = "panel.json"
FINAL = "final"
"""The version that was kept last: `harness/`, and `model/` or the model's name in `model.json`."""


def write_artifacts(bench: Bench, panel: Panel, stages: Sequence[Stage], rows: Sequence[Row]) -> None:
    """Write them all; the same loop writes the same bytes."""
    run = bench.run
    final = stages[-1].after if stages else rows[0].version
    assert final is not None
    document = _document(bench, panel, stages, rows)
    run.write_json(PANEL, panel_document(panel))
    _write_held_out(bench, panel, rows)
    write_final(bench, final)
    run.write_json(SECONDS, {row.name: round(row.seconds, 3) for row in rows})
    run.write_json(IMPROVEMENT, document)
    write_report(run, bench.desk.home, document)


def _document(bench: Bench, panel: Panel, stages: Sequence[Stage], rows: Sequence[Row]) -> dict[str, Any]:
    assert bench.split is not None
    last = next((row for row in reversed(rows) if row.ending == "kept"), None)
    gain = None if last is None else last.over_baseline
    return {
        "schema": SCHEMA,
        "subject": bench.subject.name,
        "spec": bench.spec.as_document(),
        "improved": gain is not None and gain.low > 0,
        "gain": None if gain is None else gain.as_document(),
        "rows": [row.as_document() for row in rows],
        "steps": [_step(stage) for stage in stages],
        "panel": {
            "id": panel.id,
            "tasks": {part.value: len(panel.tasks[part]) for part in Part},
            "certificate": dict(panel.certificate),
        },
        "budget": bench.split.as_document(),
        "spent": lasting(bench.spent()),
    }


def _step(stage: Stage) -> dict[str, Any]:
    proposal = stage.proposal
    return {
        "step": stage.step.value,
        "before": stage.before.as_document(),
        "proposed": None if proposal.version is None else proposal.version.as_document(),
        "control": None if proposal.control is None else proposal.control.as_document(),
        "what": proposal.reason,
        "run": proposal.run,
        "facts": dict(proposal.facts),
        "verdict": stage.verdict.as_document(),
    }


def _write_held_out(bench: Bench, panel: Panel, rows: Sequence[Row]) -> None:
    """Every score on the held-out tasks, one line each."""
    seeds = bench.seeds("held-out", bench.spec.final_repeats)
    lines = []
    for row in rows:
        if row.version is None:
            continue
        found = bench.measure(row.version, Part.HELD_OUT, seeds)
        digests = {task.id: task.digest for task in panel.tasks[Part.HELD_OUT]}
        lines += [
            {
                "row": row.name,
                "task": one.task,
                "digest": digests[one.task],
                "seed": one.seed,
                "score": one.score,
            }
            for one in found.scores
        ]
    bench.run.write_tsv(HELD_OUT, ["row", "task", "digest", "seed", "score"], lines)


def write_final(bench: Bench, version: Version) -> Path:
    """The version as folders that a user can take away."""
    folder = bench.run.artifact(FINAL)
    remove_tree(folder)
    folder.mkdir(parents=True)
    TreeStore(bench.desk.home / TREES).materialise(TreeId(version.harness), folder / "harness")
    model = bench.run.path / version.model
    if model.is_dir() and model.resolve().is_relative_to(bench.run.path.resolve()):
        _linked(model, folder / "model")
    bench.run.write_json(Path(FINAL, "model.json"), {"model": version.model})
    return folder


def _linked(source: Path, target: Path) -> None:
    """A second name for every file: weights are large, and neither is changed any more."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copyfile(one, other)

    try:
        shutil.copytree(source, target, copy_function=link)
    except (OSError, shutil.Error) as error:
        raise StoreError(f"{target}: cannot be written: {error}.") from error
