"""Running the small campaign of `executor_campaign_program.py` as a program."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from executor_units import lines

from honing.store import Run

PROGRAM = Path(__file__).with_name("executor_campaign_program.py")


@dataclass
class Campaign:
    """One folder in which the campaign is started, stopped, killed and resumed."""

    root: Path
    executor: str
    workers: int
    units: int
    pause_s: float
    file_limit_kb: int | None = None
    """Largest file that the program may write."""
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "runs" / "campaign"

    @property
    def run(self) -> Run:
        return Run.open(self.folder)

    def starts(self) -> list[int]:
        return [int(line) for line in lines(self.root / "starts")]

    def committed(self) -> set[int]:
        """Positions of the units with a result."""
        if not (self.folder / "journal.sqlite").exists():
            return set()
        with self.run.journal() as journal:
            return {
                position
                for (position,) in journal._all("SELECT position FROM units JOIN results USING (key)")
            }

    def start(self) -> subprocess.Popen[str]:
        self.root.mkdir(parents=True, exist_ok=True)
        arguments = [str(self.root), self.executor, str(self.workers), str(self.units), str(self.pause_s)]
        command = [sys.executable, str(PROGRAM), *arguments]
        if self.file_limit_kb is not None:
            command = ["bash", "-c", f'ulimit -f {self.file_limit_kb}; exec "$@"', "-", *command]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"HONING_TEST_CAMPAIGN": str(self.root)},
        )
        self.processes.append(process)
        return process

    def finish(self) -> tuple[int, str]:
        """Start it and wait for its end: exit code and output."""
        process = self.start()
        output = process.communicate(timeout=100)[0]
        return process.returncode, output

    def wait_for_starts(self, count: int, process: subprocess.Popen[str]) -> None:
        """Wait until that many units were started, or the program ended."""
        while len(self.starts()) < count and process.poll() is None:
            time.sleep(0.002)

    def wait_until_quiet(self) -> None:
        """Wait until no process that works on this folder is left, so that nothing starts any more."""
        deadline = time.monotonic() + 20
        while _processes_of(self.root):
            assert time.monotonic() < deadline, "a worker outlives its supervisor"
            time.sleep(0.005)


def _processes_of(root: Path) -> list[int]:
    """The processes of this campaign, workers included: they carry its mark in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            status = (process / "stat").read_text().rsplit(")", 1)[1].split()
            environ = (process / "environ").read_bytes()
        except OSError:
            continue
        if status[0] != "Z" and f"HONING_TEST_CAMPAIGN={root}\0".encode() in environ:
            found.append(int(process.name))
    return found
