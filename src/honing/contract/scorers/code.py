"""Judges Python code by running tests in a sandbox, in a way that the code cannot forge. See `judge`."""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.scorers.base import Row, ScoreDetail, infra_error, invalid, right, wrong
from honing.contract.scorers.code_text import programs
from honing.contract.scorers.judge import program
from honing.errors import SandboxError
from honing.sandbox import Command, Ending, Finished, Limits, Mount, Sandbox, python_mounts

GRACE_S = 20.0
"""Time beyond the sample's own limit for the sandbox and two interpreters to start on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLimits:
    """What one completion may use."""

    time_limit_s: float = 10.0
    """Wall-clock time for the program and all its tests. Beyond it the completion is wrong."""
    memory_bytes: int = 1024**3
    """Address space of the process that runs the completion."""
    processes: int = 64
    """Processes and threads together."""
    disk_bytes: int = 64 * 1024**2
    """Bytes it may write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScorer:
    """Runs a completion against its row's tests: 1 where all pass, 0 otherwise. One sandbox start a sample.

    A row carries `tests` and `under_test` (the names they use), and may carry `setup` (imports both sides
    need), `form` (`complete` where the completion continues `input`) and golds (right programs, for the
    controls only).
    """

    sandbox: Sandbox
    limits: CodeLimits = field(default_factory=CodeLimits)
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(16))
    """A fresh secret for every verdict."""
    name: str = "code"

    def score(self, row: Row, completion: str) -> ScoreDetail:
        expected = f"{row.inputs.get('entry_point') or 'the program'} passes its tests"
        job = self._job(row, completion)
        if not job["names"]:
            return invalid(expected, "the tests use no name that a completion could define")
        if not completion.strip():
            return wrong(expected, None, "the completion is empty")
        try:
            finished = self._run(job)
        except (SandboxError, OSError) as error:
            return infra_error(expected, f"the sandbox failed: {error}")
        return _read(finished, str(job["nonce"]), expected)

    def values(self, row: Row) -> frozenset[str]:
        """See `Scorer.values`. Programs have no canonical form; white space aside, the text stands for
        itself.
        """
        return frozenset(" ".join(gold.split()) for gold in row.golds)

    def _job(self, row: Row, completion: str) -> dict[str, Any]:
        tests, setup = str(row.inputs.get("tests", "")), str(row.inputs.get("setup", ""))
        complete = row.inputs.get("form") == "complete"
        given = str(row.inputs.get("input", "")) if complete else None
        names = list(row.inputs.get("under_test", ()))
        found = programs(completion, names=names, given=given)
        return {
            "nonce": self.nonce(),
            "programs": [one.source for one in found],
            "trim": [one.trim for one in found],
            "names": names,
            "setup": setup,
            "given": given or "",
            "tests": tests,
            "time_limit_s": self.limits.time_limit_s,
            "memory": self.limits.memory_bytes,
        }

    def _run(self, job: dict[str, Any]) -> Finished:
        with tempfile.TemporaryDirectory(prefix="honing-code-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch)
            # -P and -s rather than -I: the hash seed is fixed, so the order of a set cannot change a verdict.
            argv = [_interpreter(), "-P", "-s", "-S", "-B", "-c", program()]
            command = Command(
                argv=argv,
                workdir=folder,
                mounts=[Mount(folder, writable=True), *_interpreter_mounts()],
                env={"PATH": "/usr/bin:/bin", "HOME": scratch, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
                limits=Limits(
                    wall_s=self.limits.time_limit_s + GRACE_S,
                    memory_bytes=self.limits.memory_bytes + 256 * 1024**2,
                    processes=self.limits.processes,
                    disk_bytes=self.limits.disk_bytes,
                ),
                stdin=json.dumps(job).encode(),
            )
            return self.sandbox.run(command)


def _read(finished: Finished, nonce: str, expected: str) -> ScoreDetail:
    """The judgement that a finished run holds. Only lines behind the nonce count."""
    lines = [
        line.removeprefix(f"{nonce} ")
        for line in finished.stdout.splitlines()
        if line.startswith(f"{nonce} ")
    ]
    if "ready" not in lines or finished.ending is Ending.STOPPED:
        tail = (finished.stderr.strip() or finished.detail)[-300:]
        return infra_error(expected, f"the judge did not start ({finished.ending.value}): {tail}")
    verdicts = [line for line in lines if line != "ready"]
    if len(verdicts) != 1:
        why = {Ending.TIMEOUT: "ran past the time limit", Ending.MEMORY: "used too much memory"}.get(
            finished.ending, "ended the judge"
        )
        return wrong(expected, None, f"the program {why}")
    verdict = json.loads(verdicts[0])
    kind, why, source = verdict["kind"], str(verdict["why"]), verdict.get("source")
    if kind == "passed":
        return right(expected, str(source), why)
    if kind == "invalid":
        return invalid(expected, why)
    if kind == "missing_package":
        return infra_error(expected, why)
    return wrong(expected, source, why)


def _interpreter() -> str:
    """The real interpreter, without a virtual environment: programs see the standard library."""
    return os.path.realpath(sys.executable)


def _interpreter_mounts() -> list[Mount]:
    return [mount for mount in python_mounts() if mount.source == Path(sys.base_prefix)]
