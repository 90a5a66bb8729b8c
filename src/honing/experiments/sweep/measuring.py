"""One target measured with one model: its score, what each row came to, and the files that show it."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.contract import Mode, RolloutOptions, Session, unmeasured
from honing.errors import HoningError, StoppedError
from honing.experiments.shares import share_of
from honing.experiments.sweep.answering import StageModel
from honing.experiments.sweep.fixed import FixedSample
from honing.experiments.sweep.sessions import OpenTargets
from honing.learn import prompt_digest
from honing.llm import Sampling
from honing.store import Run, parse_json

OUTCOME = "outcome.json"
"""Written last: a folder with one is whole."""
SHOWN = (
    "ok", "score", "ci95", "level", "label", "metric", "n_planned", "n_scored", "population", "coverage",
    "counts", "outcomes", "tokens", "cost_usd", "reason",
)  # fmt: skip
"""Keys of metrics.json that a summary repeats."""
_COPIED = (
    "metrics.json", "rollout.json", "samples.jsonl", "hints_used.json", "contract.yaml", "target.json",
    "calibration.json", "runtime_env.json", "contract_gap.json",
)  # fmt: skip


class Rows(StrEnum):
    """Which rows are asked."""

    SMOKE = "smoke"
    """The fixed sample."""
    FULL = "full"
    """Every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one target came to with one model."""

    target: str
    model: str
    """The name it was asked under, with a hash of its weights."""
    rollout_ok: bool
    evaluation_ok: bool
    metrics: Mapping[str, Any]
    """ok, score, ci95, level and further figures of metrics.json."""
    used_anchors: Sequence[str] = ()
    """Where the target's own files name what was run."""
    reason: str = ""
    """Why it is not ok; empty where it is."""
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What each task came to, as a share of the metric's range, higher is better. Empty where the target
    judges its samples as a whole."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Hash of each task's prompt."""
    content: str = ""
    """Hash of the target's files."""
    run: str = ""
    """Folder of the measurement, relative to the sweep's run."""

    @property
    def ok(self) -> bool:
        return self.rollout_ok and self.evaluation_ok

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def measure(
    run: Run,
    targets: OpenTargets,
    model: StageModel,
    sample: FixedSample,
    folder: Path,
    *,
    asking: RolloutOptions,
    trained: Collection[str] = (),
) -> Outcome:
    """Measure a target, unless that is done; whatever goes wrong with it is its outcome.

    Args:
        run: The sweep's.
        targets: Keeps targets set up.
        model: Who is asked.
        sample: Which rows, where `asking` does not ask for all of them.
        folder: Below the run; gets the measurement's files.
        asking: How; its mode says whether every row is asked.
        trained: Hashes of prompts that were trained on. None of them may be in the fixed sample.

    Raises:
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    found = read_outcome(run, folder)
    if found is not None and found.ok and found.model.startswith(model.name):
        return found
    session: Session | None = None
    try:
        with targets.session(sample.target) as session:
            outcome = _measured(run, session, model, sample, asking)
    except StoppedError:
        raise
    except HoningError as error:
        outcome = _failed(run, session, model, sample, error)
    if asking.mode is Mode.SMOKE:
        outcome = _kept_apart(outcome, trained)
    _publish(run, outcome, folder)
    return outcome


def read_outcome(run: Run, folder: Path) -> Outcome | None:
    """What a measurement came to; None where it has not ended."""
    if not (run.path / folder / OUTCOME).is_file():
        return None
    return Outcome(**run.read_json(folder / OUTCOME))


def options_for(asking: RolloutOptions, sample: FixedSample, session: Session) -> RolloutOptions:
    """How a target is asked for its fixed sample, or for everything."""
    own = session.contract.stages.target_asks
    # A target's own commands do not see how its model is to be sampled.
    asking = replace(asking, sampling=Sampling()) if own else asking
    if asking.mode is Mode.FULL:
        return asking
    if own or not sample.ids:
        return replace(asking, limit=sample.limit)
    return replace(asking, ids=sample.ids)


def _measured(
    run: Run, session: Session, model: StageModel, sample: FixedSample, asking: RolloutOptions
) -> Outcome:
    named = model.asked_as("full" if asking.mode is Mode.FULL else "")
    rolled = session.rollout(named, options_for(asking, sample, session))
    evaluated = session.evaluate()
    rows = samples_of(session)
    return Outcome(
        target=sample.target,
        model=named.name,
        rollout_ok=rolled.ok,
        evaluation_ok=rolled.ok and evaluated.ok,
        metrics={name: evaluated.metrics[name] for name in SHOWN if name in evaluated.metrics},
        used_anchors=_anchors(session.run),
        reason=evaluated.reason,
        scores=scores_of(session, rows),
        prompts={_task(session, row): prompt_digest(str(row["prompt"])) for row in rows},
        content=session.target.tree,
        run=str(session.run.path.relative_to(run.path)),
    )


def samples_of(session: Session) -> list[dict[str, Any]]:
    """The rows of samples.jsonl of what was measured last."""
    path = session.run.path / "samples.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [parse_json(line, where=str(path)) for line in lines]


def scores_of(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Each judged task's rewards in the order of repeats, as shares of the metric's range, higher is better;
    tasks with a sample that was not judged are left out."""
    found: dict[str, list[float]] = {}
    lacking = {_task(session, row) for row in rows if row["reward"] is None}
    for row in sorted(rows, key=lambda row: int(row["epoch"])):
        if (task := _task(session, row)) not in lacking:
            found.setdefault(task, []).append(share_of(session.contract, float(row["reward"])))
    return found


