"""One run in full: its steps, what failed, its log, its configuration, its files."""

from __future__ import annotations

import shlex
from typing import Any

from honing.errors import StoreError
from honing.store import JournalReader, Run, read_journal, read_log, read_progress
from honing.view.live.files import is_plain, list_files, read_plain
from honing.view.live.folders import Place
from honing.view.live.rows import open_run
from honing.view.live.shelf import Shelf
from honing.view.live.wording import flat, shown

RESUMED = "logs/resumed.txt"
"""What the last run resumed from the page wrote to its streams, in the run's folder."""
_TAIL_BYTES = 16 * 1024
_LOG_LINES = 300
_FAILURES = 20
_VERSIONS = ("honing", "python", "platform")
_COUNTED_BYTES = 64 * 1024 * 1024
"""A log of calls that is larger is not counted."""


def read_details(shelf: Shelf, place: Place) -> dict[str, Any]:
    """Everything the view of one run shows beside its line.

    Raises:
        StoreError: The run cannot be opened.
    """
    run = open_run(place)
    inner = frozenset(
        one.path.relative_to(place.path).as_posix()
        for one in shelf.inside(place.key)
        if one.path.is_relative_to(place.path)
    )
    files, complete = list_files(place.path, inner=inner)
    steps, failures = _steps(place, running=run.locked)
    return {
        **shown(
            {
                "command": shlex.join(run.command),
                "seed": run.seed,
                "versions": {name: run.versions.get(name, "") for name in _VERSIONS},
                "config": [{"name": name, "value": value} for name, value in _facts(run)],
                "steps": steps,
                "failures": failures,
                "calls": _calls(place),
                "resumed": _tail(place),
                "path": str(place.path),
            }
        ),
        "log": [shown(line) for line in _log(place)],
        # Names are needed as they are, to ask for the file; the page shows the other form.
        "files": [{**one, "shown": shown(one["path"])} for one in files],
        "files_complete": complete,
        "has_report": is_plain(place.path / "report.json"),
    }


def _facts(run: Run) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in flat(run.config).items() if value not in (None, "", [], {})]


def _steps(place: Place, *, running: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every step with its counts, in the order in which they began; and the first failures."""
    told = read_progress(place.path) if is_plain(place.path / "logs/progress.json") else []
    steps = {str(one["step"]): {**one, "running": running and one.get("running") is True} for one in told}
    if not is_plain(place.path / "journal.sqlite"):
        return list(steps.values()), []
    try:
        with read_journal(place.path / "journal.sqlite") as journal:
            finished = journal.finished()
            listed = [
                # What was remembered within units of other steps has no plan of its own.
                {"total": planned or None, "running": False, **steps.pop(name, {}), "step": name}
                | {"done": finished.get(name, 0)}
                for name, planned in journal.steps().items()
            ]
            return [*listed, *steps.values()], _failures(journal)
    except StoreError as error:
        return list(steps.values()), [{"step": "journal", "position": None, "kind": "", "error": str(error)}]


def _failures(journal: JournalReader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for step in journal.steps():
        for position, kind, error in journal.errors(step)[: _FAILURES - len(found)]:
            found.append({"step": step, "position": position, "kind": kind, "error": error})
        if len(found) == _FAILURES:
            break
    return found


def _calls(place: Place) -> int | None:
    """Calls through the gateway, those of controls included; None where no log of them is kept."""
    try:
        return read_plain(place.path, "logs/calls.jsonl", most_bytes=_COUNTED_BYTES).count(b"\n")
    except StoreError:
        return None


def _log(place: Place) -> list[str]:
    return read_log(place.path)[-_LOG_LINES:] if is_plain(place.path / "logs/log.txt") else []


def _tail(place: Place) -> str:
    """The end of what the resumed command printed."""
    try:
        payload = read_plain(place.path, RESUMED, most_bytes=_COUNTED_BYTES)
    except StoreError:
        return ""
    return payload[-_TAIL_BYTES:].decode("utf-8", "replace")
