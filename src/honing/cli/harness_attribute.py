"""`hone harness attribute`: which parts of the winner's changes matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledgers import RUN_HELP, run_of
from honing.cli.printing import Column, Format, print_json, print_rows, tell, visible

if TYPE_CHECKING:
    pass


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _span(ends: list[float] | None) -> str:
    if ends is None:
        return "-"
    return "exact" if ends[0] == ends[1] else f"[{ends[0]:+.4f}, {ends[1]:+.4f}]"


_LINES = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))
_PARTS = (
    Column(key="id", heading="PART"),
    Column(key="finding", heading="FINDING"),
    Column(key="contribution", heading="CONTRIBUTION", show=_signed, right=True),
    Column(key="interval", heading="INTERVAL", show=_span, from_width=70),
    Column(key="summary", heading="WHAT IT IS", show=visible),
)
_PLANNED = (
    Column(key="id", heading="PART"),
    Column(key="kind", heading="KIND"),
    Column(key="summary", heading="WHAT IT IS", show=visible),
)


def attribute(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP)],
    candidate: Annotated[
        str, typer.Argument(metavar="[CANDIDATE]", help="Its id; the run's winner where absent.")
    ] = "",
    max_task_runs: Annotated[
        int | None, typer.Option(min=1, help="Task runs at most; changes are joined until they fit.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(min=1, help="Seeds of tasks that are not deterministic; more is surer.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the parts and what it would take; judge nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values: one part a line.")] = False,
) -> None:
    """Take each part of the winner's changes back, judge the harness again, and say what the part is worth.

    \b
    Examples:
      hone harness attribute latest --dry-run
      hone harness attribute latest
      hone harness attribute ./my-project/runs/first --max-task-runs 200 --json

    The answer is kept in the run as attribution.json and on its page. What was judged before is not judged
    again: a call that was interrupted goes on where it stopped.
    """
    from honing.experiments import contract_objectives
    from honing.harness import AttributionRequest, attribute_run, attribution_forecast

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    request = AttributionRequest(
        candidate=candidate,
        most_task_runs=max_task_runs,
        repeats=repeats,
        contracts=contract_objectives(settings.sandbox.kind, settings.models.endpoints()),
        told=lambda line: tell(settings, f"judging {line}"),
    )
    found = run_of(frame, settings, run)
    document = attribution_forecast(found, request) if dry_run else attribute_run(found, request)
    if format is Format.JSON:
        print_json(document)
        return
    look = frame.look(settings)
    print_rows(_PLANNED if dry_run else _PARTS, document["parts"], format=format, look=look)
    if format is Format.TABLE:
        words = _forecast_words(document) if dry_run else _words(document)
        rows = [{"name": name, "value": value} for name, value in words.items() if value]
        print_rows(_LINES, rows, format=format, look=look)


def _words(document: dict[str, Any]) -> dict[str, str]:
    """What a person reads beside the parts."""
    gain, idle = document["gain"], document["without_idle"]
    pairs = "\n".join(
        f"{' and '.join(one['parts'])} are {one['together']}: {_signed(one['contribution'])} together"
        for one in document["pairs"]
    )
    without = (
        "" if idle is None else f"{', '.join(idle['taken_back'])} taken back: score {_score(idle['score'])}"
    )
    regressed = ", ".join(
        f"{one['task']} {one['before']:.3f} to {one['after']:.3f}" for one in document["regressed"]
    )
    predicted = ", ".join(
        f"{one['candidate']}: {one['hits']} of {one['predicted']} predicted fixes came true"
        for one in document["predictions"]
        if one["predicted"]
    )
    return {
        "winner": f"{document['winner']}, score {_score(document['score'])}",
        "gain over baseline": f"{_signed(gain['contribution'])} {_span(gain['interval'])}",
        "pairs": visible(pairs, keep="\n"),
        "without what does nothing": without,
        "regressed": visible(regressed),
        "predicted": visible(predicted),
    }


def _forecast_words(document: dict[str, Any]) -> dict[str, str]:
    return {
        "winner": document["winner"],
        "evaluations": f"{document['evaluations']} ({document['pairs']} of them pairs)",
        "task runs": f"{document['task_runs_at_most']} at most; those that are known are not made again",
    }


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
