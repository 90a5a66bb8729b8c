"""How a command ends: its exit code, and the one panel that explains an error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from enum import IntEnum
from typing import Any

import typer

from honing.cli.own_options import OWN_OPTIONS
from honing.errors import HoningError


class Ending(IntEnum):
    """Exit codes that no error carries; the others are `HoningError.exit_code`."""

    DONE = 0
    FAILED = 1
    INTERRUPTED = 130


def report_failure(error: Exception, *, environ: Mapping[str, str], debug: bool) -> int:
    """Show an error on stderr and return the exit code.

    An error with a name is explained without a stack trace; anything else is a defect of Honing and says so.

    Args:
        error: What was raised.
        environ: Variables that decide about colour, and HONING_DEBUG.
        debug: Whether to show the stack trace.
    """
    if debug or environ.get("HONING_DEBUG", "").lower() in {"1", "true", "yes", "on"}:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, HoningError):
        _show(str(error), environ)
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return _show_usage(error, environ)
    if isinstance(error, typer.Abort):
        _show("not confirmed, so nothing was done.", environ)
        return Ending.FAILED
    _show(
        f"{type(error).__name__}: {error}\nThis is a defect of Honing, not of your input. "
        "Run the command again with --debug and report what it prints.",
        environ,
    )
    return Ending.FAILED


def _show_usage(error: typer.TyperException, environ: Mapping[str, str]) -> int:
    ctx: Any = getattr(error, "ctx", None)
    message = error.format_message()
    if ctx is not None and message == ctx.get_help():
        # No command was given: the help is the answer, but nothing was done.
        typer.echo(message, err=True)
        return error.exit_code
    if option := getattr(error, "option_name", ""):
        message = _with_nearest(message.split(" (Possible", 1)[0].rstrip(".") + ".", option, ctx)
    where = "hone" if ctx is None else ctx.command_path
    _show(f"{message}\n`{where} --help` shows what it understands.", environ)
    return error.exit_code


def _with_nearest(message: str, option: str, ctx: Any) -> str:
    known = [name for own in OWN_OPTIONS for name in own.names]
    if ctx is not None:
        known += [name for param in ctx.command.params for name in param.opts]
    near = get_close_matches(option, known, n=1, cutoff=0.65)
    return f"{message} Did you mean {near[0]}?" if near and near[0] != option else message


def _show(text: str, environ: Mapping[str, str]) -> None:
    from honing.cli.printing import Look, visible

    text = visible(text, keep="\n")
    if not sys.stderr.isatty():
        typer.echo(f"hone: error: {text}", err=True)
        return
    from rich.panel import Panel
    from rich.text import Text

    console = Look.of_environment(environ).console(sys.stderr)
    console.print(
        Panel(
            Text(text),
            title="error",
            title_align="left",
            border_style="red",
            width=_width(text, console.width),
        )
    )


def _width(text: str, available: int) -> int:
    return min(available, 100, max(len(line) for line in text.splitlines() or [""]) + 4)
