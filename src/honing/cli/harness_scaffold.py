"""`hone harness scaffold`, `example` and `schema`: projects to start from, and what may stand in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import print_json

_Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet, or is empty.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document: the folder and its files.")]


def scaffold(
    ctx: typer.Context,
    folder: _Folder,
    profile: Annotated[
        str, typer.Option("--profile", help="standard, local-oss-smoke or local-oss-medium.")
    ] = "standard",
    legacy: Annotated[
        bool, typer.Option("--legacy", help="As metaharness.json and tasks.json, not honing.yaml.")
    ] = False,
    json: _Json = False,
) -> int:
    """Write a new project: a baseline harness, tasks, and a solution for a first run without a model.

    \b
    Examples:
      hone harness scaffold ./my-project
      hone harness scaffold ./smoke --profile local-oss-smoke
    """
    from honing.harness import write_scaffold

    files = write_scaffold(Frame.of(ctx).cwd / folder, profile, legacy=legacy)
    return _written(folder, files, json=json)


def example(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; `list` prints all of them.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A folder that does not exist yet, or is empty.")
    ] = None,
    behavioural: Annotated[
        bool,
        typer.Option(
            "--behavioural", help="With graders that look at what the scripts do, not what they say."
        ),
    ] = False,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="As metaharness.json and tasks.json, not honing.yaml.")
    ] = False,
    json: _Json = False,
) -> int:
    """Write one of our own benchmark projects, ready to run.

    \b
    Examples:
      hone harness example list
      hone harness example ticket_router ./tickets
      hone harness example python_fixture ./fixture --behavioural
    """
    from honing.errors import UsageError
    from honing.harness import EXAMPLES, write_example

    if name == "list":
        rows = [
            {"name": one.name, "sentence": one.sentence, "variants": list(one.variants)} for one in EXAMPLES
        ]
        if json:
            print_json(rows)
        else:
            for one in EXAMPLES:
                typer.echo(f"{one.name:18} {one.sentence}")
        return 0
    if folder is None:
        raise UsageError(
            "hone harness example: name the folder to write, as in `hone harness example NAME DIR`."
        )
    if behavioural and legacy:
        raise UsageError(
            "--behavioural and --legacy: the predecessor knows no behavioural graders; give one."
        )
    variant = "behavioural" if behavioural else "legacy" if legacy else "plain"
    files = write_example(name, Frame.of(ctx).cwd / folder, variant=variant)
    return _written(folder, files, json=json)


def schema() -> int:
    """Print the JSON Schema of honing.yaml, for an editor."""
    from honing.harness import project_schema

    print_json(project_schema())
    return 0


def _written(folder: Path, files: Sequence[str], *, json: bool) -> int:
    if json:
        print_json({"folder": str(folder), "files": list(files)})
        return 0
    for file in files:
        typer.echo(str(folder / file))
    solved = " --agent scripted   (its own solution: no model, no key)"
    has_one = any(file.startswith("solution/") for file in files)
    played = solved if has_one else "   (its own proposer: no model, no key)"
    typer.echo(f"\nNext: hone harness run {folder}{played}", err=True)
    return 0
