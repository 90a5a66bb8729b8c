"""Scoring stored samples again, without any model call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from honing.contract.data.scoring import asks_model, needs_sandbox
from honing.contract.derive import contract_for
from honing.contract.grading.evaluate import Unit, in_place, judge_samples, summarise
from honing.contract.results.outputs import CONTRACT, SAMPLES
from honing.contract.samples.sample import Sample, SampleStatus, sample_from_row
from honing.contract.spec_file import load_contract
from honing.contract.stages.copies import fresh_copy, remove_copies
from honing.errors import UsageError
from honing.sandbox import choose
from honing.store import TREES, Run, TreeId, TreeStore, parse_json

_JUDGES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverified:
    """Stored rewards beside those of the scorer as it is now."""

    run: str
    n: int
    stored: float | None
    """Mean of the stored rewards, in the metric's unit."""
    score: float | None
    """The same samples, judged again."""
    ci95: tuple[float, float] | None
    changed: tuple[dict[str, Any], ...]
    """Samples whose reward differs: id, epoch, stored, now, why."""

    @property
    def ok(self) -> bool:
        """Whether every stored reward stands."""
        return not self.changed

    def as_document(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "ok": self.ok,
            "run": self.run,
            "n": self.n,
            "stored": self.stored,
            "score": self.score,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "changed": list(self.changed),
        }


def reverify(run: Run, *, sandbox: str = "auto") -> Reverified:
    """Judge a run's stored samples again, from the target as it was stored. The run itself is not changed.

    Raises:
        UsageError: The run has no samples, or its target is judged by its own commands.
    """
    path = run.path / SAMPLES
    if not path.is_file():
        raise UsageError(
            f"{run.path} holds no {SAMPLES}: its rollout did not end. Run the same command again first."
        )
    stored = [sample_from_row(row) for row in _rows(run)]
    trees = TreeStore(run.path.parent / TREES)
    folder = fresh_copy(run, trees, TreeId(run.config["tree"]), "reverify")
    try:
        override = run.path / CONTRACT
        derived = contract_for(folder, override=override)
        if derived.task is None or derived.spec.stages.target_judges:
            raise UsageError(
                f"{run.path}: the target is judged by its own commands; measure it again instead."
            )
        if asks_model(derived.task.scorer):
            raise UsageError(
                f"{run.path}: a model judged these samples, and asking it again is a new measurement: run "
                "the same command again instead."
            )
        costly = needs_sandbox(derived.task.scorer)
        scorer = derived.task.make_scorer(choose(sandbox) if costly else None)
        rows = {row.id: row for row in derived.task.rows()}
        blank = [_unjudged(sample) for sample in stored]
        judged = judge_samples(rows, scorer, blank, _threaded if costly else in_place)
    finally:
        remove_copies(run)
    metric = load_contract(override).metric
    before = summarise(stored, metric, len(stored))
    now = summarise(judged, metric, len(stored))
    ci95 = (now.interval.low, now.interval.high) if now.interval is not None else None
    return Reverified(
        run=run.path.name,
        n=now.n_scored,
        stored=before.score,
        score=now.score,
        ci95=ci95,
        changed=tuple(_differences(stored, judged)),
    )


def _threaded(work: Callable[[Unit], Unit], units: list[Unit]) -> list[Unit]:
    with ThreadPoolExecutor(max_workers=_JUDGES) as pool:
        return list(pool.map(work, units))


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    for number, line in enumerate((run.path / SAMPLES).read_bytes().splitlines(), 1):
        yield parse_json(line, where=f"{SAMPLES}:{number}")


def _unjudged(sample: Sample) -> Sample:
    """The sample as its rollout left it."""
    asked = sample.status in (SampleStatus.COMPLETED, SampleStatus.INVALID)
    return replace(sample, reward=None, scores={}, status=SampleStatus.COMPLETED if asked else sample.status)


def _differences(stored: list[Sample], judged: list[Sample]) -> Iterator[dict[str, Any]]:
    for before, now in zip(stored, judged, strict=True):
        if before.reward != now.reward:
            yield {
                "id": before.id,
                "epoch": before.epoch,
                "stored": before.reward,
                "now": now.reward,
                "why": now.why,
            }
