"""A run: one folder that explains itself.

`run.json` says what the folder is, `journal.sqlite` holds its units of work, `evidence.jsonl` what happened;
all else are artifacts. Everything is written so that a crash leaves the old content or the new one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from honing.errors import BudgetExhaustedError, StoppedError, StoreError
from honing.store.atomic import remove_drafts, write_atomic
from honing.store.encoding import Json, digest, json_bytes, jsonl_bytes, parse_json, tsv_bytes
from honing.store.evidence import Evidence
from honing.store.journal import Journal
from honing.store.lock import FolderLock
from honing.store.manifest import (
    MANIFEST,
    SCHEMA,
    RunStatus,
    checked_name,
    new_id,
    publish,
    read_manifest,
    versions,
)
from honing.store.plain_file import read_plain
from honing.store.reports.report import REPORT_FILE, Report
from honing.store.telling import Telling
from honing.store.volatile import OWN_FILES, VOLATILE_NAMES
from honing.store.watching import watched

Clock = Callable[[], float]
"""Unix time in seconds."""


_ARTIFACT_BYTES = 1_000_000_000
"""Largest artifact that is read as one JSON document."""
_FINAL = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.STOPPED, RunStatus.EXHAUSTED})


class Run:
    """One run folder. Safe to use from several threads."""

    def __init__(self, path: Path, manifest: dict[str, Json], *, clock: Clock) -> None:
        """Use `Run.create` or `Run.open`."""
        self.path = path
        self._manifest = manifest
        self._clock = clock
        self._lock = FolderLock(path / "lock")
        self.telling = Telling(path, clock=clock)
        """What others see of the run while it works; for its supervisor to write."""

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        kind: str,
        config: Mapping[str, Json],
        command: Sequence[str],
        seed: int,
        name: str | None = None,
        clock: Clock = time.time,
    ) -> Self:
        """Make a new run folder below `root`; it appears complete or not at all.

        Args:
            root: The folder of runs; created when missing.
            kind: What makes the run ("measure", "harness", "teach" ...).
            config: Everything that decides the result, as JSON.
            command: The command line that repeats it.
            seed: Of every random generator of the run.
            name: Folder name; the run's id when None.
            clock: Unix time in seconds.

        Raises:
            StoreError: The name is taken or unusable, or the folder cannot be written.
        """
        now = clock()
        run_id = new_id(now)
        folder = root / (run_id if name is None else checked_name(name))
        manifest = {
            "schema": SCHEMA,
            "id": run_id,
            "kind": kind,
            "config": dict(config),
            "config_hash": digest(dict(config)),
            "command": list(command),
            "seed": seed,
            "versions": versions(),
            "status": RunStatus.CREATED.value,
            "reason": "",
            "created": now,
            "ended": None,
        }
        publish(folder, manifest)
        return cls(folder, manifest, clock=clock)

    @classmethod
    def open(cls, path: Path, *, clock: Clock = time.time) -> Self:
        """Open an existing run folder.

        Raises:
            StoreError: There is no run, its `run.json` is damaged, or another version of Honing wrote it; the
                text says what was found and what to do.
        """
        return cls(path, read_manifest(path), clock=clock)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, kind={self.kind!r})"

    @property
    def id(self) -> str:
        """Unique; ids sort by the time of creation."""
        return str(self._manifest["id"])

    @property
    def kind(self) -> str:
        return str(self._manifest["kind"])

    @property
    def config(self) -> dict[str, Json]:
        return dict(self._manifest["config"])

    @property
    def command(self) -> tuple[str, ...]:
        return tuple(self._manifest["command"])

    @property
    def seed(self) -> int:
        return int(self._manifest["seed"])

    @property
    def versions(self) -> dict[str, str]:
        """Of python, honing, the platform and every installed package when the run was created."""
        return dict(self._manifest.get("versions", {}))

    @property
    def created(self) -> float:
        """Unix time, seconds."""
        return float(self._manifest["created"])

    @property
    def ended(self) -> float | None:
        """Unix time of the last ending, seconds; None while there is none."""
        value = read_manifest(self.path)["ended"]
        return None if value is None else float(value)

    @property
    def status(self) -> RunStatus:
        """What `run.json` says now, and INTERRUPTED where it says running while nobody holds the lock."""
        status = RunStatus(read_manifest(self.path)["status"])
        if status is RunStatus.RUNNING and not self._lock.taken():
            return RunStatus.INTERRUPTED
        return status

    @property
    def reason(self) -> str:
        """One sentence on the status, or empty."""
        return str(read_manifest(self.path)["reason"])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the run's only supervisor for a while. Nests within one `Run` object.

        Raises:
            StoreError: Another process, or another object, holds the lock; the text names the process.
        """
        self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    @property
    def session(self) -> str:
        """Name of this object's present holding of the lock; empty while it does not hold it."""
        return self._lock.session

    @property
    def locked(self) -> bool:
        """Whether somebody, this object included, is working on the run."""
        return self._lock.taken()

    @contextmanager
    def supervise(self) -> Iterator[None]:
        """Hold the lock and keep the status true: running inside, afterwards how the block ended.

        A stop asked for in an earlier session is forgotten on entry, and what it had half written is
        removed. Errors pass through.
        """
        with self.lock(), watched(self.path):
            remove_drafts(self.path, leave_out=VOLATILE_NAMES)
            (self.path / "stop").unlink(missing_ok=True)
            self.set_status(RunStatus.RUNNING)
            try:
                yield
            except BaseException as error:
                self.set_status(_ending_of(error), f"{type(error).__name__}: {error}".rstrip(": "))
                raise
            self.set_status(RunStatus.DONE)

    def set_status(self, status: RunStatus, reason: str = "") -> None:
        """Write where the run stands.

        Raises:
            StoreError: The status is INTERRUPTED, which is only ever observed, or the folder cannot be
                written.
        """
        if status is RunStatus.INTERRUPTED:
            raise StoreError(
                "'interrupted' is what others observe of a dead supervisor; write how the run ended."
            )
        self._update(status=status.value, reason=reason, ended=self._clock() if status in _FINAL else None)
        self.telling.line(f"{status.value}: {reason}" if reason else status.value)

    def request_stop(self) -> None:
        """Ask the supervisor to finish the units under way and stop; the same as `touch stop` in the
        folder."""
        write_atomic(self.path / "stop", b"")

    def stop_requested(self) -> bool:
        """Whether a file named `stop` lies in the folder."""
        return os.path.lexists(self.path / "stop")

    def journal(self) -> Journal:
        """Open the journal of units. The caller closes it.

        Raises:
            StoreError: The journal is damaged, from a newer version, or not the one this run began with.
        """
        path = self.path / "journal.sqlite"
        expected = self._manifest.get("journal") or read_manifest(self.path).get("journal")
        journal = Journal.open(path, expected_id=expected, clock=self._clock)
        if expected is None:
            self._update(journal=journal.id)
        return journal

    def evidence(self) -> Evidence:
        """The record of what happened, `evidence.jsonl`."""
        return Evidence(self.path / "evidence.jsonl", clock=self._clock)

    def artifact(self, relative: str | Path) -> Path:
        """Where an artifact lies; its parent folders exist afterwards.

        Raises:
            StoreError: The path is absolute, leaves the run (also through a symbolic link), or names one of
                the run's own files.
        """
        parts = Path(relative).parts
        if not parts or Path(relative).is_absolute() or ".." in parts or "\0" in str(relative):
            raise StoreError(
                f"{str(relative)!r}: an artifact's path is relative and stays inside the run {self.path}."
            )
        if parts[0] in OWN_FILES:
            raise StoreError(f"{str(relative)!r}: this name belongs to the run itself. Choose another one.")
        path = self.path / relative
        home = self.path.resolve()
        if not path.resolve().is_relative_to(home):
            raise StoreError(f"{path}: a symbolic link on the way leads out of the run. Remove the link.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: cannot make this folder: {error.strerror}.") from error
        return path

    def write_json(self, relative: str | Path, value: Json) -> Path:
        """Write one JSON document: sorted keys, two spaces, no NaN."""
        return self.write_bytes(relative, json_bytes(value))

    def write_jsonl(self, relative: str | Path, rows: Iterable[Json]) -> Path:
        """Write JSON lines, one row each."""
        return self.write_bytes(relative, jsonl_bytes(rows))

    def write_tsv(
        self, relative: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
    ) -> Path:
        """Write a table that is safe to open in a spreadsheet; see `tsv_bytes`."""
        return self.write_bytes(relative, tsv_bytes(columns, rows))

    def write_text(self, relative: str | Path, text: str) -> Path:
        """Write text as it is, in UTF-8."""
        return self.write_bytes(relative, text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, relative: str | Path, payload: bytes) -> Path:
        """Write a file that is complete or absent, durably; the path is returned.

        Raises:
            StoreError: The path is not allowed or the file system refuses (disk full ...).
        """
        path = self.artifact(relative)
        write_atomic(path, payload)
        return path

    def read_json(self, relative: str | Path) -> Json:
        """Read one JSON document, strictly.

        Raises:
            StoreError: It is missing, not readable, or not JSON.
        """
        path = self.path / relative
        try:
            return parse_json(read_plain(path, limit_bytes=_ARTIFACT_BYTES), where=str(path))
        except OSError as error:
            raise StoreError(f"{path}: cannot read: {error.strerror}.") from error

    def samples(self, relative: str | Path = "samples.jsonl") -> list[dict[str, Json]]:
        """The rows of a JSON lines artifact: of a measurement, its samples. None where it has none.

        Raises:
            StoreError: A line is not JSON.
        """
        path = self.path / relative
        if not path.is_file():
            return []
        content = read_plain(path, limit_bytes=_ARTIFACT_BYTES)
        return [parse_json(line, where=str(path)) for line in content.split(b"\n") if line.strip()]

    def table(self, relative: str | Path) -> list[dict[str, str]]:
        """The rows of a TSV artifact by column, each cell as it is written.

        Raises:
            StoreError: It is missing.
        """
        path = self.path / relative
        try:
            text = read_plain(path, limit_bytes=_ARTIFACT_BYTES).decode("utf-8")
        except OSError as error:
            raise StoreError(f"{path}: cannot read: {error.strerror}.") from error
        header, *rows = text.removesuffix("\n").split("\n")
        names = header.split("\t")
        return [dict(zip(names, row.split("\t"), strict=False)) for row in rows]

    def report(self) -> Report:
        """The plain data of the run's page.

        Raises:
            StoreError: There is none yet, or it is no report.
        """
        return Report.read(self.path / REPORT_FILE)

    def _update(self, **fields: Json) -> None:
        manifest = read_manifest(self.path) | fields
        write_atomic(self.path / MANIFEST, json_bytes(manifest))
        self._manifest = manifest


def load_run(path: str | Path) -> Run:
    """Open a run folder; see `Run.open`."""
    return Run.open(Path(path))


def _ending_of(error: BaseException) -> RunStatus:
    if isinstance(error, StoppedError | KeyboardInterrupt):
        return RunStatus.STOPPED
    return RunStatus.EXHAUSTED if isinstance(error, BudgetExhaustedError) else RunStatus.FAILED
