"""`hone teach panel`: fixed task lists as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from honing.cli.commands import command_app
from honing.cli.endings import Ending
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows, visible

app = command_app(
    """Fix a list of tasks as a file, and check later that they are still the same.

    \b
    Examples:
      hone teach panel make --environment shop --split evaluate --n-tasks 100 --output panel.json
      hone teach panel verify panel.json
    """,
    group=True,
)

_DIFFERENCES = [
    Column(key="where", heading="WHERE"),
    Column(key="what", heading="WHAT"),
    Column(key="expected", heading="IN THE PANEL", show=visible),
    Column(key="found", heading="NOW", show=visible),
]


@app.command("make")
def make(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where the panel goes.")],
    environment: Annotated[str, typer.Option(help="World: shop, babyai, textworld ...")] = "shop",
    env_option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Option of the world; may be repeated.")
    ] = None,
    split: Annotated[str, typer.Option(help="Whose tasks.")] = "evaluate",
    n_tasks: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the drawing.")] = 0,
) -> None:
    """Write the first tasks of a split, each with a hash of what it shows first.

    \b
    Examples:
      hone teach panel make --environment babyai --env-option mode=skills --output panel.json
    """
    import yaml

    from honing.cli.measure_words import pairs
    from honing.environments import make_panel
    from honing.store import write_atomic

    given = pairs(env_option or [], "--env-option", "NAME=VALUE")
    options = {name: yaml.safe_load(value) for name, value in given.items()}
    place = Frame.of(ctx).cwd / output
    panel = make_panel(environment, options, split=split, n=n_tasks, seed=seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(place, panel.to_bytes())
    typer.echo(f"{len(panel.rows)} tasks of {environment}, split {split}: {place}")


@app.command("verify")
def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A panel.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")] = False,
) -> int:
    """Begin every task of a panel again and list what differs; exit 1 where anything does.

    \b
    Examples:
      hone teach panel verify panel.json
    """
    from honing.environments import read_panel, verify_panel
    from honing.errors import UsageError

    frame = Frame.of(ctx)
    try:
        content = (frame.cwd / file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}. Name a panel's file.") from error
    panel = read_panel(content, source=str(file))
    found = verify_panel(panel)
    if json:
        rows = [difference.as_document() for difference in found]
        print_json({"ok": not found, "tasks": len(panel.rows), "differences": rows})
        return _code(same=not found)
    print_rows(
        _DIFFERENCES,
        [difference.as_document() for difference in found],
        format=Format.chosen(json=json, tsv=tsv),
        look=frame.look(frame.settings()),
        empty=f"all {len(panel.rows)} tasks are as they were",
    )
    return _code(same=not found)


def _code(*, same: bool) -> int:
    return Ending.DONE if same else Ending.FAILED
