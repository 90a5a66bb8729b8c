"""Which run a measurement belongs to: one that is gone on with, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.contract.options import SetupOptions
from honing.contract.results.outputs import find_unfinished
from honing.errors import UsageError
from honing.store import Run, RunStatus


def find_run_of(options: SetupOptions, kind: str, config: Mapping[str, Any], *, fresh: bool) -> Run | None:
    """The run to go on with; None where a new one is to be made.

    Args:
        options: Name the folder of runs and, where its maker chose one, the run.
        kind: Of the run.
        config: Everything that decides its result.
        fresh: Whether a run without a name is new even where the same work is unfinished.

    Raises:
        UsageError: The name belongs to other work, or to a run that is done.
        StoreError: A folder of that name is no run.
    """
    if not options.run_name:
        return None if fresh else find_unfinished(options.home, kind, config)
    folder = options.home / options.run_name
    if not folder.exists():
        return None
    run = Run.open(folder)
    if run.kind != kind or {**run.config, "target": ""} != {**config, "target": ""}:
        other = ", ".join(sorted(name for name in config if run.config.get(name) != config[name]))
        raise UsageError(
            f"{folder}: this run was made for other work ({other or f'its kind is {run.kind!r}'} differs). "
            "Choose another name, or remove it with `hone runs rm`."
        )
    if run.status is RunStatus.DONE:
        raise UsageError(
            f"{folder}: this run is done; `hone runs show {options.run_name}` shows it. Choose another name "
            "for another run."
        )
    return run
