"""A target, measured: setup -> rollout -> evaluate -> teardown.

This is the main path of the contract system. Each verb may be called from Python or by `hone measure`; a run
that was killed anywhere goes on where it stopped when the same call is made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from honing.contract import outputs
from honing.contract.answerers import Llm, Tape, name_of, source_for
from honing.contract.calibrate import Calibration
from honing.contract.derive import Derived
from honing.contract.forecast import forecast
from honing.contract.measurement import Bench, Measurement, Rollout, evaluate, roll_out
from honing.contract.options import RolloutOptions, SetupOptions
from honing.contract.result import Result, conclude
from honing.contract.rollout import Plan, choose_rows
from honing.contract.run_controls import run_controls
from honing.contract.samples import Sample
from honing.contract.samples_file import rollout_from_file
from honing.contract.target import Target, resolve
from honing.contract.workbench import build_bench, prepare, tear_down
from honing.errors import UsageError
from honing.executors import Progress, SilentProgress
from honing.store import TREES, Run, RunStatus, TreeStore, make_home

KIND = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult:
    """How a rollout ended, for the caller."""

    ok: bool
    reason: str
    samples: tuple[Sample, ...]
    path: Path
    """rollout.json; it names samples.jsonl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """How an evaluation ended, for the caller."""

    ok: bool
    score: float | None
    reason: str
    metrics: Mapping[str, Any]
    """The content of metrics.json."""
    path: Path
    """metrics.json."""


