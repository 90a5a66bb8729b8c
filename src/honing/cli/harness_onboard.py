"""`hone harness onboard`: what lies in a folder around an agent, and how it becomes a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import print_json


def onboard(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an agent.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Where the pages go; usually into the folder."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Look at a folder of yours and write ONBOARDING.md and domain_spec.md; no file is ever replaced.

    \b
    Examples:
      hone harness onboard ./my-agent
      hone harness onboard ./my-agent --into ./my-agent-project
    """
    from honing.harness import onboard_folder

    cwd = Frame.of(ctx).cwd
    found = onboard_folder(cwd / folder, None if into is None else cwd / into)
    if json:
        print_json(
            {
                "written": [str(path) for path in found.written],
                "kept": [str(path) for path in found.kept],
                "parts": found.parts,
                "missing": list(found.missing),
            }
        )
        return 0
    for path in found.written:
        typer.echo(str(path))
    for path in found.kept:
        typer.echo(f"{path} is there already and was not replaced", err=True)
    for sentence in found.missing:
        typer.echo(f"missing: {sentence}", err=True)
    return 0
