"""`hone harness inspect`: one run, or one candidate of it, in full."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledger import show_cost, show_score
from honing.cli.harness_ledgers import RUN_HELP, ledger_of
from honing.cli.printing import Column, Format, print_json, print_rows, visible

_LINES = [Column(key="name", heading=""), Column(key="value", heading="", lines=True)]
_FIELDS = [Column(key="name", heading="field"), Column(key="value", heading="value")]
_TASKS = [
    Column(key="task", heading="TASK"),
    Column(key="weight", heading="WEIGHT", right=True),
    Column(key="parent", heading="PARENT", show=show_score, right=True),
    Column(key="score", heading="SCORE", show=show_score, right=True),
    Column(key="status", heading="STATUS", from_width=70),
    Column(key="reason", heading="WHY", from_width=60),
]


def inspect(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP)],
    candidate: Annotated[
        str, typer.Argument(metavar="[CANDIDATE]", help="Its id, or best, baseline or control.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values: field and value.")] = False,
) -> None:
    """Show a run (project, agent, budget, arms, winner, warnings), or one candidate with its diff and tasks.

    \b
    Examples:
      hone harness inspect latest
      hone harness inspect latest best
      hone harness inspect latest c0003 --json | jq .diff -r
    """
    from honing.harness import candidate_details, run_details

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    ledger = ledger_of(frame, settings, run)
    details = candidate_details(ledger, candidate) if candidate else run_details(ledger)
    look = frame.look(settings)
    if format is Format.JSON:
        print_json(details)
    elif format is Format.TSV:
        flat = (
            {**details["row"], **{k: details[k] for k in ("tasks", "predictions", "diff")}}
            if candidate
            else details
        )
        rows = [{"name": name, "value": value} for name, value in flat.items()]
        print_rows(_FIELDS, rows, format=format, look=look)
    elif candidate:
        print_rows(_LINES, _lines(_candidate_words(details)), format=format, look=look)
        print_rows(_TASKS, details["tasks"], format=format, look=look, empty="not evaluated")
        sys.stdout.write(visible(details["diff"] or details["diff_problem"], keep="\n\t") + "\n")
    else:
        print_rows(_LINES, _lines(_run_words(details)), format=format, look=look)


def _lines(words: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in words.items() if value]


def _run_words(details: dict[str, Any]) -> dict[str, str]:
    """What a person reads first of a run."""
    spend = details["spend"]
    asked = ", ".join(details["sandboxes"]) or details["sandbox"]
    arms = "" if details["control"] else "; no control arm"
    return {
        "run": f"{details['run_name']}  ({details['run_dir']})",
        "status": ": ".join(filter(None, (details["status"], details["reason"]))),
        "project": f"{details['project']}: {details['objective']}",
        "agent": f"{details['agent']} {details['model']}".strip(),
        "search": f"{details['search']}, {details['proposals']} proposals, keep rule {details['rule']}{arms}",
        "sandbox": "UNCONFINED, " * details["unconfined"] + asked,
        "tasks": f"{len(details['tasks'])} to search by, {details['held_out_tasks']} held out",
        "baseline": show_score(details["baseline_objective"]),
        **{f"{arm} arm": _arm_words(one) for arm, one in details["progress"].items()},
        **_difference_words(details["comparisons"] or {}),
        "held out": ", ".join(
            f"{name} {show_score(score)}" for name, score in details["held_out_scores"].items()
        ),
        "spent": f"{spend['calls']:,} calls, {spend['input_tokens'] + spend['output_tokens']:,} tokens, "
        f"{show_cost(spend['cost_usd'])}, {spend['task_runs']:,} task runs",
        "warning": "\n".join(details["warnings"]),
    }


def _arm_words(one: dict[str, Any]) -> str:
    outcomes = ", ".join(f"{count} {way}" for way, count in one["outcomes"].items())
    best = f"best {one['best']} at {show_score(one['best_estimate'])}" if one["best"] else "no score yet"
    return f"{one['made']} of {one['planned']} proposals, {best}" + (f" ({outcomes})" if outcomes else "")


def _difference_words(comparisons: dict[str, Any]) -> dict[str, str]:
    titles = {
        "gain": "gain",
        "over_control": "over the control",
        "held_out_gain": "held-out gain",
        "held_out_over_control": "held out, over the control",
    }
    return {
        title: f"{one['estimate']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"
        for name, title in titles.items()
        if isinstance(one := comparisons.get(name), dict)
    }


def _candidate_words(details: dict[str, Any]) -> dict[str, str]:
    row = details["row"]
    tokens = (
        f"{row['token_input']:,} in, {row['token_output']:,} out" if row["token_input"] is not None else ""
    )
    return {
        "candidate": f"{row['candidate_id']}{'  (best)' if row['is_best'] else ''}",
        "outcome": f"{row['outcome']}: {row['outcome_summary']}",
        "made from": ", ".join(filter(None, (row["parent_candidate_ids"], row["note"]))),
        "made into": ", ".join(details["children"]),
        "agent": row["proposal_summary"],
        "gate": row["validation_summary"],
        "changed": row["changed_files"].replace(",", "\n"),
        "score": f"{show_score(row['objective'])}, believed {show_score(row['estimate'])}",
        "held out": "" if row["test_objective"] is None else show_score(row["test_objective"]),
        "accepted": row["acceptance_summary"],
        "tasks": row["evaluation_summary"],
        "predicted": row["change_attribution_summary"],
        "tokens": tokens,
        "cost": "" if row["cost_usd"] is None else show_cost(row["cost_usd"]),
        "sandbox": row["sandbox"].replace("unconfined", "UNCONFINED"),
    }
