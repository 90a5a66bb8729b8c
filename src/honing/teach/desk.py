"""What a phase works with: the run, the study, and the one way to do many pieces of work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from honing.environments import World, world_named
from honing.errors import StudyError, TrainingError
from honing.executors import (
    Budget,
    Executor,
    InlineExecutor,
    LocalExecutor,
    MapOptions,
    Observation,
    Observe,
    Progress,
    SilentProgress,
    UnitFunction,
    run_map,
)
from honing.store import Run, parse_json
from honing.teach.snapshot import Snapshot
from honing.teach.study_spec import StudySpec

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One study under way. Nothing here but `run` and `spec` has an influence on a result."""

    run: Run
    spec: StudySpec
    executor: Executor | None = None
    """Where units run; processes of this machine, new ones for every step, where None."""
    workers: int = 1
    """Processes at a time; units get one thread each, so results are the same at any number."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    cache: Path = Path("~/.cache/honing")
    """Where warm-started students lie."""
    budget: Budget = field(default_factory=Budget)
    tracking: str = ""
    """Project that training curves go to; empty for none."""
    progress: Callable[[str], Progress] = lambda _: SilentProgress()
    """Makes what shows how a step goes, by its name."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""

    def world(self) -> World:
        """The study's world. One object in a process: some worlds remember the tasks they have drawn."""
        chosen = self.spec.environment
        return _world(chosen.name, json.dumps(chosen.options, sort_keys=True))

    def map(
        self,
        step: str,
        fn: UnitFunction,
        inputs: Sequence[Json],
        *,
        executor: Executor | None = None,
        observe: Observe | None = None,
        version: str = "1",
    ) -> list[Json]:
        """The results of all units of a step; what ended in an earlier session is not done again.

        Args:
            step: Unique within the run.
            fn: Importable by name; JSON in, JSON out; deterministic in its input.
            inputs: One JSON value per unit. A unit of half a second to ten seconds is about right.
            executor: Where; processes of this machine where None.
            observe: What a result is worth, for the live score, and what it cost. Work of this machine alone
                needs none: it takes no tokens and no money.
            version: Of the work; another one does everything again.

        Raises:
            TrainingError: A unit failed; those that ended are kept.
            HoningError: See `executors.run_map`.
        """
        executor = executor or self.executor
        if executor is None:
            executor = InlineExecutor() if self.workers < 1 else LocalExecutor(self.workers)
        options = MapOptions(
            version=version, budget=self.budget, progress=self.progress(step), observe=observe or _free
        )
        results = run_map(self.run, step, fn, inputs, executor=executor, options=options)
        failed = [result for result in results if not result.ok]
        if failed:
            first = failed[0]
            raise TrainingError(
                f"Step '{step}': {len(failed)} of {len(results)} units failed; unit {first.index}: "
                f"{first.error_kind}: {first.error} What ended is kept; the same command goes on."
            )
        return [result.result for result in results]

    def snapshots(self, relative: str) -> list[Snapshot]:
        """The snapshots of an artifact of this run, `.json` or `.jsonl`."""
        return read_snapshots(self.run.path / relative)


@lru_cache(maxsize=4)
def _world(name: str, options: str) -> World:
    return world_named(name, json.loads(options))


def _free(_: Json) -> Observation:
    return Observation(cost_usd=0.0)


def read_rows(path: Path) -> list[Json]:
    """The rows of a `.json` (a list, or an object with one list) or `.jsonl` file.

    Raises:
        StudyError: It is missing or is neither.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise StudyError(
            f"{path}: cannot be read: {error.strerror}. The phase before it writes it; `hone teach run` "
            "makes all in order."
        ) from error
    if path.suffix == ".jsonl":
        lines = payload.split(b"\n")
        return [
            parse_json(line, where=f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()
        ]
    found = parse_json(payload, where=str(path))
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else found
    if not isinstance(found, list):
        raise StudyError(f"{path}: expected a list of rows, found {type(found).__name__}.")
    return found


def read_snapshots(path: Path) -> list[Snapshot]:
    """The snapshots of a file, strictly.

    Raises:
        StudyError: A row is no snapshot; the text names file and row.
    """
    found: list[Snapshot] = []
    for number, row in enumerate(read_rows(path), 1):
        try:
            found.append(Snapshot.model_validate(row))
        except ValueError as error:
            raise StudyError(f"{path}: row {number} is no snapshot: {error}") from error
    return found
