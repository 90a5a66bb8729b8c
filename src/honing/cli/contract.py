"""`hone contract`: check, show, init and edit the contract of a target."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from honing.cli.commands import command_app
from honing.cli.contract_audit import audit
from honing.cli.contract_derive import derive
from honing.cli.contract_hints import hints
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows

_HELP = """Check, show, write and edit contracts.

\b
Examples:
  hone contract show ./my-benchmark       what would run, and where each part comes from
  hone contract check ./my-benchmark      is it valid? errors name the line
  hone contract derive ./my-benchmark     a contract from its own commands and data, without a model
  hone contract hints ./my-benchmark      the commands that its README, docs, CI and scripts name
  hone contract audit ./my-benchmark      run its controls and try to cheat its grader
  hone contract init ./my-benchmark       write .honing/contract.yaml, to be edited and kept
  hone contract schema > contract.json    the JSON Schema, for an editor
"""

app = command_app(_HELP, group=True)

app.command("derive")(derive)
app.command("hints")(hints)
app.command("audit")(audit)

_Target = Annotated[str, typer.Argument(metavar="TARGET", help="A target, a contract file, or a run.")]


@app.command()
def check(
    ctx: typer.Context,
    target: _Target,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Say whether a contract is valid and what it lacks. Exit code 0 when it could run."""
    from honing.contract import SourceOptions, examine

    frame = Frame.of(ctx)
    settings = frame.settings()
    found = examine(target, SourceOptions(**settings.fetching(frame.environ)))
    if json:
        print_json(found.as_document())
    else:
        columns = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))
        rows = [{"name": name, "value": value} for name, value in found.as_lines()]
        print_rows(columns, rows, format=Format.TABLE, look=frame.look(settings))
    return 0 if found.ok else 1


@app.command()
def show(
    ctx: typer.Context,
    target: _Target,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Print a target's contract, its own or the derived one, with who wrote each part and from which
    anchor."""
    from honing.contract import SourceOptions, dump_contract, examine

    frame = Frame.of(ctx)
    found = examine(target, SourceOptions(**frame.settings().fetching(frame.environ)))
    if found.spec is None:
        print_json(found.as_document()) if json else typer.echo(found.reason, err=True)
        return 1
    if json:
        print_json(found.spec.as_document())
    else:
        sys.stdout.write(dump_contract(found.spec))
    return 0


@app.command()
def init(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="The target's folder.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a contract that is there.")] = False,
) -> int:
    """Write .honing/contract.yaml into a target of yours: derived where that is possible, else a template."""
    from honing.contract import write_initial

    path = write_initial(target, force=force)
    typer.echo(str(path))
    return 0


@app.command()
def edit(target: Annotated[Path, typer.Argument(metavar="FOLDER", help="The target's folder.")]) -> int:
    """Open a target's contract in $EDITOR, written first where there is none, and check it afterwards."""
    from honing.contract import CONTRACT_PATH, load_contract, write_initial
    from honing.errors import UsageError

    path = target / CONTRACT_PATH
    if not path.exists():
        path = write_initial(target, force=False)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=False)
    except OSError as error:
        raise UsageError(f"the editor {editor!r} cannot be started ({error.strerror}); set EDITOR.") from None
    load_contract(path)
    typer.echo(f"{path} is valid")
    return 0


@app.command()
def schema() -> int:
    """Print the JSON Schema of contract.yaml."""
    from honing.contract import json_schema

    print_json(json_schema())
    return 0
