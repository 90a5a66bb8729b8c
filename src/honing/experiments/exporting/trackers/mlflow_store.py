"""A run in MLflow: a local store, or the server that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

from honing.errors import UsageError
from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.trackers.apart import run_apart
from honing.experiments.exporting.trackers.base import Destination, Written

_ADDRESS = "MLFLOW_TRACKING_URI"
_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


class MlflowStore:
    """Parameters, metrics, curves by step, tags, tables and files. The same record is written once."""

    name = "mlflow"
    packages: tuple[str, ...] = ("mlflow",)
    extra = "tracking"
    sentence = f"a run in a local store (--out), or on the server of {_ADDRESS}"

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`. A local store may hold other runs already."""
        folder = destination.folder
        address = destination.environ.get(_ADDRESS, "") if folder is None else folder.resolve().as_uri()
        if not address:
            raise UsageError(
                f"--to mlflow: where to? Give --out FOLDER for a local store, or set {_ADDRESS}."
            )
        job = {
            "address": address,
            "project": destination.project,
            # Version 3 keeps its store of plain files for those who say so; it needs no database.
            "environ": {
                "MLFLOW_ALLOW_FILE_STORE": "true",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                # Its own default waits for minutes where nobody answers.
                _RETRIES: destination.environ.get(_RETRIES, "2"),
            },
        }
        answer = run_apart("mlflow_program", record, destination, job, own="MLFLOW_")
        place = str(folder) if folder is not None else f"experiment {destination.project}"
        again = ("the same run was there already; nothing was written",) if answer["known"] else ()
        return Written(place=f"{place} (run {answer['run']})", notes=again)
