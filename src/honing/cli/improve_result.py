"""How the result and the forecast of a closed loop are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from honing.cli.printing import Column, Format, Look, print_json, print_rows

if TYPE_CHECKING:
    from honing.experiments import BudgetSplit, ImproveResult, ImproveSpec

_IMPROVED, _NOT_IMPROVED = 0, 1
_TABLE = (
    Column(key="name", heading="VERSION"),
    Column(key="ending", heading=""),
    Column(key="score", heading="HELD-OUT [95%]", right=True),
    Column(key="before", heading="OVER THE ROW BEFORE", right=True),
    Column(key="baseline", heading="OVER THE BASELINE", right=True),
    Column(key="task_runs", heading="TASK RUNS", right=True),
    Column(key="tokens", heading="TOKENS", right=True),
    Column(key="cost", heading="COST", right=True),
    Column(key="steps", heading="STEPS", right=True),
    Column(key="seconds", heading="TIME", right=True),
)
_PARTS = ("search", "check", "held_out")
_LINES = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))
_SPLIT = (
    Column(key="purpose", heading="FOR"),
    Column(key="task_runs", heading="TASK RUNS AT MOST", right=True),
    Column(key="tokens", heading="TOKENS AT MOST", right=True),
    Column(key="cost_usd", heading="COST AT MOST", right=True),
)


def print_improvement(result: ImproveResult, *, json: bool, look: Look) -> int:
    """Print the final table; the exit code.

    Args:
        result: Of the loop.
        json: As one document.
        look: Colour and width of a table.
    """
    document = result.document
    page = str(result.run.path / "report.html")
    if json:
        print_json({"ok": True, "run": str(result.run.path), "page": page, **document})
        return _IMPROVED if result.improved else _NOT_IMPROVED
    rows = [_row(row, result.seconds.get(row["name"])) for row in result.rows]
    print_rows(_TABLE, rows, format=Format.TABLE, look=look)
    said = {row["name"]: f"{row['ending']}: {row['reason']}" for row in result.rows if row["reason"]}
    parts = ", ".join(
        f"{count} {part.replace('_', '-')}"
        for part, count in sorted(document["panel"]["tasks"].items(), key=lambda one: _PARTS.index(one[0]))
    )
    lines = {
        **said,
        "panel": f"{document['panel']['id']}: {parts} tasks",
        "improved": "yes, on held-out tasks" if result.improved else "no",
        "run": str(result.run.path),
        "page": page,
    }
    print_rows(
        _LINES,
        [{"name": name, "value": value} for name, value in lines.items()],
        format=Format.TABLE,
        look=look,
    )
    return _IMPROVED if result.improved else _NOT_IMPROVED


def print_split(name: str, spec: ImproveSpec, split: BudgetSplit | None, *, json: bool, look: Look) -> None:
    """Print how a loop would divide its budget."""
    document = None if split is None else split.as_document()
    if json:
        print_json({"subject": name, "spec": spec.as_document(), "budget": document})
        return
    if document is None:
        lines = [{"name": "budget", "value": "known once the panel is fixed"}]
        print_rows(_LINES, lines, format=Format.TABLE, look=look)
        return
    rows = [
        {
            "purpose": purpose.replace("_", "-"),
            "task_runs": _limit(share["task_runs"], "{}"),
            "tokens": _limit(share["tokens"], "{:,}"),
            "cost_usd": _limit(share["cost_usd"], "${:.4f}"),
        }
        for purpose, share in document["shares"].items()
    ]
    print_rows(_SPLIT, rows, format=Format.TABLE, look=look)
    lines = [
        {"name": "subject", "value": name},
        {"name": "proposals", "value": f"{document['proposals']} of each arm"},
        {"name": "training", "value": f"{document['training_steps']} optimiser steps"},
    ]
    print_rows(_LINES, lines, format=Format.TABLE, look=look)


def _row(row: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    parts = row["spent"].values()
    total = {name: sum(part[name] for part in parts) for name in ("task_runs", "tokens", "cost_usd")}
    steps = sum(part["training_steps"] for part in parts)
    return {
        "name": row["name"],
        "ending": row["ending"],
        "score": "-" if row["ci95"] is None else _interval(row["score"], row["ci95"], ".3f"),
        "before": _gain(row["over_before"]),
        "baseline": _gain(row["over_baseline"]),
        "task_runs": str(total["task_runs"]),
        "tokens": f"{total['tokens']:,}",
        "cost": f"${total['cost_usd']:.4f}",
        "steps": str(steps) if steps else "",
        "seconds": "-" if seconds is None else f"{seconds:.0f} s",
    }


def _gain(change: Mapping[str, Any] | None) -> str:
    return "" if change is None else _interval(change["difference"], change["ci95"], "+.3f")


def _interval(value: float, ends: Any, form: str) -> str:
    return f"{value:{form}} [{ends[0]:{form}}, {ends[1]:{form}}]"


def _limit(value: float | None, form: str) -> str:
    return "no limit" if value is None else form.format(value)
