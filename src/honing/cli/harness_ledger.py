"""`hone harness ledger`: every candidate of a run, as far as it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledgers import RUNS_HELP, ledgers_of
from honing.cli.printing import Column, Format, print_json, print_rows, visible

if TYPE_CHECKING:
    from honing.harness import Ledger


def ledger(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help=RUNS_HELP)],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values, every column.")] = False,
) -> None:
    """List every candidate of runs, whether they work, were killed or are done: outcome, score, cost.

    \b
    Examples:
      hone harness ledger latest
      hone harness ledger ./my-project/runs --tsv > ledger.tsv
      hone harness ledger latest --json | jq '.candidates[] | select(.outcome == "keep")'
    """
    from honing.harness import LEDGER_COLUMNS, ledger_document, ledger_rows

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    found = ledgers_of(frame, settings, runs)
    if format is Format.JSON:
        documents = [ledger_document(each) for each in found]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    look = frame.look(settings)
    if format is Format.TSV:
        columns = [Column(key=name, heading=name) for name in LEDGER_COLUMNS]
        rows = [row for each in found for row in ledger_rows(each)]
        print_rows(columns, rows, format=format, look=look)
    for each in found if format is Format.TABLE else []:
        if len(found) > 1:
            sys.stdout.write(f"{visible(each.name)}\n")
        print_rows(
            _COLUMNS, [_shown(row) for row in ledger_rows(each)], format=format, look=look, empty="no rows"
        )
    for each in found:
        sys.stderr.write("".join(f"{visible(line)}\n" for line in standing(each)))


def standing(ledger: Ledger) -> list[str]:
    """Where a run stands, in a few lines for a person."""
    from honing.harness import ledger_document

    document = ledger_document(ledger)
    spend = ledger.spend
    lines = [f"{ledger.name}: {ledger.status.value}{f', {ledger.reason}' if ledger.reason else ''}"]
    for arm, one in document["progress"].items():
        leads = f"best {one['best']} at {show_score(one['best_estimate'])}" if one["best"] else "no score yet"
        under_way = f", under way {', '.join(one['running'])}" if one["running"] else ""
        lines.append(f"  {arm}: {one['made']} of {one['planned']} proposals, {leads}{under_way}")
    lines.append(
        f"  spent: {spend.calls:,} calls, {spend.tokens:,} tokens, {show_cost(spend.cost_usd)}, "
        f"{spend.task_runs:,} task runs"
    )
    return lines + [f"  damaged: {one}" for one in ledger.damage]


def show_score(value: float | None) -> str:
    """A score for people; a dash where there is none."""
    return "-" if value is None else f"{value:.4f}"


def show_cost(value: float | None) -> str:
    """Money for people."""
    return "-" if value is None else f"${value:.4f}"


_COLUMNS = [
    Column(key="candidate_id", heading="CANDIDATE"),
    Column(key="parent_candidate_ids", heading="FROM", from_width=70),
    Column(key="outcome", heading="OUTCOME"),
    Column(key="objective", heading="SCORE", show=show_score, right=True),
    Column(key="estimate", heading="ESTIMATE", show=show_score, right=True, from_width=60),
    Column(key="test_objective", heading="HELD OUT", show=show_score, right=True, from_width=90),
    Column(key="changed_file_count", heading="FILES", right=True, from_width=80),
    Column(key="cost_usd", heading="COST", show=show_cost, right=True, from_width=80),
    Column(key="why", heading="WHY", from_width=60),
]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    best = " *" if row["is_best"] else ""
    contained = "" if "unconfined" not in row["sandbox"] else "UNCONFINED: "
    return {**row, "candidate_id": row["candidate_id"] + best, "why": contained + row["outcome_summary"]}
