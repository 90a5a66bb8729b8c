"""Many targets, several models: each target a run of its own, one summary over all of them.

A target that fails never ends the others. A suite that was interrupted, or in which something failed, goes on
when the same is asked again: what is finished is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract.asking.answerers import Tape
from honing.contract.options import RolloutOptions, SetupOptions
from honing.contract.overlay import with_contract
from honing.contract.repair.base import RepairOptions
from honing.contract.results.outputs import find_unfinished, intent_of, options_config
from honing.contract.results.suite_page import suite_page
from honing.contract.results.unmeasured import unmeasured
from honing.contract.session import EvaluationResult, RolloutResult, Session, setup
from honing.contract.target import resolve
from honing.errors import HoningError, StoppedError, UsageError
from honing.executors import Progress, SilentProgress
from honing.store import REPORT_FILE, TREES, Run, RunStatus, TreeStore, make_home

SUITE = "suite"
TARGETS = "targets.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of every target."""

    models: Sequence[str]
    """Names; empty where `samples` is given."""
    setup: SetupOptions
    rollout: RolloutOptions
    samples: Path | None = None
    """Answers that exist already, instead of a model."""
    tape: Tape = field(default_factory=Tape)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    fresh: bool = False
    """Begin anew even where the same work is unfinished."""
    command: Sequence[str] = ()
    """The command line that repeats this."""
    repair: RepairOptions | None = None
    """Who may write or mend contracts."""

    @property
    def answerers(self) -> list[str | Path]:
        return [self.samples] if self.samples is not None else list(self.models)

    def intent(self) -> dict[str, Any]:
        """What decides the results beside the targets.

        Raises:
            UsageError: A file cannot be read.
            ModelAuthenticationError: A model's provider needs a key that is not set.
        """
        replay = self.tape.replay
        names = [f"samples:{self.samples.name}"] if self.samples is not None else list(self.models)
        found = [
            intent_of(name, self.rollout, samples=self.samples, replay=replay, models=self.endpoints)
            for name in names
        ]
        return found[0] if len(found) == 1 else {"models": found}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What one model came to on one target."""

    model: str
    rollout_ok: bool
    evaluation_ok: bool
    metrics: Mapping[str, Any]
    """ok, score, ci95, level, label, n_planned, n_scored and further figures of metrics.json."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What one target came to."""

    target: str
    ok: bool
    rollout_ok: bool
    evaluation_ok: bool
    metrics: Mapping[str, Any]
    """Of the first model; the others are in `models`."""
    used_anchors: Sequence[str]
    """Where the target's own files name what was run."""
    reason: str
    """Why it is not ok; empty where it is."""
    run: str
    """Folder of its run; empty where none was made."""
    models: Sequence[ModelSummary] = ()
    content: str = ""
    """Hash of what was measured."""

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


