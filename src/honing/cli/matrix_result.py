"""How a matrix's cells, differences, failures and forecast are printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from honing.cli.printing import Column, Format, Look, print_json, print_rows

if TYPE_CHECKING:
    from honing.experiments import MatrixResult, MatrixSpec

_OK, _FAILED = 0, 1
_LINE = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))
_DIFFERENCES = (
    Column(key="cells", heading="CELLS"),
    Column(key="b", heading="B"),
    Column(key="a", heading="AGAINST A"),
    Column(key="difference", heading="B MINUS A (95%)"),
    Column(key="direction", heading="B IS"),
    Column(key="pairs", heading="PAIRS", from_width=80),
)


def print_matrix(spec: MatrixSpec, result: MatrixResult, *, format: Format, look: Look) -> int:
    """Print what the trials came to; the exit code.

    Args:
        spec: Names the axes.
        result: Of the run.
        format: Table, JSON or TSV (of the cells).
        look: Colour and width of a table.
    """
    run = result.run
    if format is Format.JSON:
        print_json(
            {
                "ok": result.ok,
                "run": str(run.path),
                "page": str(run.path / "report.html"),
                "cells": [dict(row) for row in result.cells],
                "differences": [dict(row) for row in result.differences],
                "failures": [dict(row) for row in result.failures],
            }
        )
    elif format is Format.TSV:
        sys.stdout.write((run.path / "aggregate.tsv").read_text(encoding="utf-8"))
    else:
        _print_tables(spec, result, look)
    return _OK if result.ok else _FAILED


def _print_tables(spec: MatrixSpec, result: MatrixResult, look: Look) -> None:
    axes = list(spec.axes())
    columns = [
        Column(key="cell", heading="CELL", right=True),
        *(Column(key=axis, heading=axis.upper(), show=_axis) for axis in axes),
        Column(key="trials", heading="TRIALS", right=True),
        Column(key="mean", heading="MEAN (95%)"),
        Column(key="sd", heading="SD", show=_three, right=True, from_width=80),
        Column(key="method", heading="INTERVAL", from_width=120),
        Column(key="outcomes", heading="OUTCOMES"),
        Column(key="cost_usd", heading="COST", show=lambda usd: f"${usd:.4f}", right=True, from_width=90),
    ]
    print_rows(columns, [_cell(row) for row in result.cells], format=Format.TABLE, look=look)
    if result.differences:
        shown = [_difference(row) for row in result.differences]
        print_rows(_DIFFERENCES, shown, format=Format.TABLE, look=look)
    lines = _failures(result)
    lines += [
        {"name": "run", "value": str(result.run.path)},
        {"name": "page", "value": str(result.run.path / "report.html")},
    ]
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def print_matrix_forecast(found: Mapping[str, Any], *, format: Format, look: Look) -> None:
    """Print what a matrix would do."""
    if format is Format.JSON:
        print_json(dict(found))
        return
    head = ("cell", "project", "target", "agent", "model", "budget", "mode")
    figures = ("rows", "calls", "proposals", "task_runs_at_most", "cost_usd", "would_stop")
    each = found["each"]
    names = [name for name in (*head, *figures) if any(cell.get(name) not in ("", None) for cell in each)]
    columns = [Column(key=name, heading=name.replace("_", " ").upper()) for name in names]
    print_rows(columns, each, format=format, look=look)
    if format is Format.TSV:
        return
    lines = [
        {"name": "cells", "value": str(found["cells"])},
        {"name": "trials", "value": str(found["trials"])},
    ]
    for name, value in found["of_all_trials"].items():
        shown = "unknown" if value is None else f"{value:,}"
        lines.append({"name": f"{name.replace('_', ' ')}, all trials", "value": shown})
    limits = [f"{value:,} {name}" for name, value in found["budget"].items() if value is not None]
    lines.append({"name": "budget", "value": ", ".join(limits) or "no limit"})
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def _failures(result: MatrixResult) -> list[dict[str, str]]:
    """One line for each way in which trials failed, with the run of the first."""
    grouped: dict[str, list[str]] = {}
    for row in result.failures:
        said = str(row["reason"]).partition("\n")[0]
        grouped.setdefault(f"{row['outcome']}: {said}", []).append(str(row["run_name"]))
    return [
        {"name": "no number", "value": f"{len(names)} trials, {names[0]} first: {said}"}
        for said, names in grouped.items()
    ]


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "trials": f"{row['n']} of {row['planned']}",
        "mean": _interval(row["mean"], row["mean_low"], row["mean_high"], "{:.3f}"),
        "method": f"{row['method']}, over {row['over']}" if row["method"] else "",
    }


def _difference(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cells": f"{row['cell_a']}, {row['cell_b']}",
        "a": _axis(row["a"]),
        "b": _axis(row["b"]),
        "difference": _interval(row["difference"], row["low"], row["high"], "{:+.3f}"),
        "direction": row["direction"],
        "pairs": f"{row['pairs']} pairs" + (f", {row['tasks']} tasks" if row["over"] == "tasks" else ""),
    }


def _interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None:
        return "-"
    if low is None or high is None:
        return form.format(value)
    return f"{form.format(value)} [{form.format(low)}, {form.format(high)}]"


def _axis(value: Any) -> str:
    """An axis's value; empty ones are left to each project."""
    return "its own" if value in ("", None) else str(value)


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
