"""The loop of a sweep: measure, then for each segment collect, train, measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.contract import Mode
from honing.errors import HoningError, LeakageError, MissingToolError, StoppedError
from honing.experiments.sweep.answering import StageModel
from honing.experiments.sweep.base_model import BaseModel, base_model
from honing.experiments.sweep.collecting import Collector, rows_of_files
from honing.experiments.sweep.fixed import KnownTarget, fix_samples, fixed_prompts
from honing.experiments.sweep.measuring import Rows, measure
from honing.experiments.sweep.opening import opened
from honing.experiments.sweep.report import report_of
from honing.experiments.sweep.segments import train_segment
from honing.experiments.sweep.sessions import OpenTargets
from honing.experiments.sweep.spec import SweepOptions, SweepSpec
from honing.experiments.sweep.stages import Stage, score_of_others
from honing.experiments.sweep.summary import SUMMARY, Summary
from honing.store import REPORT_FILE, Run, RunStatus, make_home

MEASUREMENTS = "measurements"
"""Folder of the measurements' own runs, one for each target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep came to."""

    ok: bool
    """Whether every segment was trained and every target of every stage is ok."""
    run: Path
    """Folder of its run."""
    summary: Mapping[str, Any]
    """The content of train_and_benchmark_summary.json."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {**self.summary, "run": str(self.run)}


def run_sweep(spec: SweepSpec, options: SweepOptions) -> SweepResult:
    """Train segment by segment, and measure every target on the same rows before the first and after each.

    The same call goes on where an earlier one was stopped or killed, and tries again what failed; nothing
    that is finished is redone. A target that fails does not end the sweep; a training that fails does, since
    later segments would go on from it.

    Args:
        spec: What.
        options: Where.

    Raises:
        UsageError: The request cannot be met, whatever the targets.
        MissingToolError: The extra `teach` is not installed.
        LeakageError: The user's rows are the ones that are measured.
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    make_home(options.home)
    base = base_model(spec.base_model, options.cache, seed=spec.seed, told=options.told)
    run = opened(spec, options, base)
    if run.status is RunStatus.DONE:
        return _result(run)
    with run.supervise():
        run.telling.line(f"sweep of {base.name}: {spec.segments} segments, {len(spec.targets)} targets")
        home = options.setting_up(run.path / MEASUREMENTS, spec.seed)
        known = fix_samples(run, spec, options, home)
        rows_of_files(spec, fixed_prompts(known))
        with OpenTargets(run, options, home, spec.asking()) as targets:
            _Sweep(run, spec, options, base, known, targets).go()
    result = _result(run)
    if not result.ok:
        run.set_status(RunStatus.FAILED, "not every segment and target is ok")
    return result


def _result(run: Run) -> SweepResult:
    summary = run.read_json(SUMMARY)
    return SweepResult(ok=bool(summary["ok"]), run=run.path, summary=summary)


class _Sweep:
    """A sweep under way."""

    def __init__(
        self,
        run: Run,
        spec: SweepSpec,
        options: SweepOptions,
        base: BaseModel,
        known: list[KnownTarget],
        targets: OpenTargets,
    ) -> None:
        self._run = run
        self._spec = spec
        self._options = options
        self._base = base
        self._known = known
        self._targets = targets
        self._summary = Summary(run=run, spec=spec, base=base, known=known)
        self._stages: list[Stage] = []
        self._trained: set[str] = set()

    def go(self) -> None:
        """Every stage, in order."""
        folder = self._base.folder
        for number in range(-1, self._spec.segments):
            stage = Stage(number=number)
            self._stages.append(stage)
            if number >= 0:
                trained = self._train(stage, folder)
                if trained is None:
                    break
                folder = trained
            model = self._model(stage, folder)
            try:
                self._measure(stage, model)
            finally:
                model.close()
        self._write()

    def _model(self, stage: Stage, folder: Path) -> StageModel:
        return StageModel(stage.name, folder, device=self._spec.training.device)

    def _train(self, stage: Stage, begins_at: Path) -> Path | None:
        """Collect a segment's rows with the model as it is, and train it on; where that fails, the stage says
        why."""
        self._check_stop()
        before = self._model(self._stages[-2], begins_at)
        try:
            stage.data = self._collector().rows_of(stage.number, before)
        finally:
            before.close()
        self._trained |= stage.data.prompts
        told = self._told(f"{stage.name}: ")
        told(f"training on {len(stage.data.rows)} rows")
        out = self._run.path / stage.name / "train"
        try:
            options = replace(self._spec.training, seed=self._spec.seed + stage.number)
            stage.training = train_segment(begins_at, stage.data.rows, options, out, told=told)
        except (StoppedError, MissingToolError, LeakageError):
            raise
        except HoningError as error:
            stage.reason = str(error)
            told(f"not trained: {error}")
            return None
        finally:
            self._write()
        return stage.training.adapter

    def _collector(self) -> Collector:
        return Collector(
            run=self._run,
            spec=self._spec,
            known=self._known,
            open=self._targets,
            fixed=self._measured_prompts(),
            told=self._told(""),
        )

    def _measured_prompts(self) -> set[str]:
        """Hashes of every prompt that is or was measured as part of a fixed sample."""
        seen = {
            digest
            for stage in self._stages
            for outcome in stage.outcomes.get(Rows.SMOKE, [])
            for digest in outcome.prompts.values()
        }
        return seen | fixed_prompts(self._known)

    def _measure(self, stage: Stage, model: StageModel) -> None:
        """Every target in order on its fixed sample; after the last segment, where asked for, on all rows."""
        self._measure_rows(stage, model, Rows.SMOKE)
        if self._spec.full_after_last and stage.number == self._spec.segments - 1:
            self._measure_rows(stage, model, Rows.FULL)

    def _measure_rows(self, stage: Stage, model: StageModel, rows: Rows) -> None:
        asking = replace(self._spec.asking(), mode=Mode.FULL if rows is Rows.FULL else Mode.SMOKE)
        stage.outcomes[rows] = []
        for target in self._known:
            self._check_stop()
            sample = target.sample
            self._told(f"{stage.name}: ")(f"{rows.value} of {sample.target}")
            outcome = measure(
                self._run,
                self._targets,
                model,
                sample,
                Path(stage.name) / rows.value / sample.slug,
                asking=asking,
                trained=self._trained,
            )
            stage.outcomes[rows].append(outcome)
            if rows is Rows.FULL:
                stage.untouched[sample.target] = score_of_others(outcome, self._trained)
            self._write()

    def _write(self) -> None:
        """Bring the summary, its table and the page up to date."""
        document = self._summary.write(self._stages)
        report_of(document, self._stages).write(self._run.artifact(REPORT_FILE))

    def _check_stop(self) -> None:
        if self._run.stop_requested():
            raise StoppedError(
                "Stopped by the stop file. What is finished is kept; the same command goes on."
            )

    def _told(self, before: str) -> Callable[[str], None]:
        """Tells the run's log and whoever listens, and stops where somebody asked for it."""

        def tell(line: str) -> None:
            self._run.telling.line(before + line)
            self._options.told(before + line)
            self._check_stop()

        return tell
