"""The run of a sweep: one that is gone on with, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.errors import UsageError
from honing.experiments.sweep.base_model import BaseModel
from honing.experiments.sweep.spec import KIND, SweepOptions, SweepSpec
from honing.store import Run, RunStatus, list_runs


def opened(spec: SweepSpec, options: SweepOptions, base: BaseModel) -> Run:
    """The run of a sweep. A run of a name that is done is returned as it is.

    Raises:
        UsageError: The name belongs to another sweep, or to a run of another kind.
        StoreError: The folder cannot be read or made.
    """
    config = spec.config(base.digest)
    found = _named(options, config) if options.name else _unfinished(options, config)
    return found or Run.create(
        options.home,
        kind=KIND,
        config=config,
        command=options.command,
        seed=spec.seed,
        name=options.name or None,
        clock=options.clock,
    )


def _named(options: SweepOptions, config: Mapping[str, Any]) -> Run | None:
    folder = options.home / options.name
    if not folder.exists():
        return None
    run = Run.open(folder)
    if options.fresh:
        raise UsageError(
            f"--fresh --run-name {options.name}: {folder} is there already. Choose another name, or leave "
            "--fresh out to go on with it."
        )
    other = sorted(name for name in config if run.config.get(name) != config[name])
    if run.kind != KIND or other:
        raise UsageError(
            f"{folder}: this run is another one ({', '.join(other) or f'a {run.kind}'} differs). Choose "
            "another --run-name."
        )
    return run


def _unfinished(options: SweepOptions, config: Mapping[str, Any]) -> Run | None:
    """The newest run of the same sweep that is not done."""
    if options.fresh:
        return None
    for entry in reversed(list_runs(options.home, kind=KIND)):
        if not entry.damage and entry.status is not RunStatus.DONE:
            run = Run.open(entry.path)
            if run.config == config:
                return run
    return None
