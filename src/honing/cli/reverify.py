"""`hone reverify`: the stored samples of a run, judged again without any model."""

from __future__ import annotations

from typing import Annotated

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows

app = command_app()


@app.command()
def reverify(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Name, id or folder of a run, or `latest`.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Judge a run's stored samples again. No model is called, and the run is not changed.

    \b
    Examples:
      hone reverify latest
      hone reverify 20261121-0930 --json

    Exit code 1 when a stored reward no longer stands.
    """
    from honing.contract import reverify as judge_again
    from honing.store import find_run

    frame = Frame.of(ctx)
    settings = frame.settings()
    found = judge_again(find_run(settings.paths.home, run), sandbox=settings.sandbox.kind.value)
    if json:
        print_json(found.as_document())
        return 0 if found.ok else 1
    look = frame.look(settings)
    lines = [
        {"name": "run", "value": found.run},
        {"name": "samples judged", "value": f"{found.n}"},
        {"name": "stored score", "value": _number(found.stored)},
        {"name": "score now", "value": _number(found.score)},
        {"name": "rewards that differ", "value": f"{len(found.changed)}"},
    ]
    plain = (Column(key="name", heading=""), Column(key="value", heading=""))
    print_rows(plain, lines, format=Format.TABLE, look=look)
    if found.changed:
        columns = tuple(Column(key=key, heading=key) for key in ("id", "epoch", "stored", "now", "why"))
        print_rows(columns, found.changed[:20], format=Format.TABLE, look=look)
    return 0 if found.ok else 1


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
