"""Which run a request belongs to: one that is gone on with, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.errors import UnfitTreeError, UsageError
from honing.harness.gate import left_out
from honing.harness.loop.config import KIND, config_of, differences
from honing.harness.project import Project
from honing.harness.project_file import load_project
from honing.harness.request import Asked, OptimizeOptions
from honing.store import TREES, Run, RunStatus, TreeId, TreeLimits, TreeStore, list_runs, make_home

_MOST_ENTRIES = 50_000
"""Files, folders and links of a candidate."""


def home_of(project: Project, options: OptimizeOptions) -> Path:
    """Where the run lies."""
    return options.home or project.runs or Path("runs")


def trees_in(home: Path, project: Project) -> TreeStore:
    """The store of candidates that the runs of a folder share; it takes what the project's rules take."""
    most = project.rules.largest_bytes
    limits = TreeLimits(file_bytes=most, total_bytes=most, entries=_MOST_ENTRIES)
    return TreeStore(home / TREES, limits=limits)


def open_run(project: Project, options: OptimizeOptions) -> tuple[Run, TreeStore]:
    """The run of this request, and the store of its trees.

    Raises:
        UsageError: The name belongs to another run, or to one that is done; or the baseline is unfit.
    """
    home = home_of(project, options)
    make_home(home)
    trees = trees_in(home, project)
    config = config_of(
        project, _baseline(project, trees), sandbox=options.asked.sandbox, asked=options.asked.as_document()
    )
    if options.agent is not None:
        # Nobody but the caller has it.
        config["asked"] = None
    found = _named(home, options.run_name, config) if options.run_name else None
    if found is None and not options.run_name and not options.fresh:
        found = _unfinished(home, config)
    run = found or Run.create(
        home,
        kind=KIND,
        config=config,
        command=options.command,
        seed=project.seed,
        name=options.run_name or None,
    )
    return run, trees


def again(run: Run, options: OptimizeOptions) -> tuple[Project, OptimizeOptions]:
    """The request that a run was made by.

    Args:
        run: To be gone on with.
        options: Those that have no influence on the result are taken from here, and budgets where given.

    Raises:
        UsageError: It is no run of a harness, or only its maker can repeat the request.
        ProjectError: The project cannot be opened any more.
    """
    config = run.config
    if run.kind != KIND:
        raise UsageError(f"{run.path}: expected a run of kind {KIND!r}, found {run.kind!r}.")
    if config["asked"] is None and options.agent is None:
        raise UsageError(
            f"{run.path}: this run was started from Python with an agent of its own. Make the same call "
            f"again, with run_name={run.path.name!r}, to go on with it."
        )
    limits = {name: getattr(options.asked, name) for name in config["limits"]}
    asked = replace(
        Asked(**(config["asked"] or options.asked.as_document())),
        **{name: value for name, value in limits.items() if value is not None},
    )
    found = replace(options, asked=asked, home=run.path.parent, run_name=run.path.name)
    return load_project(Path(config["file"])), found


def _baseline(project: Project, trees: TreeStore) -> TreeId:
    try:
        tree = trees.snapshot(project.baseline, ignore=left_out(project.rules), again=False)
    except UnfitTreeError as error:
        raise UsageError(
            f"{project.baseline}: the baseline cannot be taken: {error} The project's `largest_bytes` and "
            "`transient` say what is."
        ) from error
    if specials := trees.load(tree).specials:
        raise UsageError(
            f"{project.baseline}: {specials[0].name} is a pipe, a socket or a device, which no candidate can "
            "have: remove it, or name it in the project's `transient`."
        )
    return tree


def _named(home: Path, name: str, config: Mapping[str, Any]) -> Run | None:
    if not (home / name).is_dir():
        return None
    run = Run.open(home / name)
    other = [f"its kind is {run.kind!r}"] if run.kind != KIND else differences(run.config, config)
    if other:
        raise UsageError(
            f"--run-name {name}: {run.path} is another run: {'; '.join(other[:5])}. "
            "Choose another name, or make the call that it was made with."
        )
    if run.status is RunStatus.DONE:
        raise UsageError(
            f"--run-name {name}: this run is done; `hone harness inspect {name}` shows it. "
            "Choose another name for another run."
        )
    return run


def _unfinished(home: Path, config: Mapping[str, Any]) -> Run | None:
    """The newest run of the same work that is neither done nor worked on."""
    for entry in reversed(list_runs(home, kind=KIND)):
        if entry.damage or entry.status in (RunStatus.DONE, RunStatus.RUNNING):
            continue
        run = Run.open(entry.path)
        if not differences(run.config, config):
            return run
    return None
