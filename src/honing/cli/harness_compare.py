"""`hone harness compare`: runs of one project beside each other."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledger import show_score
from honing.cli.harness_ledgers import RUNS_HELP, ledgers_of
from honing.cli.printing import Column, Format, print_json, print_rows, visible


def compare(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help=RUNS_HELP)],
    by_task: Annotated[bool, typer.Option("--by-task", help="One line for each task.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values, every column.")] = False,
) -> None:
    """Compare the winners of runs with that of the first, paired task by task, across agents and models.

    \b
    Examples:
      hone harness compare codex-run claude-run
      hone harness compare A B C --by-task
      hone harness compare ./my-project/runs --tsv > compare.tsv
    """
    from honing.harness import COMPARE_COLUMNS, compare_ledgers

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    found = compare_ledgers(ledgers_of(frame, settings, runs))
    if format is Format.JSON:
        print_json(found.as_document())
        return
    rows: list[dict[str, Any]] = [dict(row) for row in found.rows]
    columns = [Column(key=name, heading=name) for name in COMPARE_COLUMNS]
    if by_task:
        names = [row["run_name"] for row in rows]
        rows = [
            {**row, **row["scores"], "held_out": "yes" if row["held_out"] else "no"} for row in found.by_task
        ]
        columns = [Column(key=name, heading=name.upper()) for name in ("task", "weight", "held_out")]
        columns += [Column(key=name, heading=name, show=show_score, right=True) for name in names]
    elif format is Format.TABLE:
        columns, rows = _COLUMNS, [_shown(row) for row in rows]
    print_rows(columns, rows, format=format, look=frame.look(settings))
    sys.stderr.write("".join(f"{visible(remark)}\n" for remark in found.remarks))


_COLUMNS = [
    Column(key="run_name", heading="RUN"),
    Column(key="agent", heading="AGENT"),
    Column(key="budget", heading="BUDGET", right=True, from_width=80),
    Column(key="best_objective", heading="BEST", show=show_score, right=True),
    Column(key="best_estimate", heading="ESTIMATE", show=show_score, right=True, from_width=90),
    Column(key="against", heading="MINUS THE FIRST"),
    Column(key="flips", heading="BETTER/WORSE/EQUAL", from_width=90),
    Column(key="p_value", heading="P", show=lambda p: "-" if p is None else f"{p:.3g}", right=True),
    Column(key="held_out", heading="HELD OUT", from_width=110),
    Column(key="remarks", heading="REMARKS", from_width=120),
]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    flips = "-" if row["better"] is None else f"{row['better']}/{row['worse']}/{row['equal']}"
    return {
        **row,
        "agent": f"{row['backend']} {row['model']}".strip(),
        "against": _interval(row, "difference"),
        "held_out": _interval(row, "test_difference"),
        "flips": flips,
    }


def _interval(row: dict[str, Any], key: str) -> str:
    if row[key] is None:
        return "-"
    if row[f"{key}_low"] is None:
        return f"{row[key]:+.4f}"
    return f"{row[key]:+.4f} [{row[f'{key}_low']:+.4f}, {row[f'{key}_high']:+.4f}]"
