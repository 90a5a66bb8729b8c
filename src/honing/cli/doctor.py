"""`hone doctor`: what is ready, and how to fix what is not."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from honing.cli.checks import Check, Status, run_checks
from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, Look, print_json, print_rows, visible, write_trimmed
from honing.errors import MissingToolError

if TYPE_CHECKING:
    from rich.console import Console

app = command_app()

_COLUMNS = [Column(key=name, heading=name.upper()) for name in ("group", "name", "status", "detail", "fix")]
_WORDS = {
    Status.READY: ("ok", "green"),
    Status.ABSENT: ("-", "yellow"),
    Status.MISSING: ("MISSING", "bold red"),
}
_NARROW = 72


@app.command()
def doctor(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")] = False,
) -> None:
    """Say what is ready on this machine, and how to fix what is not.

    \b
    Examples:
      hone doctor
      hone doctor --json | jq .ready

    Nothing is installed, no model is called, no key is shown. Exits with 0 when the base jobs can run, and
    with 3 when something that Honing itself needs is missing.
    """
    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    checks = run_checks(settings, frame.environ)
    missing = [check for check in checks if check.status is Status.MISSING]
    rows = [dataclasses.asdict(check) for check in checks]
    if format is Format.JSON:
        print_json({"ready": not missing, "checks": rows})
    elif format is Format.TSV:
        print_rows(_COLUMNS, rows, format=format, look=frame.look(settings))
    else:
        _print_checks(checks, frame.look(settings))
    if missing:
        raise typer.Exit(MissingToolError.exit_code)


def _print_checks(checks: Sequence[Check], look: Look) -> None:
    from honing import __version__

    console = look.console(sys.stdout)
    missing = [check.name for check in checks if check.status is Status.MISSING]
    verdict = f"not ready: {', '.join(missing)}" if missing else "ready: the base jobs can run"
    with console.capture() as captured:
        console.print(f"honing {__version__}")
        for group, members in groupby(checks, key=lambda check: check.group):
            console.print(f"\n{group}", style="bold")
            for check in members:
                _print_check(check, console)
        console.print(f"\n{verdict}", style="bold red" if missing else "bold green")
    write_trimmed(captured.get())


def _print_check(check: Check, console: Console) -> None:
    """One check in three columns, or one below the other on a narrow terminal."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    word, style = _WORDS[check.status]
    body = Text(visible(check.detail))
    if check.fix:
        body.append(f"\nfix: {visible(check.fix)}", style="dim")
    if console.width < _NARROW:
        head = Text.assemble("  ", (f"{word:<2}", style), " ", check.name)
        console.print(head)
        console.print(Padding(body, (0, 0, 0, 5)))
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=9)
    grid.add_column(width=18)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {word}", style=style), check.name, body)
    console.print(grid)
