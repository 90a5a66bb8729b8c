"""The predecessor's two example projects, in its own file format, reach 1.0 at every budget under load.

    python benchmarks/harness_predecessor.py [--busy 4] [--budgets 1,3,20]

`hone harness example --legacy` writes metaharness.json and tasks.json, `hone harness run` opens them as they
are: python_fixture with 9 tasks of weight 10, python_cli with 11 of weight 11, both with a `.venv` that their
bootstrap script really makes. Scripted agent; the control arm is on, as by default. Prints a table; exits
with 1 where a score differs from what it should be.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BASELINES = {"python_fixture": 0.5 / 10, "python_cli": 0.5 / 11}
HEAD = ("project", "budget", "baseline", "best", "outcomes", "task runs", "seconds", "load")


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but use the processor."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def hone(folder: Path, *words: str) -> Any:
    """What a command prints as JSON.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", "honing", "harness", *words, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def improved(name: str, budget: int) -> tuple[list[str], bool]:
    """Write the project, run it, read its summary: a row of the table, and whether the scores are right."""
    with tempfile.TemporaryDirectory(prefix="harness-predecessor-") as scratch:
        folder = Path(scratch)
        hone(folder, "example", name, name, "--legacy")
        files = sorted(file.name for file in (folder / name).glob("*.json"))
        if files != ["metaharness.json", "tasks.json"]:
            raise RuntimeError(f"{name}: {files} is not the predecessor's form")
        began = time.monotonic()
        hone(folder, "run", name, "--agent", "scripted", "--budget", str(budget), "--run-name", "r")
        seconds = time.monotonic() - began
        (row,) = hone(folder, "summarize", str(folder / name / "runs" / "r"))
    baseline, best = row["baseline_objective"], row["best_objective"]
    outcomes = ("keep", "no_change", "discard", "crash", "timeout", "infra_error")
    counts = {one: row[f"{one}_candidate_count"] for one in outcomes}
    said = ", ".join(f"{count} {one}" for one, count in counts.items() if count)
    figures = [f"{baseline:.4f}", f"{best:.4f}", said, str(row["task_runs"]), f"{seconds:.1f}"]
    right = math.isclose(baseline, BASELINES[name], abs_tol=1e-9) and best == 1.0
    return [name, str(budget), *figures, f"{os.getloadavg()[0]:.1f}"], right


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--busy", type=int, default=4)
    parser.add_argument("--budgets", default="1,3,20")
    asked = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    wrong = []
    with busy(asked.busy):
        for name in BASELINES:
            for budget in map(int, asked.budgets.split(",")):
                row, right = improved(name, budget)
                print("| " + " | ".join(row) + " |", flush=True)
                if not right:
                    wrong.append(f"{name} at budget {budget}: {row[2]} -> {row[3]}")
    if wrong:
        sys.exit(f"should be {BASELINES} -> 1.0: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
