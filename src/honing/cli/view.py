"""`hone view`: the live page over all runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from honing.store import Run

app = command_app()


@app.command()
def view(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", help="This machine's own address; no other is accepted.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the address in this machine's browser.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Nothing can be stopped or resumed from the page.")
    ] = False,
) -> None:
    """Serve a page on which all runs are listed, watched, compared, stopped and resumed.

    \b
    Examples:
      hone view
      hone view --port 8000 --open
      hone view --read-only

    The address, with the token that opens it, goes to stdout. Only this machine is answered. Ctrl-C ends it
    (exit code 130), SIGTERM too (0); runs that were resumed from the page go on.
    """
    from honing.view import Actions, LiveOptions, serve

    frame = Frame.of(ctx)
    settings = frame.settings()
    home = settings.paths.home

    def listening(address: str) -> None:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        if not settings.output.quiet:
            sys.stderr.write(f"the runs in {home}; Ctrl-C ends this page\n")
        if open_:
            import webbrowser

            webbrowser.open(address)

    actions = Actions(report_of=_report_of, compare=_paired, resume=_resumer(home, frame))
    serve(home, actions, LiveOptions(host=host, port=port, read_only=read_only), listening=listening)


def _report_of(run: Run) -> Any:
    from honing.cli.report import report_to_show

    return report_to_show(run)


def _paired(a: Run, b: Run) -> Mapping[str, Any] | None:
    """What `hone runs compare` prints; None for runs that have no samples to pair."""
    if (a.kind, b.kind) != ("measure", "measure"):
        return None
    from honing.contract import compare_runs

    return compare_runs(a, b).as_document()


def _resumer(home: Path, frame: Frame) -> Callable[[Run], subprocess.Popen[bytes]]:
    def resume(run: Run) -> subprocess.Popen[bytes]:
        """`hone runs resume`, in a session of its own: it outlives this server."""
        from honing.view import RESUMED

        log = run.path / RESUMED
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            log.parent.mkdir(exist_ok=True)
            descriptor = os.open(log, flags, 0o644)
        except OSError as error:
            raise StoreError(f"{log}: cannot be written: {error.strerror}. Check its owner.") from error
        words = [sys.executable, "-m", "honing", "--home", str(home), "runs", "resume", str(run.path)]
        try:
            return subprocess.Popen(
                words,
                cwd=frame.cwd,
                env=dict(frame.environ),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    return resume
