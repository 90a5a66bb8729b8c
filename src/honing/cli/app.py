"""`hone` itself: one command run to its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from honing.cli.commands import CommandTable, command_app
from honing.cli.endings import Ending, report_failure
from honing.cli.own_options import SETTINGS_FILE, take_own_options

_HELP = """Make an LLM agent better at any benchmark, and prove it.

\b
Examples:
  hone doctor                          what is ready on this machine
  hone runs list                       the runs so far
  hone report RUN                      a run's page as one HTML file
  hone config show --origin            every setting and where it comes from

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 a tool is missing,
4 budget exhausted, 5 stopped and resumable, 6 a tracker failed, 130 Ctrl-C.
"""


def _print_version(wanted: bool) -> None:
    if wanted:
        from honing import __version__

        typer.echo(f"honing {__version__}")
        raise typer.Exit


def hone(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """Runs before every command; its options other than --version are read by `take_own_options`."""


def run(
    argv: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run `hone` with arguments and return the exit code; an error is shown, never raised.

    Args:
        argv: Arguments without the program's name; those of the process when None.
        environ: Variables; those of the process when None.
        cwd: Working directory; that of the process when None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    environ = os.environ if environ is None else environ
    try:
        code = _invoke(arguments, environ, cwd)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does: not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Ending.DONE
    except KeyboardInterrupt as error:
        code = Ending.INTERRUPTED
        if str(error):
            typer.echo(f"{error} The same command does so.", err=True)
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes an exit code
        code = report_failure(error, environ=environ, debug="--debug" in arguments)
    if code == Ending.INTERRUPTED:
        typer.echo("interrupted", err=True)
    return code


def _invoke(arguments: list[str], environ: Mapping[str, str], cwd: Path | None) -> int:
    own, rest = take_own_options(arguments)
    file = own.pop(SETTINGS_FILE, None)
    frame = None
    if not {"--help", "-h", "--version"} & set(rest):
        # Settings cost some milliseconds that a help text need not pay.
        from honing.cli.frame import Frame
        from honing.cli.tracking import telling_tracker

        folder = Path.cwd() if cwd is None else cwd
        frame = Frame(
            environ=environ,
            cwd=folder,
            flags=own,
            arguments=rest,
            settings_file=None if file is None else folder / file,
        )
    # Options about completion need pydantic: they are there only where no command is given.
    completion = rest[:1] == [] or rest[0].startswith("-")
    app = command_app(_HELP, cls=CommandTable, callback=hone, add_completion=completion, no_args_is_help=True)
    command = typer.main.get_command(app)
    with nullcontext() if frame is None else telling_tracker(frame):
        # typer gives back what the command returned, or the code it exited with.
        code = command.main(args=rest, prog_name="hone", standalone_mode=False, obj=frame)
    return code if isinstance(code, int) else Ending.DONE