def _task(session: Session, row: Mapping[str, Any]) -> str:
    """What a sample is paired by: a row's id, or what it asks where a target numbers its own calls."""
    own = session.contract.stages.target_asks
    return prompt_digest(str(row["prompt"])) if own else str(row["id"])


def _failed(
    run: Run, session: Session | None, model: StageModel, sample: FixedSample, error: HoningError
) -> Outcome:
    measured = Run.open(Path(error.run_folder)) if error.run_folder else None
    document = unmeasured(error, measured, target=sample.target)
    return Outcome(
        target=sample.target,
        model=model.name,
        rollout_ok=False,
        evaluation_ok=False,
        metrics={name: document[name] for name in SHOWN if name in document},
        used_anchors=() if measured is None else _anchors(measured),
        reason=f"{type(error).__name__.removesuffix('Error')}: {document['reason']}",
        content="" if session is None else session.target.tree,
        run="" if measured is None else str(measured.path.relative_to(run.path)),
    )


def _kept_apart(outcome: Outcome, trained: Collection[str]) -> Outcome:
    """The outcome, not ok where a prompt of it was trained on: a score on it would prove nothing."""
    leaked = sum(digest in trained for digest in outcome.prompts.values())
    if not leaked:
        return outcome
    reason = f"Leakage: {leaked} of {len(outcome.prompts)} measured prompts were trained on"
    metrics = {**outcome.metrics, "ok": False, "score": None, "ci95": None, "reason": reason}
    return replace(outcome, evaluation_ok=False, reason=reason, scores={}, metrics=metrics)


def _anchors(run: Run) -> list[str]:
    if not (run.path / "hints_used.json").is_file():
        return []
    return sorted({str(one["anchor"]) for one in run.read_json("hints_used.json")["used_anchors"]})


def _publish(run: Run, outcome: Outcome, folder: Path) -> None:
    """Copy what the measurement left, then write what it came to."""
    shutil.rmtree(run.path / folder, ignore_errors=True)
    if outcome.run:
        measured = run.path / outcome.run
        for name in _COPIED:
            if (measured / name).is_file():
                run.write_bytes(folder / name, (measured / name).read_bytes())
    run.write_json(folder / OUTCOME, outcome.as_document())
