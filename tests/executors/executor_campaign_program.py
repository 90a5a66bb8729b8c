"""A small campaign, run as a program of its own so that it can be stopped and killed.

Arguments: root folder, executor name, workers, units, seconds per unit. Every start of a unit is one line of
`<root>/starts`. The program opens the run if it is there and makes it if not, so running it again resumes.
"""

from __future__ import annotations

import hashlib
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from executor_units import note

from honing.errors import HoningError
from honing.executors import (
    Executor,
    InlineExecutor,
    LocalExecutor,
    MapOptions,
    Observation,
    ThreadsExecutor,
    UnitResult,
    run_map,
)
from honing.store import Run


def score(log: str, pause_s: float, task: dict[str, Any]) -> dict[str, Any]:
    """Deterministic work of a slightly different length per unit."""
    note(log, str(task["id"]))
    drawn = hashlib.sha256(str(task["id"]).encode()).digest()
    time.sleep(pause_s * (0.5 + drawn[0] / 255))
    return {"id": task["id"], "reward": drawn[1] % 2, "text": f"answer\t{drawn[2]}", "tokens": drawn[3]}


def observe(result: dict[str, Any]) -> Observation:
    return Observation(value=float(result["reward"]), tokens=result["tokens"], cost_usd=0.001)


def executor_of(name: str, workers: int) -> Executor:
    executors = {"inline": InlineExecutor, "threads": ThreadsExecutor, "local": LocalExecutor}
    return executors[name]() if name == "inline" else executors[name](workers)


def write_artifacts(run: Run, results: list[UnitResult]) -> None:
    rows = [result.result for result in results]
    with run.journal() as journal:
        spent = journal.totals()
    run.write_jsonl("samples.jsonl", rows)
    run.write_tsv("samples.tsv", ["id", "reward", "text"], rows)
    total = sum(row["reward"] for row in rows)
    run.write_json(
        "metrics.json", {"score": total / len(rows), "done": spent.done, "run_id": run.id, "ts": time.time()}
    )


def main() -> int:
    root, name, workers, units, pause_s = sys.argv[1:]
    folder = Path(root) / "runs" / "campaign"
    if folder.exists():
        run = Run.open(folder)
    else:
        run = Run.create(
            folder.parent,
            kind="campaign",
            config={"units": int(units)},
            command=sys.argv,
            seed=1,
            name="campaign",
        )
    fn = partial(score, str(Path(root) / "starts"), float(pause_s))
    try:
        with run.supervise():
            results = run_map(
                run,
                "score",
                fn,
                [{"id": n} for n in range(int(units))],
                executor=executor_of(name, int(workers)),
                options=MapOptions(observe=observe),
            )
            write_artifacts(run, results)
    except KeyboardInterrupt as error:
        print(error)  # noqa: T201 - the program's result
        return 130
    except HoningError as error:
        print(error)  # noqa: T201 - the program's result
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