class Session:
    """One target, set up. Use it as a context manager, or call `teardown`."""

    def __init__(
        self, bench: Bench, target: Target, derived: Derived, options: SetupOptions, stack: ExitStack
    ) -> None:
        """Use `setup`."""
        self.run = bench.run
        self.contract = bench.contract
        self.target = target
        self._bench = bench
        self._derived = derived
        self._options = options
        self._stack = stack
        self._calibrations: dict[str, Calibration] = {}
        self._rollout: Rollout | None = None
        self._asked = RolloutOptions()
        self._results: list[tuple[Result, tuple[Sample, ...]]] = []
        stack.callback(lambda: tear_down(bench, ok=self.ok))
        self.progress: Progress = SilentProgress()
        """Is told how each step goes."""
        self.models: Mapping[str, str] = {}
        """Where models live and their keys: `OPENAI_API_KEY` and the like."""

    def calibrate(self, model: str = "control") -> Calibration:
        """Measure the controls, once; the model is asked only where they bracket a score.

        Args:
            model: The name of the model to be measured. A target's own commands see it, so for them the
                controls are measured under each model's name.

        Returns:
            The controls' scores and the verdict.
        """
        stages = self.contract.stages
        shown = model if stages.rollout.commands or stages.evaluate.commands else "control"
        if shown not in self._calibrations:
            found = run_controls(self._bench, model=shown, seed=self._options.seed, progress=self.progress)
            self._calibrations[shown] = found
            self.run.write_json("calibration.json", found.as_document())
        return self._calibrations[shown]

    def rollout(
        self, llm: Llm, options: RolloutOptions | None = None, *, tape: Tape | None = None
    ) -> RolloutResult:
        """Calibrate, then ask a model.

        Args:
            llm: A model's name, something that answers in this process, or a file of samples that exist
                already.
            options: How many rows, how often, with which budget.
            tape: Keep every reply, or answer from a recording.

        Raises:
            BudgetExhaustedError: A budget is met; what was asked is kept, and the same call goes on.
            StoppedError: Somebody asked to stop; likewise.
        """
        self._asked = options or RolloutOptions()
        plan = self._plan(name_of(llm), self._asked)
        calibration = self.calibrate(plan.model)
        if calibration.ok or self._asked.allow_uncalibrated:
            self._rollout = self._ask(llm, plan, tape or Tape())
        else:
            reason = f"not asked: the contract is not calibrated ({calibration.reasons[0]})"
            self._rollout = Rollout(plan=plan, samples=(), tree=None, reason=reason)
        path = outputs.write_rollout(self.run, self._rollout)
        return RolloutResult(
            ok=self._rollout.ok, reason=self._rollout.reason, samples=self._rollout.samples, path=path
        )

    def forecast(self, model: str, options: RolloutOptions) -> dict[str, Any]:
        """What a rollout would ask and may cost; nothing is asked."""
        return forecast(self._bench, self._plan(model, options), options)

    def evaluate(self) -> EvaluationResult:
        """Judge the rollout and write metrics.json, samples.jsonl and the report.

        Raises:
            UsageError: There was no rollout.
        """
        if self._rollout is None:
            raise UsageError("evaluate() needs a rollout: call rollout(llm) first.")
        measurement = evaluate(self._bench, self._rollout, self.progress)
        self._results.append((self._conclude(measurement), measurement.samples))
        calibration = self.calibrate(self._rollout.plan.model)
        path = outputs.write_results(self.run, self._results, calibration, self.contract, self.target)
        result = self._results[-1][0]
        metrics = self.run.read_json(path.name)
        return EvaluationResult(
            ok=result.ok, score=result.score, reason=result.reason, metrics=metrics, path=path
        )

    @property
    def ok(self) -> bool:
        """Whether something was evaluated and every evaluation has a score."""
        return bool(self._results) and all(result.ok for result, _ in self._results)

    def teardown(self) -> None:
        """Stop what setup started and let go of the run. May be called more than once."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if error is None and self._results and not self.ok:
            # Not done: the same call tries again what failed, and only that.
            reason = next(result.reason for result, _ in self._results if not result.ok)
            self.run.set_status(RunStatus.FAILED, reason)

    def _ask(self, llm: Llm, plan: Plan, tape: Tape) -> Rollout:
        if isinstance(llm, Path):
            return rollout_from_file(llm, plan, self._bench)
        forecast(self._bench, plan, self._asked)
        source = tape.around(
            lambda: source_for(llm, self._bench, self.models, seed=self._options.seed), self.run
        )
        plan = replace(plan, free=not source.live)
        options = outputs.map_options(self._bench, self._asked, self.progress, free=plan.free)
        return roll_out(self._bench, plan, source, options)

    def _plan(self, model: str, options: RolloutOptions) -> Plan:
        rows = list(self._bench.rows.values())
        chosen = choose_rows(rows, options.rows(len(rows)), self._options.seed)
        return Plan(
            name=model,
            rows=chosen,
            epochs=options.epochs,
            model=model,
            sampling=options.sampling,
            system=options.system,
            seed=self._options.seed,
        )

    def _conclude(self, measurement: Measurement) -> Result:
        return conclude(
            measurement,
            self.calibrate(measurement.rollout.plan.model),
            self.contract,
            self._asked,
            commit=self.target.tree,
            sandbox=self._bench.sandbox_name,
            cost_usd=outputs.cost_of(measurement),
        )


def setup(
    target: str | Path | Mapping[str, Any],
    options: SetupOptions | None = None,
    *,
    intent: Mapping[str, Any] | None = None,
    fresh: bool = False,
    command: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
) -> Session:
    """Copy a target, find or derive its contract, and make it ready to roll out.

    Args:
        target: A folder; or a mapping with the key "target" and any field of `SetupOptions`.
        options: How to set it up.
        intent: What will be asked, as plain data. An unfinished run with the same target, options and intent
            is gone on with.
        fresh: Begin a new run even so.
        command: The command line that repeats this, for the run's record.
        clock: Unix time in seconds.

    Raises:
        TargetError: The target cannot be read.
        ContractError: Its contract is invalid, or none can be derived (the run then holds contract_gap.json).
        StageError: A stage of the setup failed.
        MissingToolError: A stage needs a protection or package that is not here.
    """
    origin, options = outputs.read_target(target, options)
    make_home(options.home)
    with ExitStack() as stack:
        trees = TreeStore(options.home / TREES)
        resolved = resolve(origin, trees)
        config = outputs.run_config(resolved, options, intent or {})
        run = None if fresh else outputs.find_unfinished(options.home, KIND, config)
        if run is None:
            seed = options.seed
            run = Run.create(options.home, kind=KIND, config=config, command=command, seed=seed, clock=clock)
        stack.enter_context(run.supervise())
        derived = outputs.find_contract(run, resolved, trees, options)
        bench = stack.enter_context(build_bench(run, derived, trees, resolved, options))
        bench = prepare(bench)
        return Session(bench, resolved, derived, options, stack.pop_all())
