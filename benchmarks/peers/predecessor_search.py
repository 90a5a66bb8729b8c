"""The benchmark's search in the predecessor: predecessor_search.py cost|side|kill FOLDER COUNT WORKERS.

Runs in an environment that has it, and uses it as a black box: its exported function with its fake back end
and an evaluator and a validator of our own. Prints one JSON line.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grading
import metaharness


@dataclass
class Judge:
    """The shared grader."""

    log: Path
    pause_s: float

    def evaluate(self, workspace: Path) -> Any:
        text = (Path(workspace) / grading.FILE).read_text()
        return metaharness.EvaluationResult(objective=grading.graded(text, self.log, self.pause_s))

    def validate(self, workspace: Path) -> Any:
        return metaharness.ValidationResult(ok=True, summary="")


def longer(request: Any) -> dict[str, Any]:
    file = Path(request.workspace_dir) / grading.FILE
    number = int("".join(each for each in str(request.candidate_id) if each.isdigit()))
    file.write_text(grading.longer(file.read_text(), number))
    return {"applied": True, "summary": "longer", "changed_files": [grading.FILE]}


def search(mode: str, folder: Path, count: int) -> float:
    judge = Judge(folder / "log", grading.PAUSE_S[mode])
    # Its setting with the most at once: all proposals of one iteration from the same parent.
    batch: dict[str, Any] = {"search_mode": "frontier", "proposal_batch_size": count}
    baseline = grading.baseline_in(folder)
    result = metaharness.optimize_harness(
        baseline=baseline,
        proposer=metaharness.FakeBackend(longer),
        evaluator=judge,
        validator=judge,
        run_dir=folder / "runs" / "r",
        budget=1 if mode == "side" else count,
        objective="be long",
        **(batch if mode == "side" else {}),
    )
    return float(result.best_objective)


def main(mode: str, folder: Path, count: int) -> None:
    grading.warm(lambda scratch: search("cost", scratch, 2))
    grading.measured(lambda own: search(mode, own, count), folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
