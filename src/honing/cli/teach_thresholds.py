"""`hone teach thresholds`: look at U and L_local before choosing what counts as high."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows

_COLUMNS = (
    Column(key="share", heading="SHARE BELOW"),
    Column(key="U", heading="U", show="{:.4f}".format),
    Column(key="L", heading="L_LOCAL", show="{:.4f}".format),
)


def thresholds(
    ctx: typer.Context,
    input: Annotated[Path, typer.Option("--input", metavar="FILE", help="Labelled snapshots.")],
    output_dir: Annotated[Path, typer.Option("--output-dir", metavar="DIR", help="Where pictures go.")],
    u_threshold: Annotated[float | None, typer.Option("--U-threshold", help="Drawn as a line.")] = None,
    l_threshold: Annotated[float | None, typer.Option("--L-threshold", help="Drawn as a line.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print quantiles.json.")] = False,
) -> None:
    """Phase 1: plot uncertainty and leverage, and print their quantiles; then `hone teach quadrants`.

    \b
    Examples:
      hone teach thresholds --input results/phase1/labeled_snapshots.jsonl --output-dir threshold_plots
    """
    from honing.errors import UsageError
    from honing.teach import quantiles_of, read_snapshots, write_threshold_plots

    frame = Frame.of(ctx)
    if (u_threshold is None) != (l_threshold is None):
        raise UsageError("--U-threshold and --L-threshold are drawn together: give both or none.")
    lines = None if u_threshold is None or l_threshold is None else (u_threshold, l_threshold)
    snapshots = read_snapshots(frame.cwd / input)
    written = write_threshold_plots(snapshots, frame.cwd / output_dir, thresholds=lines)
    found = quantiles_of(snapshots)
    if json:
        print_json(found)
        return
    rows = [{"share": share, "U": found["U"][share], "L": found["L_local"][share]} for share in found["U"]]
    print_rows(_COLUMNS, rows, format=Format.TABLE, look=frame.look(frame.settings()))
    typer.echo(f"{found['n']} training snapshots, {found['L_local_zero']} of them with L_local 0", err=True)
    for path in written:
        typer.echo(str(path), err=True)
