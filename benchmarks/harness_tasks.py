"""What judging adds to what is judged: one evaluation of each kind beside the bare work, in one run.

Run with `python benchmarks/harness_tasks.py [rounds]`. The rounds are interleaved; ratios are of medians.
Every evaluation is of another candidate, so nothing comes from memory.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from honing.harness.evaluate import Evaluator
from honing.harness.place import Places
from honing.harness.tasks.base import Task
from honing.harness.tasks.callable import CallableTask, read
from honing.harness.tasks.command import CommandTask
from honing.harness.tasks.file_phrase import FilePhraseTask
from honing.harness.tasks.hidden_tests import HiddenTestsSpec, hidden_tests_task
from honing.harness.tasks.python_task import PythonSpec, python_task
from honing.sandbox import Command, Mount, Sandbox, choose
from honing.store import TreeId, TreeStore

IN_PROCESS_MS = 5.0
BEYOND_SANDBOX_MS = 25.0
FILES = 10


def score(folder: Path) -> float:
    return float(read(folder, "file0") is not None)


def candidates(folder: Path, trees: TreeStore, count: int) -> list[TreeId]:
    found = []
    for number in range(count):
        harness = folder / f"h{number}"
        harness.mkdir()
        for name in range(FILES):
            (harness / f"file{name}").write_text(f"{name} {number}\n" * 50)
        (harness / "app.py").write_text("def one():\n    return 1\n")
        found.append(trees.snapshot(harness))
    return found


def tasks(project: Path) -> dict[str, Task]:
    (project / "test_x.py").write_text("import app\ndef test_one():\n    assert app.one() == 1\n")
    (project / "grade.py").write_text("def score(folder):\n    return 1.0\n")
    hidden = HiddenTestsSpec(type="hidden_tests", id="t", tests="test_x.py")
    grader = PythonSpec(type="python", id="g", grader="grade.py:score")
    return {
        "a callable in this process": CallableTask(id="c", call=score, words={"name": "score"}),
        "a phrase in a file": FilePhraseTask(id="p", path="file0", required=("0",)),
        "a command in the sandbox": CommandTask(id="x", command="true"),
        "a grader in a process of its own": python_task(grader, project),
        "one hidden test": hidden_tests_task(hidden, project),
    }


def bare(sandbox: Sandbox, folder: Path) -> Callable[[], None]:
    command = Command(
        argv=["bash", "-c", "true"],
        workdir=Path("/workspace"),
        mounts=[Mount(folder, Path("/workspace"), writable=True)],
        env={"PATH": "/usr/bin:/bin"},
    )

    def way() -> None:
        assert sandbox.run(command).ok

    return way


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "project").mkdir()
        (folder / "bare").mkdir()
        trees = TreeStore(folder / "trees")
        places = Places(trees=trees, sandbox=choose(), scratch=folder / "scratch")
        trees_of = candidates(folder, trees, rounds)
        evaluator, kinds, plain = (
            Evaluator(places=places),
            tasks(folder / "project"),
            bare(places.sandbox, folder / "bare"),
        )
        plain()
        taken: dict[str, list[float]] = {kind: [] for kind in ("the bare sandbox", *kinds)}
        for tree in trees_of:
            began = time.perf_counter()
            plain()
            taken["the bare sandbox"].append(time.perf_counter() - began)
            for kind, task in kinds.items():
                began = time.perf_counter()
                assert evaluator.evaluate(tree, [task]).score == 1.0
                taken[kind].append(time.perf_counter() - began)
    return report(taken)


def report(taken: dict[str, list[float]]) -> int:
    """Print the figures; 1 where a stated target is missed."""
    medians = {kind: 1000 * statistics.median(found) for kind, found in taken.items()}
    sandboxed = medians["the bare sandbox"]
    for kind, median in medians.items():
        print(f"{kind:<34} {median:8.1f} ms   {median / sandboxed:6.2f} x the bare sandbox")
    # The least of all rounds: what others do to this machine meanwhile can only add to it.
    least = {kind: 1000 * min(found) for kind, found in taken.items()}
    beyond = least["a command in the sandbox"] - least["the bare sandbox"]
    figures = {
        "a callable in this process": (least["a callable in this process"], IN_PROCESS_MS),
        "a command, beyond the sandbox": (beyond, BEYOND_SANDBOX_MS),
    }
    for kind, (found, limit) in figures.items():
        print(f"{kind:<34} {found:8.1f} ms at least; target {limit} ms")
    missed = [kind for kind, (found, limit) in figures.items() if found > limit]
    print(f"missed: {', '.join(missed)}" if missed else "both targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
