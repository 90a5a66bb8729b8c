"""`hone report`: a run's page as one HTML file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import visible
from honing.errors import StoreError

if TYPE_CHECKING:
    from honing.store import Report, Run

app = command_app()


@app.command()
def report(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Name, id, the start of either, or latest.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write it; - is stdout.")
    ] = None,
) -> None:
    """Write a run's page as one HTML file that needs nothing else, and print where it lies.

    \b
    Examples:
      hone report latest
      hone report latest --out page.html
      hone report latest --out - > page.html
    """
    from honing.store import find_run
    from honing.view import render

    frame = Frame.of(ctx)
    found = find_run(frame.settings().paths.home, run)
    page = render(report_to_show(found))
    if str(out) == "-":
        sys.stdout.write(page)
        return
    target = found.write_text("report.html", page) if out is None else _write(frame.cwd / out, page)
    sys.stdout.write(f"{visible(str(target))}\n")


def report_to_show(run: Run) -> Report:
    """The run's report; of a harness, as its ledger stands; where there is none, what its folder says."""
    if run.kind == "harness":
        from honing.harness import report_of

        return report_of(run)
    from honing.store import Report

    source = run.path / "report.json"
    if os.path.lexists(source):
        return Report.read(source)
    from honing.view import bare_page

    return bare_page(run)


def _write(target: Path, page: str) -> Path:
    try:
        target.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}. Choose another --out.") from error
    return target
