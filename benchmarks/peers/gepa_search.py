"""The benchmark's search in GEPA: gepa_search.py cost|side|across|kill FOLDER COUNT WORKERS [memory].

Runs in an environment that has GEPA, and uses its documented interface: `optimize` with an adapter of our own
and a custom proposer for what a candidate costs and for kills, `optimize_anything` with its thread pool and
parallel proposals for what runs side by side. Prints one JSON line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gepa
import grading
from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything
from gepa.strategies.proposal_sampling import SameParentSampling
from gepa.strategies.proposal_selection import AllImprovements


class Quiet:
    def log(self, message: str) -> None:
        """Say nothing."""


class Proposer:
    """Makes the file longer, and counts how often."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        self.asked += 1
        return {grading.FILE: grading.longer(candidate[grading.FILE], self.asked)}


class Adapter:
    """The shared grader."""

    propose_new_texts = None

    def __init__(self, log: Path, pause_s: float) -> None:
        self.log = log
        self.pause_s = pause_s

    def evaluate(self, batch: list[int], candidate: dict[str, str], capture_traces: bool = False) -> Any:  # noqa: FBT001, FBT002
        scores = [grading.graded(candidate[grading.FILE], self.log, self.pause_s) for _ in batch]
        traces = [{} for _ in batch] if capture_traces else None
        return gepa.EvaluationBatch(outputs=scores, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        return {name: [{"score": score} for score in eval_batch.scores] for name in components_to_update}


def one_by_one(mode: str, folder: Path, count: int, *, kept: bool) -> float:
    result = gepa.optimize(
        seed_candidate={grading.FILE: "x"},
        trainset=[0],
        adapter=Adapter(folder / "log", grading.PAUSE_S[mode]),
        custom_candidate_proposer=Proposer(),
        candidate_selection_strategy="current_best",
        reflection_minibatch_size=1,
        run_dir=str(folder / "runs") if kept else None,
        logger=Quiet(),
        # Every proposal is accepted, and a restart knows the candidates that its state holds.
        stop_callbacks=lambda state: len(state.program_candidates) > count,
    )
    return grading.score(result.best_candidate[grading.FILE])


def side_by_side(mode: str, folder: Path, count: int, workers: int) -> float:
    """`side`: so many proposals of one example at once. `across`: one proposal judged on so many examples."""
    proposer = Proposer()
    across = mode == "across"

    def evaluator(candidate: dict[str, str], example: int) -> float:
        return grading.graded(candidate[grading.FILE], folder / "log", grading.PAUSE_S[mode])

    engine = EngineConfig(
        run_dir=str(folder / "runs"),
        parallel=workers > 1,
        max_workers=workers,
        candidate_selection_strategy="current_best",
        sampling_strategy=None if across else SameParentSampling(count),
        selection_strategy=None if across else AllImprovements(),
    )
    reflection = ReflectionConfig(
        custom_candidate_proposer=proposer,
        reflection_lm=None,
        reflection_minibatch_size=count if across else 1,
    )
    config = GEPAConfig(
        engine=engine,
        reflection=reflection,
        stop_callbacks=lambda state: proposer.asked >= (1 if across else count),
    )
    result = optimize_anything(
        seed_candidate={grading.FILE: "x"},
        evaluator=evaluator,
        dataset=list(range(count)) if across else [0],
        config=config,
    )
    return grading.score(result.best_candidate[grading.FILE])


def search(mode: str, folder: Path, count: int, workers: int, *, kept: bool) -> float:
    if mode in ("cost", "kill"):
        return one_by_one(mode, folder, count, kept=kept)
    return side_by_side(mode, folder, count, workers)


def main(mode: str, folder: Path, count: int, workers: int, *, kept: bool) -> None:
    grading.warm(lambda scratch: search("cost", scratch, 2, 1, kept=kept))
    grading.measured(lambda own: search(mode, own, count, workers, kept=kept), folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), kept="memory" not in sys.argv)
