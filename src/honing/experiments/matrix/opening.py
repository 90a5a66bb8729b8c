"""Which run a matrix belongs to, and how its trials are run and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.errors import UsageError
from honing.experiments.matrix.kinds.base import TrialKind
from honing.experiments.matrix.request import MatrixOptions
from honing.experiments.matrix.spec import MatrixSpec
from honing.store import Run, RunStatus, list_runs, make_home

KIND = "matrix"
"""Kind of the runs."""
_NO_IDENTITY = frozenset({"budget", "base"})
"""Parts of a config in which two sessions of one run may differ."""


def kind_of(spec: MatrixSpec, options: MatrixOptions) -> TrialKind:
    """How trials of this matrix are run and read."""
    if spec.harness is not None:
        from honing.experiments.matrix.kinds.harness import HarnessTrials

        return HarnessTrials(spec.harness, options)
    from honing.experiments.matrix.kinds.measure import MeasureTrials

    assert spec.measure is not None
    return MeasureTrials(spec.measure, options)


def open_matrix(spec: MatrixSpec, kind: TrialKind, options: MatrixOptions) -> Run:
    """The run of this request: the one of that name, an unfinished one of the same work, or a new one.

    Raises:
        UsageError: The name belongs to another run.
        HoningError: Something that the axes name cannot be read.
    """
    make_home(options.home)
    config = _config(spec, kind, options)
    if options.run_name:
        found = _named(config, options)
    else:
        found = None if options.fresh else _unfinished(config, options)
    return found or Run.create(
        options.home,
        kind=KIND,
        config=config,
        command=options.command,
        seed=spec.seed,
        name=options.run_name or None,
        clock=options.clock,
    )


def _config(spec: MatrixSpec, kind: TrialKind, options: MatrixOptions) -> dict[str, Any]:
    document = spec.as_document()
    return {
        "budget": document.pop("budget"),
        "matrix": document,
        "base": str(options.base.resolve()),
        "contents": kind.contents(),
        "sandbox": options.sandbox,
    }


def _named(config: Mapping[str, Any], options: MatrixOptions) -> Run | None:
    folder = options.home / options.run_name
    if not folder.exists():
        return None
    if options.fresh:
        raise UsageError(
            f"--fresh --run-name {options.run_name}: {folder} is there already. Choose another name, or "
            "leave --fresh out to go on with it."
        )
    run = Run.open(folder, clock=options.clock)
    other = _differing(run, config)
    if other:
        raise UsageError(
            f"--run-name {options.run_name}: {folder} is another run ({other}). Choose another name, or make "
            "the call that it was made with."
        )
    return run


def _unfinished(config: Mapping[str, Any], options: MatrixOptions) -> Run | None:
    """The newest run of the same work that is not done. One that is running counts: its lock refuses a second
    supervisor, and nothing is paid for twice."""
    for entry in reversed(list_runs(options.home, kind=KIND)):
        if entry.damage or entry.status is RunStatus.DONE:
            continue
        run = Run.open(entry.path, clock=options.clock)
        if not _differing(run, config):
            return run
    return None


def _differing(run: Run, config: Mapping[str, Any]) -> str:
    """What makes it another run; empty where nothing does."""
    if run.kind != KIND:
        return f"its kind is {run.kind!r}"
    names = [name for name in config if name not in _NO_IDENTITY and run.config.get(name) != config[name]]
    return f"different: {', '.join(names)}" if names else ""
