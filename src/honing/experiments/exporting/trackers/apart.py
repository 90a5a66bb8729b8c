"""A tracker's client in a process of its own, in an environment that holds what it needs and no more.

Such clients change global state, keep threads, read the environment, write below the home folder, and may
wait for a server for ever. None of that may happen in a process that holds a run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from honing.errors import TrackerError
from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.secrets import Redactor
from honing.experiments.exporting.staging import as_document
from honing.experiments.exporting.trackers.base import Destination

PROGRAMS = Path(__file__).with_name("programs")
_PASSED_ON = (
    "HOME", "PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
SCRATCH = "{scratch}"
"""As the value of a variable: a folder that is removed afterwards."""
_SHOWN = 800
"""Last characters of what a client said, in an error."""


def run_apart(
    program: str, record: RunRecord, destination: Destination, job: Mapping[str, Any], *, own: str
) -> dict[str, Any]:
    """Give a record to one of the `programs/`, and read what it answers.

    Args:
        program: Name of the file, without ending.
        record: Cleared of secrets.
        destination: Environment and time limit count.
        job: Further values for the program; `environ` is set in its environment.
        own: How names of the tracker's own variables begin (`MLFLOW_`).

    Raises:
        TrackerError: It failed, or did not end in time.
    """
    given = destination.environ
    environ = {name: value for name, value in given.items() if name in _PASSED_ON or name.startswith(own)}
    with TemporaryDirectory(prefix="honing-tracker-") as scratch:
        answer = Path(scratch) / "answer.json"
        request = Path(scratch) / "request.json"
        request.write_text(json.dumps({**job, "record": as_document(record)}), encoding="utf-8")
        own_values = {name: value.replace(SCRATCH, scratch) for name, value in job.get("environ", {}).items()}
        # -P: the folder of the programs is not where their imports come from.
        command = [sys.executable, "-P", str(PROGRAMS / f"{program}.py"), str(request), str(answer)]
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env={"TMPDIR": scratch, **environ, **own_values},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=destination.limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TrackerError(
                f"{program}: did not end within {destination.limit_s:g} s and was ended. Is its server "
                "reachable? `--out FOLDER` writes to this machine."
            ) from None
        if done.returncode != 0 or not answer.is_file():
            said = done.stderr.decode("utf-8", "replace").strip()[-_SHOWN:]
            raise TrackerError(
                f"{program}: ended with code {done.returncode}: "
                f"{Redactor.of_environment(given).text(said) or 'it said nothing'}. The run is untouched; "
                "export it again once that is mended."
            )
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
