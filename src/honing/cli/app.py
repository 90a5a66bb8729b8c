"""`hone` itself: its own options, and one command run to its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from honing.cli.commands import CommandTable, command_app
from honing.cli.endings import Ending, report_failure

_HELP = """Make an LLM agent better at any benchmark, and prove it.

\b
Examples:
  hone doctor                          what is ready on this machine
  hone runs list                       the runs so far
  hone report RUN                      a run's page as one HTML file
  hone config show --origin            every setting and where it comes from

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 a tool is missing,
4 budget exhausted, 5 stopped and resumable, 130 Ctrl-C.
"""

app = command_app(_HELP, cls=CommandTable, add_completion=True, no_args_is_help=True)

# Where the user writes them does not matter: they are moved in front of the command.
_OWN_SWITCHES = frozenset({"--debug", "--quiet", "-q", "--no-progress"})
_OWN_VALUES = frozenset({"--home", "--settings", "--color"})


def _print_version(wanted: bool) -> None:
    if wanted:
        from honing import __version__

        typer.echo(f"honing {__version__}")
        raise typer.Exit


@app.callback()
def hone(
    ctx: typer.Context,
    home: Annotated[str | None, typer.Option("--home", metavar="FOLDER", help="Folder of runs.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Config file to use instead of those found."),
    ] = None,
    color: Annotated[
        str | None, typer.Option("--color", metavar="WHEN", help="auto, always or never.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    # Settings cost some milliseconds that `--help` need not pay.
    from honing.cli.frame import Frame

    flags = {
        "paths.home": home,
        "output.colour": color,
        "output.quiet": quiet or None,
        "output.progress": False if no_progress else None,
        "output.debug": debug or None,
    }
    ctx.obj = Frame(environ=os.environ, cwd=Path.cwd(), flags=flags, settings_file=settings)


def run(argv: Sequence[str] | None = None) -> int:
    """Run `hone` with arguments and return the exit code; an error is shown, never raised."""
    arguments = _own_options_first(sys.argv[1:] if argv is None else argv)
    command = typer.main.get_command(app)
    try:
        # typer gives back what the command returned, or the code it exited with.
        code = command.main(args=arguments, prog_name="hone", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does: not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Ending.DONE
    except KeyboardInterrupt:
        code = Ending.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes an exit code
        code = report_failure(error, environ=os.environ, debug="--debug" in arguments)
    if code == Ending.INTERRUPTED:
        typer.echo("interrupted", err=True)
    return code if isinstance(code, int) else Ending.DONE


def _own_options_first(arguments: Sequence[str]) -> list[str]:
    own: list[str] = []
    rest: list[str] = []
    position = 0
    while position < len(arguments) and arguments[position] != "--":
        argument = arguments[position]
        takes_next = argument in _OWN_VALUES and position + 1 < len(arguments)
        is_own = takes_next or argument in _OWN_SWITCHES or argument.partition("=")[0] in _OWN_VALUES
        width = 2 if takes_next else 1
        (own if is_own else rest).extend(arguments[position : position + width])
        position += width
    return [*own, *rest, *arguments[position:]]
