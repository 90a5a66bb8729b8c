"""The weights step: a study cut to what teaching needs, and its control."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.errors import LeakageError, MissingToolError, TrainingError
from honing.experiments.improve.base import Proposal, Spending, Version
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.worlds.options import WorldOptions
from honing.experiments.improve.worlds.playing import mapped
from honing.experiments.improve.worlds.versions import harness_of, model_of
from honing.learn import is_adapter_folder, merge_adapter
from honing.sandbox import remove_tree
from honing.store import Run
from honing.teach import StudyOptions, StudyResult, StudySpec, run_study

Json = Any
RUN = "teach"
STEPS = "steps"
PHASES = ("prepare", "collect", "mine", "advise", "lessons")
SUMMARY = "lessons/training_summary.json"
WEIGHTS = "weights"
TAUGHT, CONTROL = "taught", "random"
_MOST_MOMENTS = 100_000


def taught(desk: Desk, version: Version, *, world: Mapping[str, Json], options: WorldOptions) -> Proposal:
    """Teach the student from its first mistakes on search tasks, as it acts through the version's harness.

    Args:
        desk: Of the loop.
        version: What is taught.
        world: `name` and `options`.
        options: Of the loop.
    """
    try:
        result = run_study(_study(desk, version, world, options), _asked(desk))
    except (MissingToolError, LeakageError) as error:
        return Proposal(version=None, reason=f"the weights were not taught: {error}")
    except TrainingError as error:
        return Proposal(version=None, reason=f"there was nothing to teach: {error}")
    run = Run.open(result.run)
    rows = {row["run_id"]: row for row in run.read_json(SUMMARY)["runs"]}
    versions = {
        name: Version(harness=version.harness, model=_kept(desk, version, run, name, rows[name]))
        for name in (TAUGHT, CONTROL)
    }
    row = rows[TAUGHT]
    return Proposal(
        version=versions[TAUGHT],
        control=versions[CONTROL],
        reason=(
            f"shown the way from {row['n_snapshots']} first mistakes ({row['n_examples']} decisions) in "
            f"{row['n_steps']} steps; loss {row['loss_before']:.2f} to {row['loss_after']:.2f} nats"
        ),
        spent=Spending(
            task_runs=options.search_tasks, training_steps=sum(one["n_steps"] for one in rows.values())
        ),
        run=f"{STEPS}/{RUN}",
        facts={"training": {name: _figures(one) for name, one in rows.items()}, **_played(result)},
    )


def _study(desk: Desk, version: Version, world: Mapping[str, Json], options: WorldOptions) -> StudySpec:
    """Episodes of the split that search tasks come from; what is measured on is what the study never trains
    on (`certify.SPLITS`)."""
    steps = desk.allowance.training_steps
    document = {
        "name": f"teach {world['name']}",
        "seed": desk.seed,
        "environment": dict(world),
        "student": {
            "checkpoint": model_of(desk, version),
            "harness": harness_of(desk, version).as_document(),
            "device": options.device,
        },
        "collect": {"n_tasks": options.search_tasks, "expert_tasks": 0},
        "mine": {
            "per_episode": options.moments_per_episode,
            "max_snapshots": _MOST_MOMENTS,
            "retention_tasks": 0,
            "failure_panel": 0,
        },
        "cpt": {"succeeding": 0},
        "training": {
            "n_steps": steps,
            "learning_rate": options.learning_rate,
            "replay": options.replay,
            "lora_rank": options.lora_rank,
        },
        "evaluation": {"n_tasks": max(options.check_tasks, options.held_out_tasks)},
    }
    return StudySpec.model_validate(document)


def _asked(desk: Desk) -> StudyOptions:
    home = desk.run.path / STEPS
    home.mkdir(exist_ok=True)
    return StudyOptions(
        only=PHASES,
        home=home,
        run_name=RUN,
        workers=desk.workers,
        executor=desk.executor,
        endpoints=desk.endpoints,
        cache=desk.cache,
        progress=desk.progress,
        told=desk.told,
    )


def _kept(desk: Desk, version: Version, run: Run, name: str, row: Mapping[str, Json]) -> str:
    """Where the taught model lies, relative to the loop's run.

    On a base that the run made itself, the adapter is merged: whoever takes the model away needs no more.
    On a user's base, which may be large, the adapter stays one and names its base.
    """
    adapter = run.path / row["adapter"]
    if not (desk.run.path / version.model).is_dir():
        return str(adapter.relative_to(desk.run.path))
    unit = {
        "adapter": str(adapter.resolve()),
        "folder": str((desk.run.path / WEIGHTS / name).resolve()),
        "digest": row["adapter_digest"],
    }
    mapped(desk.run, desk.executor, "weights.merged", merge_unit, [unit])
    return f"{WEIGHTS}/{name}"


def merge_unit(work: Mapping[str, Json]) -> list[str]:
    """One unit: the base with an adapter merged in, as a model's folder. A killed one is begun anew."""
    adapter, folder = Path(work["adapter"]), Path(work["folder"])
    if not is_adapter_folder(adapter):
        raise TrainingError(f"{adapter}: the adapter is gone; teach again in a fresh run.")
    remove_tree(folder)
    return [merge_adapter(adapter, folder).name]


def _figures(row: Mapping[str, Json]) -> dict[str, Json]:
    names = ("n_snapshots", "n_examples", "n_steps", "loss_before", "loss_after", "first_loss", "final_loss")
    return {name: row[name] for name in names}


def _played(result: StudyResult) -> dict[str, Json]:
    collected = result.phases["collect"].summary
    return {
        "search_success": collected.get("student_success"),
        "search_episodes": collected["student_episodes"],
    }
