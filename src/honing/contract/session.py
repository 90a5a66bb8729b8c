"""A target, measured: setup -> rollout -> evaluate -> teardown.

This is the main path of the contract system. Each verb may be called from Python or by `hone measure`; a run
that was killed anywhere goes on where it stopped when the same call is made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from honing.contract.asking.answerers import Llm, Tape, name_of, source_for
from honing.contract.asking.known_prompts import refuse_to_ask
from honing.contract.asking.local_models import LocalModels, is_model_folder
from honing.contract.asking.rollout import Plan, choose_rows, rows_named
from honing.contract.asking.samples_file import rollout_from_file
from honing.contract.audit import provenance
from honing.contract.audit.examination import FILE as AUDIT
from honing.contract.audit.examination import Audit, audit
from honing.contract.controls.calibrate import Calibration
from honing.contract.controls.run_controls import run_controls
from honing.contract.derivation.settle import settle
from honing.contract.forecast import check_disk
from honing.contract.grading.model_judge import (
    JudgeCalibration,
    ModelJudge,
    calibrate_judge,
    not_fit_to_judge,
    with_judge,
)
from honing.contract.measurement import evaluate, roll_out
from honing.contract.options import RolloutOptions, SetupOptions
from honing.contract.overlay import with_contract
from honing.contract.repair.base import RepairOptions
from honing.contract.repair.loop import Workshop, mend
from honing.contract.repair.trial import Trial
from honing.contract.results import outputs
from honing.contract.results.naming import find_run_of
from honing.contract.results.result import Result, conclude
from honing.contract.results.unmeasured import telling
from honing.contract.samples.sample import Sample
from honing.contract.target import Target, resolve
from honing.contract.workbench.bench import Bench, Measurement, Rollout
from honing.contract.workbench.workbench import build_bench, prepare, tear_down
from honing.errors import UsageError
from honing.executors import Progress, SilentProgress
from honing.llm import Answerer, Source
from honing.sandbox import choose
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

    def __init__(self, bench: Bench, target: Target, options: SetupOptions) -> None:
        """Use `setup`."""
        self.run = bench.run
        self.contract = bench.contract
        self.target = target
        self._bench = bench
        self._options = options
        self._stack = ExitStack()
        self._calibrations: dict[tuple[object, ...], Calibration] = {}
        self._answerers: dict[str, object] = {}
        self._folders = LocalModels(bench.run, options.serve_with)
        self._rollout: Rollout | None = None
        self._judge: ModelJudge | None = None
        self._fitness: JudgeCalibration | None = None
        self._asked = RolloutOptions()
        self._results: list[tuple[Result, tuple[Sample, ...]]] = []
        self.progress: Progress = SilentProgress()
        """Is told how each step goes."""
        self.models: Mapping[str, str] = {}
        """Where models live and their keys: `OPENAI_API_KEY` and the like."""

    def calibrate(self, shown: Plan | None = None) -> Calibration:
        """Measure the controls, once; the model is asked only where they bracket a score.

        Args:
            shown: What the model will be asked. A target's own commands see some of it, so for them the
                controls are measured for each model anew.

        Returns:
            The controls' scores and the verdict.
        """
        shown = shown or self._plan("control", RolloutOptions())
        self._settle(shown)
        stages = self.contract.stages
        commands = stages.target_asks or stages.target_judges
        given = (*sorted(shown.env.items()), *shown.shown.items())
        key = (shown.model, shown.limit, *given) if commands else ()
        if key not in self._calibrations:
            self._calibrations[key] = self._controlled(shown)
            self.run.write_json("calibration.json", self._calibrations[key].as_document())
        return self._calibrations[key]

    def _controlled(self, shown: Plan) -> Calibration:
        """The controls' verdict, after that on the model that judges, where one does."""
        self._seat_judge()
        if self._judge is not None:
            self._fitness = calibrate_judge(self._bench, self._judge, shown.seed, self.progress)
            if self._fitness.reasons:
                return not_fit_to_judge(self._fitness, self._bench)
        return run_controls(self._bench, shown, progress=self.progress)

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
            UsageError: The target's own commands cannot heed an option, or two answerers share a name.
        """
        self._asked = options or RolloutOptions()
        outputs.check_heeded(self.contract, self._asked)
        self._settle(self._plan(self._name(llm), self._asked))
        self._seat_judge()
        plan = self._plan(self._name(llm), self._asked)
        ask = self._ready(llm, plan, tape or Tape())
        calibration = self.calibrate(plan)
        if calibration.ok or self._asked.allow_uncalibrated:
            self._rollout = ask()
        else:
            reason = f"not asked: the contract is not calibrated ({calibration.reasons[0]})"
            self._rollout = Rollout(plan=plan, samples=(), tree=None, reason=reason)
        path = outputs.write_rollout(self.run, self._rollout)
        return RolloutResult(
            ok=self._rollout.ok, reason=self._rollout.reason, samples=self._rollout.samples, path=path
        )

    def evaluate(self) -> EvaluationResult:
        """Judge the rollout and write metrics.json, samples.jsonl and the report.

        Raises:
            UsageError: There was no rollout.
        """
        if self._rollout is None:
            raise UsageError("evaluate() needs a rollout: call rollout(llm) first.")
        measurement = evaluate(self._bench, self._rollout, self.progress)
        self._results.append((self._conclude(measurement), measurement.samples))
        calibration = self.calibrate(self._rollout.plan)
        path = outputs.write_results(self.run, self._results, calibration, self.contract, self.target)
        result = self._results[-1][0]
        metrics = self.run.read_json(path.name)
        return EvaluationResult(
            ok=result.ok, score=result.score, reason=result.reason, metrics=metrics, path=path
        )

    def audit(self) -> Audit:
        """Try what could make worthless answers score, and say what works; no model is asked.

        Returns:
            What was found; the run holds it as audit.json.
        """
        shown = self._plan("audit", RolloutOptions())
        written = self.run.read_json(provenance.FILE)
        found = audit(self._bench, self.calibrate(shown), shown, written, self.progress)
        self.run.write_json(AUDIT, found.as_document())
        return found

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
        self._folders.close()
        self._stack.__exit__(kind, error, trace)
        if error is None and self._results and not self.ok:
            # Not done: the same call tries again what failed, and only that.
            reason = next(result.reason for result, _ in self._results if not result.ok)
            self.run.set_status(RunStatus.FAILED, reason)

    def _tear_down(self) -> None:
        tear_down(self._bench, ok=self.ok)

    def _name(self, llm: Llm) -> str:
        """The name an answerer is reported under; answers are kept by it, so two must not share it."""
        name = name_of(llm)
        if not isinstance(llm, str | Path) and self._answerers.setdefault(name, llm) is not llm:
            raise UsageError(f"two answerers are named {name!r}; give each a `name` of its own.")
        return name

    def _ready(self, llm: Llm, plan: Plan, tape: Tape) -> Callable[[], Rollout]:
        """What will ask the model. Whatever is wrong with the request shows here, before anything is run."""
        if isinstance(llm, Path):
            columns = self._asked.samples_columns
            found = rollout_from_file(llm, replace(plan, free=True), self._bench, columns)
            return lambda: found
        refuse_to_ask(self._bench, plan.model)
        check_disk(self._bench, plan, self._asked)
        source = tape.around(lambda: self._source(llm), self.run)
        plan = replace(plan, free=not source.live, source=source.name)
        options = outputs.map_options(self._bench, self._asked, self.progress, free=plan.free)
        budget = outputs.call_budget(self._asked)
        return lambda: roll_out(self._bench, plan, source, options, budget)

    def _source(self, llm: str | Answerer | Source) -> Source:
        """What answers for a model: a folder of this machine, or whatever else the name stands for."""
        if isinstance(llm, str) and is_model_folder(llm):
            return self._folders.source(llm)
        return source_for(llm, self._bench, self.models, seed=self._options.seed)

    def _seat_judge(self) -> None:
        """Make the model that judges ready, where the contract's scorer is one."""
        if self._judge is None:
            named, seed = self._options.judge_model, self._options.seed
            self._bench, self._judge = with_judge(self._bench, self.models, named, seed=seed)

    def _settle(self, shown: Plan) -> None:
        """Find out what the contract's number is, where it does not say so: before any model is asked."""
        if self.contract.metric.discover:
            self._bench = settle(self._bench, shown, progress=self.progress)
            self.contract = self._bench.contract

    def _plan(self, model: str, options: RolloutOptions) -> Plan:
        rows = list(self._bench.rows.values())
        # A grader that needs every row is given every row, whatever the mode says.
        count = len(rows) if self.contract.stages.rollout.whole else options.rows(len(rows))
        chosen = rows_named(rows, options.ids) or choose_rows(rows, count, self._options.seed)
        return Plan(
            name=f"model.{model}",
            rows=chosen,
            epochs=options.epochs,
            model=model,
            sampling=options.sampling,
            system=options.system or self.contract.chat.system,
            template=options.template or self.contract.chat.template,
            folders=options.folders,
            env=options.env,
            seed=self._options.seed,
            limit=options.rows_asked,
        )

    def _conclude(self, measurement: Measurement) -> Result:
        result = conclude(
            measurement,
            self.calibrate(measurement.rollout.plan),
            self.contract,
            self._asked,
            commit=self.target.commit or self.target.tree,
            sandbox=self._bench.sandbox_name,
            cost_usd=outputs.cost_of(measurement),
        )
        if self._judge is None or self._fitness is None:
            return result
        return replace(result, judge=self._judge.as_document(self._fitness))


