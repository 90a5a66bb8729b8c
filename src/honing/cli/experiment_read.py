"""`hone experiment list`, `table`, `show` and `schema`: what the registry says, and what the disk says."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows, show_time, visible

if TYPE_CHECKING:
    from honing.experiments import RegistryFile

RegistryOption = Annotated[
    Path, typer.Option("--registry", metavar="FILE", help="Where the experiments stand.")
]
ResultsOption = Annotated[
    Path | None,
    typer.Option("--results", metavar="DIR", help="Where results lie; `results` beside the registry."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_AsTsv = Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")]


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else str(value)


_LIST = (
    Column(key="id", heading="ID"),
    Column(key="category", heading="CATEGORY", from_width=90),
    Column(key="target", heading="TARGET", from_width=70),
    Column(key="agent", heading="AGENT / MODEL", from_width=110),
    Column(key="smoke", heading="SMOKE"),
    Column(key="full", heading="FULL"),
    Column(key="baseline", heading="BASELINE", show=_figure, right=True),
    Column(key="best", heading="BEST", show=_figure, right=True),
    Column(key="status", heading="STATUS"),
)
_TSV = (
    *_LIST,
    Column(key="name", heading="NAME"),
    Column(key="smoke_reason", heading=""),
    Column(key="full_reason", heading=""),
    Column(key="smoke_run", heading=""),
    Column(key="full_run", heading=""),
    Column(key="notes", heading=""),
)
_FIELD = (Column(key="field", heading="FIELD"), Column(key="value", heading="VALUE", lines=True))


def registry_of(frame: Frame, file: Path) -> RegistryFile:
    """The registry that a command was told to use."""
    from honing.experiments import load_registry

    return load_registry(frame.cwd / file)


def results_of(frame: Frame, file: Path, results: Path | None) -> Path:
    """Where results lie."""
    return ((frame.cwd / file).parent / "results") if results is None else frame.cwd / results


def list_(
    ctx: typer.Context,
    registry: RegistryOption = Path("experiments.yaml"),
    results: ResultsOption = None,
    json: _AsJson = False,
    tsv: _AsTsv = False,
) -> None:
    """List every experiment and where it stands, judged now.

    \b
    Examples:
      hone experiment list
      hone experiment list --tsv | cut -f1,5,6
    """
    from honing.experiments import rows_of, standings

    frame = Frame.of(ctx)
    format = Format.chosen(json=json, tsv=tsv)
    found = standings(registry_of(frame, registry), results_of(frame, registry, results))
    columns = _TSV if format is Format.TSV else _LIST
    print_rows(
        columns, rows_of(found), format=format, look=frame.look(frame.settings()), empty="no experiments"
    )


def table(
    ctx: typer.Context,
    details: Annotated[
        bool, typer.Option("--details", help="With what passed last, and a section for each experiment.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Bring BENCHMARK_RESULTS.md up to date.")] = False,
    registry: RegistryOption = Path("experiments.yaml"),
    results: ResultsOption = None,
) -> None:
    """Print the registry as Markdown: boxes ticked only where the evidence on this disk holds now.

    \b
    Examples:
      hone experiment table
      hone experiment table --details > registry.md
      hone experiment table --write
    """
    from honing.experiments import registry_document, standings, write_benchmark_results

    frame = Frame.of(ctx)
    file = registry_of(frame, registry)
    found = standings(file, results_of(frame, registry, results))
    if write:
        path, written = write_benchmark_results(file, found, now=time.time())
        typer.echo(f"{'wrote' if written else 'nothing new in'} {path}")
        return
    sys.stdout.write(visible(registry_document(found, details=details), keep="\n"))


def show(
    ctx: typer.Context,
    experiment: Annotated[str, typer.Argument(metavar="ID", help="Of the row.")],
    registry: RegistryOption = Path("experiments.yaml"),
    results: ResultsOption = None,
    json: _AsJson = False,
    tsv: _AsTsv = False,
) -> None:
    """Show one experiment: its row, and for each mode every signal with the values that were read now.

    \b
    Examples:
      hone experiment show Exp-001
      hone experiment show Exp-001 --json
    """
    from honing.experiments import standing_document, standing_of

    frame = Frame.of(ctx)
    file = registry_of(frame, registry)
    found = standing_of(file, file.find(experiment), results_of(frame, registry, results))
    document = standing_document(found)
    format = Format.chosen(json=json, tsv=tsv)
    if format is Format.JSON:
        print_json(document)
        return
    rows = [
        {"field": name, "value": _plain(value)} for name, value in document.items() if value not in ("", None)
    ]
    print_rows(_FIELD, rows, format=format, look=frame.look(frame.settings()))


def schema() -> None:
    """Print the JSON Schema of experiments.yaml, for editors.

    \b
    Examples:
      hone experiment schema > experiments.schema.json
    """
    from honing.experiments import registry_schema

    print_json(registry_schema())


def _plain(value: object) -> str:
    if isinstance(value, dict) and "holds" in value:
        read = ", ".join(f"{one['name']} = {one['value']}" for one in value["reads"])
        verdict = "holds" if value["holds"] else "DOES NOT HOLD"
        return f"{verdict}: {value['expression']} ({value['reason'] or read})"
    if isinstance(value, dict):
        told = {key: member for key, member in value.items() if member not in ("", None, [], {})}
        return "\n".join(f"{key}: {_member(key, member)}" for key, member in told.items())
    if isinstance(value, list):
        return "\n".join(map(_plain, value))
    return str(value)


def _member(key: str, value: object) -> str:
    """A value of a mapping: a time as people read one, an interval on one line, more than one line below."""
    if key == "ended" and isinstance(value, float):
        return show_time(value)
    if isinstance(value, list) and all(isinstance(each, int | float) for each in value):
        return f"[{', '.join(f'{each:.6g}' for each in value)}]"
    words = _plain(value)
    return words if "\n" not in words else "\n" + "\n".join(f"  {line}" for line in words.split("\n"))
