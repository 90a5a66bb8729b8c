"""How a study is printed: phases with their time, then every criterion with its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from honing.cli.printing import Column, Format, Look, print_json, print_rows

if TYPE_CHECKING:
    from honing.teach import Criterion, StudyResult

_MET, _UNMET = 0, 1
_PHASES = (
    Column(key="phase", heading="PHASE"),
    Column(key="wall_s", heading="WALL", show=lambda value: _seconds(value), right=True),
    Column(key="cpu_s", heading="CPU", show=lambda value: _seconds(value), right=True),
    Column(key="figures", heading="FIGURES", lines=True),
)
_CRITERIA = (
    Column(key="verdict", heading="CRITERION"),
    Column(key="value", heading="FOUND", right=True),
    Column(key="sentence", heading="WHAT SHOULD HOLD"),
    Column(key="note", heading="NOTE", from_width=120),
)


def print_study(result: StudyResult, *, json: bool, look: Look, written: Sequence[Path] = ()) -> int:
    """Print how a study stands; its exit code: 1 where a criterion that decides is not met.

    Args:
        result: Of the study.
        json: As one document.
        look: Colour and width of tables.
        written: Files that were handed out.
    """
    code = _UNMET if result.unmet else _MET
    if json:
        print_json({**result.as_document(), "written": [str(path) for path in written]})
        return code
    print_rows(_PHASES, _phases(result), format=Format.TABLE, look=look)
    if result.criteria:
        typer.echo("")
        print_criteria(result.criteria, look=look)
    typer.echo("")
    for path in written:
        typer.echo(f"wrote {path}")
    typer.echo(f"run {result.run}")
    return code


def print_criteria(criteria: Sequence[Criterion], *, look: Look) -> None:
    """Print criteria, each with its verdict and its number."""
    print_rows(_CRITERIA, [_criterion(each) for each in criteria], format=Format.TABLE, look=look)


def _phases(result: StudyResult) -> list[dict[str, Any]]:
    return [
        {
            "phase": name,
            "wall_s": result.times[name].wall_s if name in result.times else None,
            "cpu_s": result.times[name].cpu_s if name in result.times else None,
            "figures": _figures(outcome.summary),
        }
        for name, outcome in result.phases.items()
    ]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _figures(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in summary.items())


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_shown(each)}" for name, each in value.items()) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    return "-" if value is None else str(value)


def _criterion(each: Criterion) -> dict[str, Any]:
    verdict = {True: "met", False: "NOT MET", None: "undecided"}[each.met]
    return {
        "verdict": f"{verdict}: {each.name}{'' if each.decides else ' (shown only)'}",
        "value": _value(each),
        "sentence": each.sentence,
        "note": each.note,
    }


def _value(each: Criterion) -> str:
    if each.value is None:
        return "-"
    interval = "" if each.low is None or each.high is None else f" [{each.low:.3f}, {each.high:.3f}]"
    return f"{each.value:.3f}{interval}"
