"""`--track`: a run is told to a tracker once it has ended; whatever goes wrong then is a warning."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from honing.cli.printing import visible
from honing.cli.surroundings import find_dotenv, read_document
from honing.errors import HoningError, UsageError

if TYPE_CHECKING:
    from honing.cli.frame import Frame

_SHARED = frozenset({"mlflow", "wandb"})
"""Trackers whose folder holds many runs."""


def kept_values(frame: Frame) -> dict[str, str]:
    """Every variable that may hold a secret: of the environment, of `.env`, and those of `--env`."""
    from honing.settings import parse_dotenv

    dotenv = find_dotenv(frame.cwd)
    found = {}
    if dotenv is not None:
        document = read_document(dotenv)
        found = {name: one.value for name, one in parse_dotenv(document.text, where=str(dotenv)).items()}
    found |= frame.environ
    words = [*frame.arguments, ""]
    given = [after for word, after in pairwise(words) if word == "--env"]
    given += [word.removeprefix("--env=") for word in words if word.startswith("--env=")]
    # Whatever is given with --env is promised to be written down nowhere, whatever it is called.
    secret = {f"--env {name} secret": value for name, _, value in (pair.partition("=") for pair in given)}
    return {**found, **secret}


@contextmanager
def telling_tracker(frame: Frame) -> Iterator[None]:
    """Around a command: a tracker of the settings is told of the run it made, once that has ended.

    Neither the command's error nor its exit code changes. After Ctrl-C nobody is told.
    """
    if not _asked(frame):
        yield
        return
    from honing.store import ended_runs

    with ended_runs() as ended:
        try:
            yield
        except Exception:
            _tell(frame, ended)
            raise
    _tell(frame, ended)


def _asked(frame: Frame) -> bool:
    """Whether there is a tracker to be told. A name that is none is refused before anything is spent.

    Raises:
        UsageError: There is no such tracker.
    """
    try:
        name = frame.settings().tracking.track
    except HoningError:
        # Settings that cannot be read are the command's to report.
        return False
    if name:
        from honing.experiments import TRACKERS

        if name not in TRACKERS:
            raise UsageError(f"--track {name!r}: no such tracker. There are {', '.join(TRACKERS)}.")
    return bool(name)


def _tell(frame: Frame, ended: Sequence[Path]) -> None:
    """Tell of each run; one that was removed meanwhile is left out."""
    for folder in (folder for folder in ended if (folder / "run.json").is_file()):
        try:
            place = _told(frame, folder)
        except Exception as error:  # noqa: BLE001 - the run is there and counts, whatever becomes of its copy
            sys.stderr.write(
                f"warning: {visible(folder.name)} was not handed on: {visible(str(error))}\n"
                f"`hone runs export {visible(folder.name)}` does so later.\n"
            )
        else:
            sys.stderr.write(f"{visible(folder.name)} was handed on: {visible(place)}\n")


def _told(frame: Frame, folder: Path) -> str:
    """Where the run can be looked at now."""
    settings = frame.settings()
    name = settings.tracking.track or ""
    from honing.experiments import Destination, track, tracker_named
    from honing.store import Run

    tracker = tracker_named(name)
    online = {"mlflow": "MLFLOW_TRACKING_URI", "wandb": "WANDB_API_KEY"}.get(name, "")
    place = settings.tracking.track_folder / name
    if name not in _SHARED:
        place = _new(place / folder.name)
    destination = Destination(
        folder=None if frame.environ.get(online) else place,
        project=settings.tracking.wandb_project or "honing",
        environ=frame.environ,
    )
    return track(Run.open(folder), tracker, destination, known=kept_values(frame)).place


def _new(place: Path) -> Path:
    """A folder that is not there yet: a run that went on is handed on anew, beside what was told before."""
    number, free = 1, place
    while free.exists():
        number += 1
        free = place.with_name(f"{place.name}.{number}")
    return free
