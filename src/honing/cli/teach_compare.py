"""`hone teach compare`: do the states of two experiments get other labels?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows
from honing.errors import UsageError

_LABELLED = Path("phase1") / "labeled_snapshots.jsonl"
_COLUMNS = (
    Column(key="label", heading="LABEL"),
    Column(key="first", heading="FIRST", right=True),
    Column(key="second", heading="SECOND", right=True),
    Column(key="difference", heading="FIRST - SECOND", right=True),
    Column(key="p", heading="P", right=True),
)


def compare(
    ctx: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="A", help="Labelled snapshots, or a run's folder.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The same of the other experiment.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the permutations.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare the labels of two experiments: U, L_local, ELP_net and quadrants.

    \b
    Examples:
      hone teach compare results/phase1/labeled_snapshots.jsonl results/phase1_expert/labeled_snapshots.jsonl
      hone teach compare runs/student runs/expert --json

    Snapshots of one task count as one in every interval and test.
    """
    from honing.teach import compare_labels, read_snapshots

    frame = Frame.of(ctx)
    files = [_file(frame.cwd / path) for path in (first, second)]
    found = compare_labels(
        *(read_snapshots(file) for file in files), names=(str(first), str(second)), seed=seed
    )
    if json:
        print_json(found)
        return
    print_rows(_COLUMNS, _rows(found), format=Format.TABLE, look=frame.look(frame.settings()))


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    first, second = found["names"]
    numbers = [
        {
            "label": f"mean {name}",
            "first": _number(row[first]["mean"]),
            "second": _number(row[second]["mean"]),
            "difference": _interval(row["difference"]),
            "p": _number(row["p_holm"]),
        }
        for name, row in found["measures"].items()
    ]
    shares = [
        {
            "label": f"share of {name}",
            "first": _number(_share(row[first])),
            "second": _number(_share(row[second])),
            "difference": _interval(row["difference"]),
            "p": "",
        }
        for name, row in found["quadrants"].items()
    ]
    return numbers + shares


def _share(row: Any) -> float | None:
    return None if row is None else float(row["estimate"])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(row: dict[str, float] | None) -> str:
    return "-" if row is None else f"{row['estimate']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


def _file(path: Path) -> Path:
    """The labelled snapshots themselves.

    Raises:
        UsageError: There are none.
    """
    found = path / _LABELLED if path.is_dir() else path
    if not found.is_file():
        raise UsageError(f"{found}: there are no labelled snapshots. `hone teach label` makes them.")
    return found
