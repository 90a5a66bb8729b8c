"""`hone runs export`: a run in somebody else's form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import print_json, visible
from honing.errors import UsageError


def export(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Name, id, the start of either, or latest.")],
    to: Annotated[str, typer.Option("--to", help="harbor, inspect, verifiers or hf-results.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder.")],
    model: Annotated[str, typer.Option(help="Which model, where the run measured several.")] = "",
    dataset: Annotated[str, typer.Option(help="For hf-results: owner/name of the benchmark's data.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a run as Harbor tasks, an inspect log, a verifiers package, or results for the hub.

    \b
    Examples:
      hone runs export latest --to inspect --out logs
      hone runs export latest --to harbor --out tasks
      hone runs export latest --to hf-results --dataset owner/name --out model-repo

    Contract hash, run, level and interval go with every number. A run that is not calibrated says so there.
    """
    from honing.contract import Form, export_run
    from honing.store import find_run

    forms = {form.value: form for form in Form}
    if to not in forms:
        raise UsageError(f"--to {to!r}: no such form. The forms are {', '.join(forms)}.")
    frame = Frame.of(ctx)
    found = find_run(frame.settings().paths.home, run)
    exported = export_run(found, forms[to], frame.cwd / out, model=model, dataset=dataset)
    if json:
        print_json(
            {
                "form": exported.form.value,
                "path": str(exported.path),
                "files": list(exported.files),
                "notes": list(exported.notes),
            }
        )
        return
    sys.stdout.write(f"wrote {len(exported.files)} files to {visible(str(exported.path))}\n")
    for note in exported.notes:
        sys.stderr.write(f"note: {visible(note)}\n")
