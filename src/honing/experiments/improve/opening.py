"""Which run a loop belongs to: one that is gone on with, or a new one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from honing.errors import UsageError
from honing.experiments.improve.base import Subject
from honing.experiments.improve.spec import ImproveOptions, ImproveSpec
from honing.store import Run, RunStatus, list_runs, make_home

KIND = "improve"
"""Kind of the runs."""
SCHEMA = 1


def config_of(subject: Subject, spec: ImproveSpec) -> dict[str, Any]:
    """Everything that decides a loop, as plain data."""
    config = {
        "schema": SCHEMA,
        "name": subject.name,
        "subject": dict(subject.identity()),
        "spec": spec.as_document(),
    }
    # As run.json gives it back, so that the two can be compared.
    found: dict[str, Any] = json.loads(json.dumps(config))
    return found


def done_run(subject: Subject, spec: ImproveSpec, options: ImproveOptions) -> Run | None:
    """The run of this request where it is done already; None otherwise."""
    found = _known(subject, spec, options)
    return found if found is not None and found.status is RunStatus.DONE else None


def open_run(subject: Subject, spec: ImproveSpec, options: ImproveOptions) -> Run:
    """The run of this request: the newest of the same loop, done or not, otherwise a new one.

    Raises:
        UsageError: The name belongs to another run.
        StoreError: The folder cannot be written.
    """
    make_home(options.home)
    return _known(subject, spec, options) or Run.create(
        options.home,
        kind=KIND,
        config=config_of(subject, spec),
        command=options.command,
        seed=spec.seed,
        name=options.run_name or None,
    )


def _known(subject: Subject, spec: ImproveSpec, options: ImproveOptions) -> Run | None:
    config = config_of(subject, spec)
    named = options.home / options.run_name
    if options.run_name and named.is_dir():
        if options.fresh:
            raise UsageError(
                f"--fresh --run-name {options.run_name}: {named} is there already. Choose another name, or "
                "leave --fresh out to go on with it."
            )
        return _named(named, config)
    if not options.run_name and not options.fresh:
        for path in _runs(options.home):
            run = Run.open(path)
            if run.config == config:
                return run
    return None


def _named(folder: Path, config: Mapping[str, Any]) -> Run:
    run = Run.open(folder)
    if run.kind == KIND and run.config == config:
        return run
    why = f"its kind is {run.kind!r}" if run.kind != KIND else f"other {_differing(run.config, config)}"
    raise UsageError(
        f"--run-name {folder.name}: {folder} is another run: {why}. Choose another name, or make the "
        "call that it was made with."
    )


def _differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    names: list[str] = []
    for part in ("name", "subject", "spec"):
        was, now = found.get(part), wanted.get(part)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            names += [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]
        elif was != now:
            names.append(part)
    return ", ".join(names[:6]) or "schema"


def _runs(home: Path) -> Iterator[Path]:
    for entry in reversed(list_runs(home, kind=KIND)):
        if not entry.damage:
            yield entry.path
