"""`hone contract derive`: the contract that a target's own files give, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.measure_words import pairs
from honing.cli.printing import print_json
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.contract import ContractSpec


def derive(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A folder or the address of a target.")],
    choose: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fill a hole, or take another choice; repeatable."),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="KEY=VALUE", help="Variable of every stage; an absolute path hands over data."
        ),
    ] = None,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE", help="Install nothing published after YYYY-MM-DD.")
    ] = "",
    split: Annotated[str | None, typer.Option("--split", help="Split of a data set.")] = None,
    config: Annotated[str | None, typer.Option("--config", help="Configuration of a data set.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead of printing it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Print the contract that a target's own commands and data give, every line with its anchor.

    No model is asked and nothing of the target is run. What nobody but you can know is left as a typed hole,
    `{{name}}`: fill it with --set name=VALUE. Exit code 0 when the contract could run, 1 when it has holes or
    when none can be derived.
    """
    from honing.contract import GapError, SetupOptions, SourceOptions, derive_target, dump_contract

    frame = Frame.of(ctx)
    settings = frame.settings()
    options = SetupOptions(
        home=settings.paths.home,
        source=SourceOptions(**settings.fetching(frame.environ)),
        split=split,
        config=config,
        env=pairs(env or []),
        choices=pairs(choose or [], "--set", "NAME=VALUE"),
        as_of=as_of,
    )
    try:
        found = derive_target(target, options)
    except GapError as gap:
        print_json({"ok": False, "gap": gap.document}) if json else typer.echo(str(gap), err=True)
        return 1
    _put(dump_contract(found.spec), _document(found.spec, found.by), out=out, json=json)
    for hole in found.spec.holes:
        typer.echo(f"hole: {hole.name} ({hole.kind.value}), written {hole.text!r} at {hole.anchor}", err=True)
    return 1 if found.spec.holes else 0


def _put(text: str, document: dict[str, Any], *, out: Path | None, json: bool) -> None:
    if out is not None:
        if out.exists():
            raise UsageError(f"--out {out}: the file is there already; name another, or remove it.")
        out.write_text(text, encoding="utf-8")
    if json:
        print_json(document)
    elif out is None:
        typer.echo(text, nl=False)


def _document(spec: ContractSpec, by: str) -> dict[str, Any]:
    return {
        "ok": not spec.holes,
        "by": by,
        "contract_hash": spec.digest,
        "holes": [hole.model_dump(mode="json") for hole in spec.holes],
        "contract": spec.as_document(),
    }
