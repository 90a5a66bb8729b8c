"""Where an experiment stands: judged from what lies on the disk now, never remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.documents import parse_json
from honing.errors import HoningError, StoreError
from honing.experiments.registry.evidence import Found, fill
from honing.experiments.registry.experiment import Experiment, ExperimentMode, Recorded, RecordedStatus
from honing.experiments.registry.file import RegistryFile, mode_texts
from honing.experiments.registry.judging import Verdict
from honing.experiments.registry.planning import ExperimentOptions, ExperimentPlan
from honing.experiments.registry.results import ExperimentResult, read_result, result_file
from honing.experiments.registry.running import RESULT, score_of
from honing.store import Run


class State(StrEnum):
    """What the disk says of one mode. Exactly one holds."""

    PASSED = "passed"
    """It was run, its artifacts are as they were, and every signal holds."""
    FAILED = "failed"
    """It was run, its artifacts are as they were, and something does not hold."""
    CHANGED = "changed"
    """It was run, but what it left was changed or removed since, or the row asks for something else now."""
    ABSENT = "absent"
    """There is no result of it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeStanding:
    """One mode of one experiment."""

    mode: ExperimentMode
    state: State
    reason: str = ""
    result: ExperimentResult | None = None
    """As it was written; None where there is none, or none that can be read."""
    verdicts: tuple[Verdict, ...] = ()
    """Of now."""
    metrics: dict[str, Any] = field(default_factory=dict)
    baseline: float | None = None
    best: float | None = None

    @property
    def ticked(self) -> bool:
        return self.state is State.PASSED

    @property
    def stands(self) -> bool:
        """Whether there is evidence of it here, good or bad."""
        return self.state in (State.PASSED, State.FAILED)


class Status(StrEnum):
    """What the figures of a row rest on. Exactly one holds."""

    LOCAL = "local artifact"
    """Evidence on this disk, judged a moment ago."""
    DOCUMENTED = "documented"
    """Figures with a source, no evidence here."""
    HISTORICAL = "historical"
    """Figures of something that is not kept."""
    MISSING = "missing"
    """Nobody has run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one experiment stands."""

    experiment: Experiment
    modes: tuple[ModeStanding, ...]
    """Of the modes that have commands."""

    def of(self, mode: ExperimentMode) -> ModeStanding | None:
        """One mode; None where the row has no command for it."""
        return next((one for one in self.modes if one.mode is mode), None)

    @property
    def shown(self) -> ModeStanding | None:
        """The mode whose figures count: full before smoke, passed before failed; None without evidence."""
        there = [one for one in reversed(self.modes) if one.stands]
        return next((one for one in there if one.ticked), there[0] if there else None)

    @property
    def status(self) -> Status:
        if self.shown is not None:
            return Status.LOCAL
        recorded = self.experiment.recorded
        if recorded is None:
            return Status.MISSING
        historical = recorded.status is RecordedStatus.HISTORICAL
        return Status.HISTORICAL if historical else Status.DOCUMENTED

    @property
    def figures(self) -> tuple[float | None, float | str | None]:
        """Baseline and best: of the evidence here, otherwise as recorded."""
        if self.shown is not None:
            return self.shown.baseline, self.shown.best
        recorded: Recorded | None = self.experiment.recorded
        return (None, None) if recorded is None else (recorded.baseline, recorded.best)


def standings(file: RegistryFile, results: Path) -> list[Standing]:
    """Every experiment, in the registry's order, and then the combinations of its grids that have no row.

    Args:
        file: The registry.
        results: Where results lie.
    """
    found = [standing_of(file, row, results) for row in file.registry.experiments]
    return [*found, *(Standing(experiment=row, modes=()) for row in missing_rows(file))]


def standing_of(file: RegistryFile, row: Experiment, results: Path) -> Standing:
    """One experiment, judged now."""
    modes = tuple(_mode_standing(file, row, mode, results) for mode in row.modes)
    return Standing(experiment=row, modes=modes)


def missing_rows(file: RegistryFile) -> list[Experiment]:
    """A row for every combination of a grid that no experiment covers."""
    covered = {(row.target, row.agent) for row in file.registry.experiments}
    combinations = [
        (grid, target, agent)
        for grid in file.registry.grids
        for target in grid.targets
        for agent in grid.agents
        if (target, agent) not in covered
    ]
    return [
        Experiment(
            id=f"missing-{number}",
            name=target,
            category=grid.category,
            target=target,
            agent=agent,
            notes=fill(grid.notes, {"target": target, "agent": agent}),
        )
        for number, (grid, target, agent) in enumerate(combinations, start=1)
    ]


def _mode_standing(file: RegistryFile, row: Experiment, mode: ExperimentMode, results: Path) -> ModeStanding:
    path = result_file(results, row.id, mode)
    try:
        result = read_result(path)
        if result is None:
            return ModeStanding(mode=mode, state=State.ABSENT, reason="not run here")
        if why := _change(file, row, result, path):
            return ModeStanding(mode=mode, state=State.CHANGED, reason=why, result=result)
        return _judged(file, row, result, results)
    except HoningError as error:
        return ModeStanding(mode=mode, state=State.CHANGED, reason=str(error))


def _change(file: RegistryFile, row: Experiment, result: ExperimentResult, path: Path) -> str:
    """What is not as it was when the result was written; empty where nothing is."""
    run = file.root / result.run
    own = run / RESULT
    if not own.is_file():
        return f"{own} is gone"
    content = own.read_bytes()
    if parse_json(content, source=str(own), error=StoreError) != result.as_document():
        return f"{path.name} differs from {own}"
    if Run.open(run).config.get("texts") != mode_texts(row, result.mode):
        return "the row's commands or artifacts were changed since"
    for artifact in result.artifacts:
        found = Found(file.root, artifact.path)
        if not found.path.is_file():
            return f"{artifact.path} is gone"
        if found.sha256() != artifact.sha256:
            return f"{artifact.path} was changed since"
    return ""


def _judged(file: RegistryFile, row: Experiment, result: ExperimentResult, results: Path) -> ModeStanding:
    options = ExperimentOptions(home=results, results=results, environ={})
    plan = ExperimentPlan(file=file, experiment=row, mode=result.mode, values=result.values, options=options)
    run = Run.open(file.root / result.run)
    evidence = plan.evidence(plan.places(run.path, run.created))
    verdicts = tuple(evidence.judge(signal) for signal in row.signals_of(result.mode))
    failed = [f"`{one.expression}`: {one.reason}" for one in verdicts if not one.holds]
    bad = [end for end in result.commands if end.exit_code != 0]
    baseline, best = score_of(row.score, evidence)
    reasons = [*(f"`{end.command}` ended with code {end.exit_code}" for end in bad), *failed]
    if not result.ok and not reasons:
        reasons = [result.reason or "it did not come to its end"]
    return ModeStanding(
        mode=result.mode,
        state=State.FAILED if reasons else State.PASSED,
        reason="; ".join(reasons),
        result=result,
        verdicts=verdicts,
        metrics={expression: evidence.value_of(expression) for expression in row.metrics},
        baseline=baseline,
        best=best,
    )