_SHOWN = (
    "ok", "score", "ci95", "level", "label", "metric", "n_planned", "n_scored", "coverage", "counts",
    "outcomes", "calibration", "judged_by", "tokens", "cost_usd", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told how a suite goes."""

    progress: Callable[[], Progress] = SilentProgress
    """Makes the progress of one target."""
    begun: Callable[[str], None] = lambda _: None
    """Called with a target before it is measured."""
    ended: Callable[[TargetSummary, Session | None], None] = lambda _, __: None
    """Called with its summary; the session still holds its run."""


def ask_all(session: Session, asked: Asked) -> list[tuple[RolloutResult, EvaluationResult]]:
    """Roll out and evaluate every model on a target that is set up."""
    ended = []
    session.models = asked.endpoints
    for llm in asked.answerers:
        rolled = session.rollout(llm, asked.rollout, tape=asked.tape)
        ended.append((rolled, session.evaluate()))
    return ended


def measure_targets(
    targets: Sequence[str],
    asked: Asked,
    watcher: Watcher | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> tuple[list[TargetSummary], Path]:
    """Measure every target, one after the other.

    Args:
        targets: Folders, addresses or names, in the order in which they are measured.
        asked: What is asked of each.
        watcher: Is told how it goes.
        clock: Unix time in seconds.

    Returns:
        One summary per target, in order, and the folder of the suite's own run, which holds targets.json.

    Raises:
        UsageError: The request itself is wrong, whatever the target.
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    watcher = watcher or Watcher()
    make_home(asked.setup.home)
    suite = _opened(_config(targets, asked), asked, clock)
    with suite.supervise():
        kept = _kept(suite, asked)
        summaries: list[TargetSummary] = []
        for target in targets:
            summary = kept.get(target)
            if summary is None:
                watcher.begun(target)
                summary = _measured(target, asked, watcher)
            else:
                watcher.ended(summary, None)
            summaries.append(summary)
            later = [kept[other] for other in targets[len(summaries) :] if other in kept]
            _write(suite, [*summaries, *later])
    if not all(summary.ok for summary in summaries):
        failed = sum(not summary.ok for summary in summaries)
        suite.set_status(RunStatus.FAILED, f"{failed} of {len(summaries)} targets are not ok")
    return summaries, suite.path


def _opened(config: Mapping[str, Any], asked: Asked, clock: Callable[[], float]) -> Run:
    """The suite's own run: one that is unfinished, or a new one."""
    home, seed = asked.setup.home, asked.setup.seed
    found = None if asked.fresh else find_unfinished(home, SUITE, config)
    return found or Run.create(
        home, kind=SUITE, config=dict(config), command=asked.command, seed=seed, clock=clock
    )


def _config(targets: Sequence[str], asked: Asked) -> dict[str, Any]:
    """What makes two suites the same work."""
    if len(set(targets)) < len(targets):
        raise UsageError("a target is named twice; give each once.")
    contract, laid_over = asked.setup.contract, None
    if contract is not None and contract.is_dir():
        laid_over = TreeStore(asked.setup.home / TREES).snapshot(contract, ignore=("__pycache__",))
    return {
        "target": "",
        "targets": list(targets),
        "options": options_config(asked.setup if laid_over is None else replace(asked.setup, contract=None)),
        "laid_over": laid_over,
        "intent": asked.intent(),
        "repair": None if asked.repair is None else asked.repair.identity,
    }


def _write(suite: Run, summaries: Sequence[TargetSummary]) -> None:
    document: dict[str, Any] = {
        "ok": all(one.ok for one in summaries),
        "targets": [one.as_document() for one in summaries],
    }
    suite.write_json(TARGETS, document)
    suite_page(document["targets"]).write(suite.artifact(REPORT_FILE))


def _kept(suite: Run, asked: Asked) -> dict[str, TargetSummary]:
    """Targets that an earlier session finished, unless their folder has changed since."""
    if not (suite.path / TARGETS).is_file():
        return {}
    kept = {}
    for entry in suite.read_json(TARGETS)["targets"]:
        models = tuple(ModelSummary(**model) for model in entry.pop("models"))
        summary = TargetSummary(**entry, models=models)
        if summary.ok and Path(summary.run).is_dir() and _unchanged(summary, asked):
            kept[summary.target] = summary
    return kept


def _unchanged(summary: TargetSummary, asked: Asked) -> bool:
    folder = Path(summary.target)
    if not folder.is_dir():
        return True
    home = asked.setup.home
    trees = TreeStore(home / TREES)
    now, _ = with_contract(resolve(folder, trees, leave_out=home), asked.setup, trees)
    return now.tree == summary.content


def _measured(target: str, asked: Asked, watcher: Watcher) -> TargetSummary:
    """One target; whatever goes wrong with it is its summary."""
    session: Session | None = None
    try:
        with setup(
            target,
            asked.setup,
            intent=asked.intent(),
            fresh=asked.fresh,
            command=asked.command,
            repair=asked.repair,
        ) as session:
            session.progress = watcher.progress()
            summary = summary_of(target, session, asked.answerers, ask_all(session, asked))
            watcher.ended(summary, session)
            return summary
    except StoppedError:
        raise
    except HoningError as error:
        summary = _failed(target, session, error)
        watcher.ended(summary, None)
        return summary


def summary_of(
    target: str,
    session: Session,
    answerers: Sequence[str | Path],
    ended: Sequence[tuple[RolloutResult, EvaluationResult]],
) -> TargetSummary:
    """The summary of a target that was measured to the end."""
    models = [
        ModelSummary(
            model=str(evaluated.metrics["model"]),
            rollout_ok=rolled.ok,
            evaluation_ok=rolled.ok and evaluated.ok,
            metrics={name: evaluated.metrics[name] for name in _SHOWN if name in evaluated.metrics},
            reason=evaluated.reason,
        )
        for _, (rolled, evaluated) in zip(answerers, ended, strict=True)
    ]
    return TargetSummary(
        target=target,
        ok=all(model.evaluation_ok for model in models),
        rollout_ok=all(model.rollout_ok for model in models),
        evaluation_ok=all(model.evaluation_ok for model in models),
        metrics=models[0].metrics,
        used_anchors=_anchors(session.run),
        reason=next((model.reason for model in models if not model.evaluation_ok), ""),
        run=str(session.run.path),
        models=tuple(models),
        content=session.target.tree,
    )


def _failed(target: str, session: Session | None, error: HoningError) -> TargetSummary:
    run = Run.open(Path(error.run_folder)) if error.run_folder else None
    document = unmeasured(error, run, target=target)
    return TargetSummary(
        target=target,
        ok=False,
        rollout_ok=False,
        evaluation_ok=False,
        metrics=document,
        used_anchors=_anchors(run) if run is not None else (),
        reason=f"{type(error).__name__.removesuffix('Error')}: {document['reason']}",
        run=error.run_folder,
        content=session.target.tree if session is not None else "",
    )


def _anchors(run: Run) -> list[str]:
    if not (run.path / "hints_used.json").is_file():
        return []
    return sorted({str(one["anchor"]) for one in run.read_json("hints_used.json")["used_anchors"]})
