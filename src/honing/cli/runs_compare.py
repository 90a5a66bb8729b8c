"""`hone runs compare`: two runs on the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows, visible

if TYPE_CHECKING:
    from honing.contract import RunComparison

_SHOWN_FLIPS = 20
_FLIPS = [
    Column(key="id", heading="SAMPLE"),
    Column(key="epoch", heading="EPOCH", right=True),
    Column(key="a", heading="A", right=True),
    Column(key="b", heading="B", right=True),
]


def compare(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="The baseline: name, id, or latest.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run it is compared with.")],
    model_a: Annotated[str, typer.Option(help="Which model of A, where it measured several.")] = "",
    model_b: Annotated[str, typer.Option(help="Which model of B, where it measured several.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Compare unequal contracts, with a warning.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print the flipped samples, tab-separated.")] = False,
) -> None:
    """Compare two runs, sample by sample: difference, interval, test, power, and what flipped.

    \b
    Examples:
      hone runs compare 2026-11-20-base 2026-11-21-tuned
      hone runs compare latest latest --model-a small --model-b large
      hone runs compare A B --tsv | sort
    """
    from honing.contract import compare_runs
    from honing.store import find_run

    frame = Frame.of(ctx)
    settings = frame.settings()
    home = settings.paths.home
    found = compare_runs(find_run(home, a), find_run(home, b), force=force, models=(model_a, model_b))
    format = Format.chosen(json=json, tsv=tsv)
    document = found.as_document()
    if format is Format.JSON:
        print_json(document)
        return
    look = frame.look(settings)
    if format is Format.TABLE:
        columns = [Column(key="name", heading=""), Column(key="value", heading="", lines=True)]
        print_rows(columns, _lines(found), format=format, look=look)
    flips = document["flips"] if format is Format.TSV else document["flips"][:_SHOWN_FLIPS]
    print_rows(_FLIPS, flips, format=format, look=look, empty="no sample flipped")


def _lines(found: RunComparison) -> list[dict[str, Any]]:
    """What a person reads first."""
    interval, reach = found.interval, found.reach
    excluded = ", ".join(f"{count} {reason}" for reason, count in found.excluded.items())
    difference = f"{interval.estimate:+.4f}  [{interval.low:+.4f}, {interval.high:+.4f}]"
    lines = {
        "A": f"{found.a.run}  {found.a.model}  {found.a.mean:.4f}  ({found.a.label}, {found.a.level})",
        "B": f"{found.b.run}  {found.b.model}  {found.b.mean:.4f}  ({found.b.label}, {found.b.level})",
        "pairs": f"{found.pairs} of {found.tasks} tasks" + (f"; left out: {excluded}" if excluded else ""),
        "B minus A": f"{difference}  {interval.method}",
        "test": f"p = {found.p_value:.4g}  {found.test}",
        "B better, A better, equal": f"{found.better_b}, {found.better_a}, {found.ties}",
        "power": _power(found),
        "verdict": "undecided" if found.verdict == "undecided" else f"{found.verdict} is better",
    }
    if reach.needed is None and reach.smallest is None:
        del lines["power"]
    rows = [{"name": name, "value": visible(value)} for name, value in lines.items()]
    return rows + [{"name": "warning", "value": visible(warning)} for warning in found.warnings]


def _power(found: RunComparison) -> str:
    reach = found.reach
    parts = []
    if reach.needed is not None:
        parts.append(f"a difference like this one needs {reach.needed} {reach.unit} for a power of 0.8")
    if reach.smallest is not None:
        parts.append(f"these find one of {reach.smallest:.4f} or more")
    return "; ".join(parts)
