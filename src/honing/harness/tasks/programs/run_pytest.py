"""Runs hidden tests with pytest; the candidate's code is elsewhere.

    python -I run_pytest.py PORT FOLDER RESULTS      with a JSON document on standard input

One process on the other side answers all tests, since pytest reads the files once. Neither a plugin that
happens to be installed nor a configuration file takes part.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import honing_subject as subject
import honing_wire as wire


class Results:
    """A plugin of pytest: what became of each test, its parameters taken together."""

    def __init__(self) -> None:
        self.seen: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = report.nodeid.partition("[")[0]
        held = report.outcome == "passed" and not hasattr(report, "wasxfail")
        self.seen[name] = self.seen.get(name, True) and held


def main() -> None:
    port, folder, results = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    asked = json.load(sys.stdin)
    import pytest

    subject.install(asked["modules"])
    found = Results()
    with contextlib.suppress(BaseException), contextlib.redirect_stdout(io.StringIO()):
        subject.Connection.current = subject.Connection(port, float(asked["limit_s"]))
        os.chdir(folder)
        options = ["-c", "/dev/null", "--rootdir", str(folder), "-p", "no:cacheprovider", "-q"]
        pytest.main([*options, "--import-mode=importlib", str(folder)], plugins=[found])
    held = {test: found.seen.get(test, False) for test in asked["tests"]}
    wire.write_results(results, {"nonce": asked["nonce"], "held": held})


if __name__ == "__main__":
    main()
