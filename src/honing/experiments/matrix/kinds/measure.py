"""Trials that are measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.contract import (
    Mode,
    RolloutOptions,
    SampleStatus,
    SetupOptions,
    SuiteRequest,
    ask_all,
    forecast,
    origin_to_repeat,
    resolve,
    setup,
)
from honing.errors import StoreError, TrialError
from honing.experiments.matrix.kinds.base import Ended, Limits, Spent, TrialOutcome
from honing.experiments.matrix.plan import Cell, Trial
from honing.experiments.matrix.request import MatrixOptions
from honing.experiments.matrix.spec import MeasureAxes
from honing.llm import Sampling
from honing.store import REPORT_FILE, TREES, Report, Run, TreeStore, parse_json, read_journal
from honing.view import render

_METRICS = "metrics.json"
_SAMPLES = "samples.jsonl"
_JUDGED = (SampleStatus.COMPLETED, SampleStatus.MODEL_FAILED)


class MeasureTrials:
    """See `TrialKind`."""

    columns: tuple[str, ...] = (
        "level",
        "label",
        "metric",
        "n_planned",
        "n_scored",
        "coverage",
        "interval_method",
    )
    cell_columns: tuple[str, ...] = ("rows",)
    compared: tuple[str, ...] = ("model",)

    def __init__(self, axes: MeasureAxes, options: MatrixOptions) -> None:
        """Read nothing yet."""
        self._axes = axes
        self._options = options
        self._home = options.home.resolve()
        self._usual = options.measuring or SetupOptions()

    def contents(self) -> dict[str, str]:
        """See `TrialKind.contents`."""
        found = {name: Path(self._target(name)) for name in self._axes.targets}
        trees = TreeStore(self._home / TREES)
        return {
            name: resolve(folder, trees, leave_out=self._home).tree
            for name, folder in found.items()
            if folder.is_dir()
        }

    def work(self, trial: Trial, run_name: str, limits: Limits) -> None:
        """See `TrialKind.work`."""
        asked = SuiteRequest(
            models=[trial.cell.values["model"]],
            setup=replace(self._setup(trial.seed), run_name=run_name),
            rollout=self._rollout(trial.cell, limits),
            endpoints=self._options.endpoints,
        )
        target = self._target(trial.cell.values["target"])
        with setup(target, asked.setup, intent=asked.intent()) as session:
            ask_all(session, asked)
        run = session.run
        run.write_text("report.html", render(Report.read(run.path / REPORT_FILE)))

    def read(self, run: Run) -> Ended:
        """See `TrialKind.read`."""
        metrics = run.read_json(_METRICS)
        if not metrics["ok"] or metrics["score"] is None:
            raise TrialError(f"no score: {metrics['reason']}")
        low, high = metrics["ci95"] or (None, None)
        metric = metrics["metric"]
        return Ended(
            outcome=TrialOutcome.SCORED,
            score=metrics["score"],
            low=low,
            high=high,
            spent=self.spent(run),
            rewards=_rewards(run),
            bounds=tuple(metric["range"]),
            rising=metric["direction"] == "maximize",
            columns={**{name: metrics[name] for name in self.columns}, "metric": metric["name"]},
        )

    def spent(self, run: Run) -> Spent:
        """See `TrialKind.spent`."""
        with read_journal(run.path / "journal.sqlite") as journal:
            totals = journal.totals()
        metrics = run.read_json(_METRICS) if (run.path / _METRICS).is_file() else {}
        if not metrics.get("ok"):
            # What was asked before it failed; metrics.json may be of an earlier session, or know of no call.
            cost = None if totals.cost_unknown else totals.cost_usd
            calls = metrics.get("calls") or 0
            return Spent(tokens=totals.tokens, calls=calls, cost_usd=cost, duration_s=round(totals.wall_s, 4))
        return Spent(
            tokens=sum(metrics["tokens"].values()),
            calls=metrics["calls"],
            cost_usd=metrics["cost_usd"],
            duration_s=round(totals.wall_s, 4),
        )

    def of_cell(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See `TrialKind.of_cell`."""
        return {"rows": sum(row["n_scored"] for row in rows)}

    def forecast(self, cell: Cell) -> dict[str, Any]:
        """See `TrialKind.forecast`."""
        asked = self._rollout(cell, Limits())
        target, model = self._target(cell.values["target"]), cell.values["model"]
        return forecast(target, self._setup(0), model, asked)

    def _target(self, name: str) -> str:
        return origin_to_repeat(name, self._options.base)

    def _setup(self, seed: int) -> SetupOptions:
        return replace(
            self._usual,
            home=self._home,
            seed=seed,
            sandbox=self._options.sandbox,
            split=self._axes.split,
            config=self._axes.config,
        )

    def _rollout(self, cell: Cell, limits: Limits) -> RolloutOptions:
        axes = self._axes
        return RolloutOptions(
            mode=Mode(cell.values["mode"]),
            limit=axes.limit,
            epochs=axes.epochs,
            sampling=Sampling(temperature=axes.temperature, top_p=axes.top_p, max_tokens=axes.max_tokens),
            system=axes.system,
            require_samples=axes.require_samples,
            allow_uncalibrated=axes.allow_uncalibrated,
            min_coverage=axes.min_coverage,
            max_tokens_total=limits.tokens,
            max_cost_usd=limits.cost_usd,
        )


def _rewards(run: Run) -> dict[str, list[float]]:
    """Rewards of each row in the order of epochs; none at all where one of them was not judged, so that no
    mean is taken over what happens to be there."""
    path = run.path / _SAMPLES
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise StoreError(f"{path}: cannot read: {error.strerror}.") from error
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        row = parse_json(line, where=str(path))
        if row["status"] not in _JUDGED or row["reward"] is None:
            return {}
        found.setdefault(row["id"], []).append((row["epoch"], row["reward"]))
    return {name: [reward for _, reward in sorted(pairs)] for name, pairs in found.items()}
