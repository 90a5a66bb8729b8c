"""Which run a study belongs to: one that is gone on with, or a new one that begins from what others did."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from honing.environments import world_named
from honing.errors import MissingToolError, StoreError, UsageError
from honing.learn import folder_digest
from honing.store import Run, RunEntry, list_runs, make_home
from honing.teach.phases import ORDER, SECTIONS
from honing.teach.running.outcomes import kept_outcome
from honing.teach.running.request import StudyOptions
from honing.teach.study_spec import StudySpec

KIND = "teach"
"""Kind of the runs."""


def open_run(spec: StudySpec, options: StudyOptions) -> Run:
    """The run of this request.

    The newest run of the same study is gone on with, done or not. Otherwise a new one is made, and the first
    phases are taken from a run whose study differs only in what decides later ones: changing a threshold does
    not collect rollouts again.

    Raises:
        UsageError: The name belongs to another run.
        StoreError: The folder cannot be written.
    """
    make_home(options.home)
    config = config_of(spec, options)
    if options.run_name and (options.home / options.run_name).is_dir():
        return _named(options.home / options.run_name, config)
    if not options.run_name and not options.fresh:
        for entry in _runs(options.home):
            run = Run.open(entry.path)
            if _same(run.config, config):
                return run
    run = Run.create(
        options.home,
        kind=KIND,
        config=config,
        command=options.command,
        seed=spec.seed,
        name=options.run_name or None,
    )
    if not options.inputs and not options.fresh:
        _take_over(run, spec, options.home)
    return run


def config_of(spec: StudySpec, options: StudyOptions) -> dict[str, Any]:
    """Everything that decides a run, as plain data. Inputs, model folders and the files of a world are in it
    by content, packages by version: other weights under the same name are another study."""
    inputs = {name: _content(path) for name, path in sorted(options.inputs.items())}
    found = {"study": spec.as_document(), "only": list(options.only), "inputs": inputs}
    named = {"student": spec.student.checkpoint, "expert": spec.expert.checkpoint}
    folders = {who: Path(name).expanduser() for who, name in named.items() if name}
    weights = {who: folder_digest(folder) for who, folder in folders.items() if folder.is_dir()}
    world = _world(spec)
    return {**found, **({"weights": weights} if weights else {}), **({"world": world} if world else {})}


def _world(spec: StudySpec) -> Any:
    """What decides the world's episodes; None where its packages are not installed, so that nothing is played
    either."""
    try:
        identity = world_named(spec.environment.name, spec.environment.options).identity()
    except MissingToolError:
        return None
    return json.loads(json.dumps(identity))


def _content(path: Path) -> str:
    if path.is_dir():
        return folder_digest(path)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from error


def _named(folder: Path, config: Mapping[str, Any]) -> Run:
    run = Run.open(folder)
    if run.kind != KIND or not _same(run.config, config):
        raise UsageError(
            f"--run-name {folder.name}: {folder} is another run (of kind {run.kind!r}"
            f"{', with other settings' if run.kind == KIND else ''}). Choose another name."
        )
    return run


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two configs decide the same, whatever defaults came to the study since one was written."""
    asked = second if "world" in first else {name: part for name, part in second.items() if name != "world"}
    return {**first, "study": _written_out(first.get("study", {}))} == asked


def _written_out(study: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return StudySpec.model_validate(study).as_document()
    except ValueError:
        # Of a version whose studies cannot be read any more: no run to go on with.
        return {}


def _runs(home: Path) -> Iterator[RunEntry]:
    """The studies of a folder that can be read, the newest first."""
    for entry in reversed(list_runs(home, kind=KIND)):
        if not entry.damage:
            yield entry


def _take_over(run: Run, spec: StudySpec, home: Path) -> None:
    """Copy the phases that another run did and that this study would do alike."""
    other, count = _most_alike(run, spec, home)
    if other is None:
        return
    for name in ORDER[:count]:
        outcome = kept_outcome(other, name)
        assert outcome is not None
        for path in (*outcome.artifacts, f"phases/{name}.json"):
            _copy(other.path / path, run.artifact(path))
    run.evidence().append("taken_over", {"run": other.id, "phases": list(ORDER[:count])})


def _most_alike(run: Run, spec: StudySpec, home: Path) -> tuple[Run | None, int]:
    """The run that did the most first phases as this study would, and how many; of equals the newest."""
    wanted = spec.as_document()
    best: Run | None = None
    most = 0
    for entry in _runs(home):
        other = Run.open(entry.path)
        whole = not other.config.get("only") and not other.config.get("inputs")
        if entry.path == run.path or not whole or other.locked:
            continue
        if other.config.get("weights") != run.config.get("weights"):
            continue
        if other.config.get("world", run.config.get("world")) != run.config.get("world"):
            continue
        count = len(_alike(other, wanted))
        if count > most:
            best, most = other, count
    return best, most


def _alike(other: Run, wanted: Mapping[str, Any]) -> list[str]:
    """The first phases that are done in another run and are decided by the same settings."""
    theirs = _written_out(other.config.get("study", {}))
    found: list[str] = []
    for name in ORDER:
        if any(_part(theirs, part) != _part(wanted, part) for part in SECTIONS[name]):
            break
        if kept_outcome(other, name) is None:
            break
        found.append(name)
    return found


def _part(study: Mapping[str, Any], path: str) -> Any:
    """What a study says at a dotted path."""
    found: Any = study
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _copy(source: Path, target: Path) -> None:
    try:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error}.") from error
