"""A run in Weights & Biases: as an offline run in a folder, or on the server of the key."""

from __future__ import annotations

from honing.errors import UsageError
from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.trackers.apart import SCRATCH, run_apart
from honing.experiments.exporting.trackers.base import Destination, Written

_FOLDERS = ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR", "WANDB_ARTIFACT_DIR")


class WandbRun:
    """Config, summary, curves, tables, and the run's files as an artifact; nothing of this machine."""

    name = "wandb"
    packages: tuple[str, ...] = ("wandb",)
    extra = "tracking"
    sentence = "an offline run (--out), or one on the server of WANDB_API_KEY"

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`. A folder may hold other offline runs already."""
        folder = destination.folder
        if folder is None and not destination.environ.get("WANDB_API_KEY"):
            raise UsageError(
                "--to wandb: where to? Give --out FOLDER for an offline run, which `wandb sync` sends later, "
                "or set WANDB_API_KEY."
            )
        job = {
            "project": destination.project,
            "folder": None if folder is None else str(folder.resolve()),
            "mode": "online" if folder is None else "offline",
            # What its client would write below the home folder goes into a folder that is removed.
            "environ": {"WANDB_ERROR_REPORTING": "false", **dict.fromkeys(_FOLDERS, SCRATCH)},
        }
        answer = run_apart("wandb_program", record, destination, job, own="WANDB_")
        notes = () if folder is None else (f"send it with: wandb sync {answer['place']}",)
        return Written(place=answer["place"], notes=notes)
