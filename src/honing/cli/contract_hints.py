"""`hone contract hints`: the commands that a target's own files name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_rows
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.contract import Hint

_COLUMNS = (
    Column(key="role", heading="role"),
    Column(key="confidence", heading="sure", show=lambda value: f"{value:.2f}", right=True),
    Column(key="anchor", heading="where"),
    Column(key="command", heading="command", lines=True),
    Column(key="placeholders", heading="to fill in", show=lambda value: ", ".join(value)),
    Column(key="traps", heading="traps", show=lambda value: ", ".join(value)),
)


def hints(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A folder or the address of a target.")],
    role: Annotated[
        str, typer.Option("--role", help="Only install, data, serve, rollout, evaluate, test or other.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON document, with every detail.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values.")] = False,
) -> int:
    """List the commands that a target's own files name: what each is for, where it stands, what must be
    filled in, and why it may not run here. Nothing of the target is run."""
    from honing.contract import Role, SourceOptions, survey_target

    if role and role not in {one.value for one in Role}:
        names = ", ".join(one.value for one in Role)
        raise UsageError(f"--role {role!r}: must be one of {names}.")
    form = Format.chosen(json=json, tsv=tsv)
    frame = Frame.of(ctx)
    settings = frame.settings()
    found = survey_target(target, SourceOptions(**settings.fetching(frame.environ)))
    shown = [hint for hint in found.hints if not role or hint.role == role]
    for note in found.notes:
        sys.stderr.write(f"note: {note}\n")
    rows = [_document(hint) if form is Format.JSON else _row(hint) for hint in shown]
    nothing = f"no command{f' for {role}' if role else ''} is named in the files of {target}"
    print_rows(_COLUMNS, rows, format=form, look=frame.look(settings), empty=nothing)
    return 0


def _row(hint: Hint) -> dict[str, Any]:
    return {
        "role": hint.role.value,
        "confidence": hint.confidence,
        "anchor": hint.anchor,
        "command": hint.command if hint.workdir == "." else f"(in {hint.workdir}) {hint.command}",
        "placeholders": [
            f"{one.name}={'|'.join(one.choices) or one.kind.value}" for one in hint.placeholders
        ],
        "traps": [one.trap.value for one in hint.traps],
    }


def _document(hint: Hint) -> dict[str, Any]:
    return {
        "command": hint.command,
        "role": hint.role.value,
        "anchor": hint.anchor,
        "source": hint.source,
        "confidence": hint.confidence,
        "why": hint.why,
        "asks_model": hint.asks_model,
        "programs": list(hint.programs),
        "placeholders": [
            {
                "name": one.name,
                "kind": one.kind.value,
                "text": one.text,
                "start": one.start,
                "end": one.end,
                "option": one.option,
                "choices": list(one.choices),
                "default": one.default,
            }
            for one in hint.placeholders
        ],
        "traps": [{"trap": one.trap.value, "why": one.why} for one in hint.traps],
        "workdir": hint.workdir,
        "env": dict(hint.env),
    }
