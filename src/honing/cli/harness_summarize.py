"""`hone harness summarize`: one line a run, or one for all runs of the same agent, model and budget."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledger import show_cost, show_score
from honing.cli.harness_ledgers import RUNS_HELP, ledgers_of
from honing.cli.printing import Column, Format, print_rows


def summarize(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help=RUNS_HELP)],
    aggregate: Annotated[
        bool,
        typer.Option(
            "--aggregate", help="One line for all runs of the same project, agent, model and budget."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values, every column.")] = False,
) -> None:
    """Say what runs came to: improved or not, by how much, when first, against the control arm, for how much.

    \b
    Examples:
      hone harness summarize latest
      hone harness summarize ./my-project/runs --tsv > trials.tsv
      hone harness summarize ./my-project/runs --aggregate
    """
    from honing.harness import AGGREGATE_COLUMNS, SUMMARY_COLUMNS, aggregate_rows, summary_rows

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    rows = summary_rows(ledgers_of(frame, settings, runs))
    if aggregate:
        rows = aggregate_rows(rows)
    names = AGGREGATE_COLUMNS if aggregate else SUMMARY_COLUMNS
    columns = [Column(key=name, heading=name) for name in names]
    if format is Format.TABLE:
        columns = _GROUPS if aggregate else _RUNS
        rows = [_shown(row) for row in rows]
    print_rows(columns, rows, format=format, look=frame.look(settings))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _maybe(value: Any) -> str:
    return "-" if value is None else str(value)


_RUNS = [
    Column(key="run_name", heading="RUN"),
    Column(key="status", heading="STATUS"),
    Column(key="backend_label", heading="AGENT", from_width=70),
    Column(key="budget", heading="BUDGET", right=True, from_width=80),
    Column(key="baseline_objective", heading="BASELINE", show=show_score, right=True),
    Column(key="best_objective", heading="BEST", show=show_score, right=True),
    Column(key="best_estimate", heading="ESTIMATE", show=show_score, right=True, from_width=90),
    Column(key="control_best_estimate", heading="CONTROL", show=show_score, right=True, from_width=90),
    Column(key="test_gain", heading="HELD-OUT GAIN", from_width=110),
    Column(key="improved", heading="IMPROVED"),
    Column(key="iterations_to_solve", heading="SOLVED BY", show=_maybe, right=True, from_width=100),
    Column(
        key="time_to_first_improvement_seconds",
        heading="FIRST GAIN",
        show=_seconds,
        right=True,
        from_width=100,
    ),
    Column(key="cost_usd", heading="COST", show=show_cost, right=True, from_width=80),
    Column(key="sandbox", heading="SANDBOX", from_width=120),
]
_GROUPS = [
    Column(key="benchmark_name", heading="PROJECT"),
    Column(key="backend_label", heading="AGENT"),
    Column(key="budget", heading="BUDGET", right=True),
    Column(key="trial_count", heading="RUNS", right=True),
    Column(key="rate", heading="IMPROVED"),
    Column(key="mean", heading="MEAN BEST"),
    Column(
        key="mean_time_to_first_improvement_seconds",
        heading="FIRST GAIN",
        show=_seconds,
        right=True,
        from_width=100,
    ),
    Column(key="mean_cost_usd", heading="MEAN COST", show=show_cost, right=True, from_width=80),
]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    between = {"rate": "success_rate", "mean": "mean_best_objective", "test_gain": "test_difference"}
    words = {name: _interval(row, key) for name, key in between.items()}
    improved = "yes" if row.get("improved") else "no"
    return {**row, **words, "improved": improved}


def _interval(row: dict[str, Any], key: str) -> str:
    if row.get(key) is None:
        return "-"
    return f"{row[key]:.3f} [{row[f'{key}_low']:.3f}, {row[f'{key}_high']:.3f}]"