def setup(
    target: str | Path | Mapping[str, Any],
    options: SetupOptions | None = None,
    *,
    intent: Mapping[str, Any] | None = None,
    fresh: bool = False,
    command: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
    repair: RepairOptions | None = None,
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
        repair: Who may write or mend the contract where it cannot be set up or does not calibrate.

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
        resolved = resolve(origin, trees, leave_out=options.home, options=options.fetching())
        resolved, options = with_contract(resolved, options.completed(resolved), trees)
        config = outputs.run_config(resolved, options, _intended(intent, repair))
        found = find_run_of(options, KIND, config, fresh=fresh)
        name = options.run_name or None
        run = found or Run.create(
            options.home, kind=KIND, config=config, command=command, seed=options.seed, name=name, clock=clock
        )
        stack.push(outputs.on_failure(run, new=found is None))
        stack.enter_context(run.supervise())
        stack.push(telling(run))
        # Held open, the journal is not checkpointed and set up anew by every step.
        stack.enter_context(run.journal())
        resolved, options = _mended(run, trees, resolved, options, repair)
        session = _opened(stack, run, trees, resolved, options, intent or {})
        session._stack = stack.pop_all()
        return session


def _intended(intent: Mapping[str, Any] | None, repair: RepairOptions | None) -> dict[str, Any]:
    """What makes two calls the same work, beside target and options."""
    return {**(intent or {}), **({"repair": repair.identity} if repair is not None else {})}


def _opened(
    stack: ExitStack,
    run: Run,
    trees: TreeStore,
    target: Target,
    options: SetupOptions,
    intent: Mapping[str, Any],
) -> Session:
    """A session on a target, set up; leaving the stack tears it down."""
    derived = outputs.find_contract(run, target, trees, options)
    outputs.check_intent(derived.spec, intent)
    bench = stack.enter_context(build_bench(run, derived, trees, target, options))
    session = Session(bench, target, options)
    # Registered before anything is started: a setup that fails half-way is torn down as well.
    stack.callback(session._tear_down)
    session._bench = prepare(bench)
    session.contract = session._bench.contract
    run.write_json(provenance.FILE, provenance.provenance(session._bench, derived.by))
    return session


def _mended(
    run: Run, trees: TreeStore, target: Target, options: SetupOptions, repair: RepairOptions | None
) -> tuple[Target, SetupOptions]:
    """The target with a contract that calibrates, and options under which that contract counts; both as they
    were where none was found or nobody may mend it."""
    if repair is None:
        return target, options

    def options_for(tried: Target) -> SetupOptions:
        return options if tried.tree == target.tree else replace(options, contract=None)

    @contextmanager
    def calibrated(tried: Target) -> Iterator[Callable[[], Calibration]]:
        with ExitStack() as stack:
            session = _opened(stack, run, trees, tried, options_for(tried), {})
            shown = session._plan(repair.measured, repair.asked)
            yield lambda: session.calibrate(shown)

    trial = Trial(
        run=run,
        contract=lambda tried: outputs.find_contract(run, tried, trees, options_for(tried)).spec,
        calibrated=calibrated,
    )
    shop = Workshop(run=run, trees=trees, sandbox=choose(options.sandbox), options=repair, trial=trial)
    mended, _ = mend(shop, target)
    return mended, options_for(mended)
