"""A run that is killed again and again, watched by what its tasks and its agent were asked to do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from honing.store import TREES, TreeId, TreeStore, parse_json, read_journal

PROGRAM = Path(__file__).with_name("harness_kill_program.py")
_GIVE_UP_S = 300.0


@dataclass(frozen=True, slots=True)
class Victim:
    """Runs of `harness_kill_program` in one folder."""

    folder: Path
    proposals: int
    workers: int = 3

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "r"

    def kill_after(self, judgements: int, delay_s: float) -> bool:
        """Start it and kill it when it has judged so many times more; False where it ended before."""
        begun, limit = self.judged().total(), time.monotonic() + _GIVE_UP_S
        with self._started() as process:
            while process.poll() is None and self.judged().total() < begun + judgements:
                assert time.monotonic() < limit
                time.sleep(0.002)
            time.sleep(delay_s)
        return process.returncode == -signal.SIGKILL

    def finish(self) -> None:
        """Start it and let it end."""
        with self._started() as process:
            _, said = process.communicate(timeout=_GIVE_UP_S)
        assert process.returncode == 0, said.decode()

    def judged(self) -> Counter[str]:
        """How often each candidate met each task under each seed, as the tasks saw it."""
        return _lines(self.folder / "judged.log")

    def asked(self) -> Counter[str]:
        """How often the agent was asked for each proposal."""
        return _lines(self.folder / "asked.log")

    def settled(self) -> tuple[Counter[str], Counter[str]]:
        """How often everything was judged and asked for so far that the journal knows the result of."""
        if not (self.run / "journal.sqlite").exists():
            return Counter(), Counter()
        trees = TreeStore(self.run.parent / TREES)
        with read_journal(self.run / "journal.sqlite") as journal:
            runs = [parse_json(one.value, where="task")["runs"][0] for one in journal.results("task")]
            units = [parse_json(one.value, where="unit") for one in journal.results("candidates")]
        judged, asked = self.judged(), self.asked()
        met = {f"{one['task']}\t{one['seed']}\t{_text(trees, one['tree'])}" for one in runs}
        proposed = {f"{one['arm']} {one['slot']}" for one in units}
        return Counter({key: judged[key] for key in met}), Counter({key: asked[key] for key in proposed})

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[bytes]]:
        """The run in a process of its own, which is dead afterwards."""
        command = [sys.executable, str(PROGRAM), str(self.folder), str(self.proposals), str(self.workers)]
        with subprocess.Popen(command, cwd=PROGRAM.parent, stderr=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.kill()


def _lines(log: Path) -> Counter[str]:
    # The last line may be half written at this moment.
    return Counter(log.read_text().split("\n")[:-1] if log.exists() else [])


def _text(trees: TreeStore, tree: str) -> str:
    (entry,) = trees.load(TreeId(tree)).entries
    return " ".join(trees.read(entry).decode().split())
