"""`hone teach report`: figures, tables and claims from a folder of results, however they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import print_json
from honing.errors import UsageError


def report(
    ctx: typer.Context,
    results_dir: Annotated[
        Path,
        typer.Option("--results-dir", metavar="DIR", help="Holds phase0 ... phase5, as a run does."),
    ],
    output_dir: Annotated[
        Path, typer.Option("--output-dir", metavar="DIR", help="Gets figures/, tables/ and the claims.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Draw every figure and write every table that the results allow: PDF and PNG, Markdown and LaTeX.

    \b
    Examples:
      hone teach report --results-dir results --output-dir paper
      hone teach report --results-dir runs/first --output-dir paper --json

    Nothing is computed anew; a phase that has not run is left out. Same results, same bytes.
    """
    from honing.teach import publish

    frame = Frame.of(ctx)
    folder = frame.cwd / results_dir
    if not any(folder.glob("phase*")):
        raise UsageError(f"{folder}: there is no folder phase0 to phase5 in it, so nothing to report on.")
    written = publish(folder, frame.cwd / output_dir)
    if json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"wrote {path}")
