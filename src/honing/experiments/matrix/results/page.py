"""The page of a matrix: means with intervals, differences, failures, cost. No times are on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.experiments.matrix.results.tables import Findings
from honing.store import (
    REPORT_FILE,
    Badge,
    Bars,
    Block,
    Cell,
    CellKind,
    Column,
    Dots,
    Estimate,
    Fact,
    HeatMap,
    Interval,
    KeyValues,
    Report,
    Run,
    Section,
    Table,
    Text,
    Tone,
)
from honing.view import render

_MOST_BARS = 40
"""More than these are no picture any more; the table has all of them."""
_TONES = {"better": Tone.GOOD, "worse": Tone.BAD, "undecided": Tone.NEUTRAL}
Rows = Sequence[Mapping[str, Any]]


def write_page(run: Run, found: Findings) -> None:
    """Write `report.json` and, made of it, `report.html` into the run.

    Raises:
        StoreError: The run cannot be written.
    """
    report = page_of(found)
    report.write(run.artifact(REPORT_FILE))
    run.write_text("report.html", render(report))


def page_of(found: Findings) -> Report:
    """The page of a matrix as it stands. The same findings give the same page, but for times and names of
    runs, which are not on it."""
    sections = (_means(found), _compared(found), _failed(found), _cost(found), _trials(found))
    planned = sum(row["planned"] for row in found.cells)
    badges = [Badge(found.spec.kind, Tone.INFO)]
    if len(found.trials) < planned:
        badges.append(Badge(f"{len(found.trials)} of {planned} trials", Tone.WARN))
    if found.failures:
        badges.append(Badge(f"{len(found.failures)} failed", Tone.BAD))
    return Report(
        title=found.spec.name or f"Matrix of {found.spec.kind} runs",
        subtitle=f"{len(found.cells)} cells, {found.spec.trials} trials each",
        badges=tuple(badges),
        sections=tuple(section for section in sections if section is not None),
        footer="Each trial is a run of its own: its name is this run's id, a dot and the trial's. "
        "`hone report RUN` makes this page again, `hone runs show RUN` says how to repeat it.",
    )


def _means(found: Findings) -> Section:
    axes = list(found.spec.axes())
    columns = [
        Column(key="cell", title="cell", kind=CellKind.NUMBER, digits=0),
        *(Column(key=axis, title=axis) for axis in axes),
        Column(key="n", title="trials", kind=CellKind.NUMBER, digits=0, note="With a number that counts."),
        Column(key="mean", title="mean (95%)", kind=CellKind.INTERVAL),
        Column(key="sd", title="sd", kind=CellKind.NUMBER, note="Between trials."),
        Column(key="method", title="interval", note="Its method, and what it is taken over."),
        Column(key="success", title=_success_title(found), kind=CellKind.PERCENT, low=0.0, high=1.0),
        Column(key="outcomes", title="outcomes"),
    ]
    rows = [_cell_cells(row, axes) for row in found.cells]
    blocks: tuple[Block, ...] = (*_heat_map(found), Table.of(columns, rows, caption="Cells"), *_bars(found))
    return Section(
        title="Means",
        text="A trial that failed is counted and named; it is in no mean. Intervals are taken over tasks "
        "where their single rewards are known (several trials of one task are no independent evidence), "
        "otherwise over trials.",
        blocks=blocks,
    )


def _success_title(found: Findings) -> str:
    return "improved" if found.spec.harness is not None else "scored"


def _cell_cells(row: Mapping[str, Any], axes: Sequence[str]) -> dict[str, Cell]:
    over = f"{row['method']}, over {row['over']}" if row["method"] else ""
    return {
        "cell": row["cell"],
        **{axis: _word(row[axis]) for axis in axes},
        "n": row["n"],
        "mean": _interval(row, "mean", "mean"),
        "sd": row["sd"],
        "method": over,
        "success": _interval(row, "success_rate", "success_rate"),
        "outcomes": row["outcomes"],
    }


def _heat_map(found: Findings) -> list[HeatMap]:
    """The first axis down, all others across."""
    axes = found.spec.axes()
    first, *others = axes
    shown = _telling(found, others)
    columns = list(dict.fromkeys(_label(row, shown) for row in found.cells))
    means = {(row[first], _label(row, shown)): row["mean"] for row in found.cells}
    if not any(mean is not None for mean in means.values()):
        return []
    return [
        HeatMap(
            title="Mean score",
            rows=tuple(str(value) for value in axes[first]),
            columns=tuple(columns),
            values=tuple(tuple(means[value, column] for column in columns) for value in axes[first]),
            row_label=first,
            column_label=" · ".join(shown),
            digits=3,
            caption="Targets may have metrics of their own: compare within a row.",
        )
    ]


def _bars(found: Findings) -> list[Bars]:
    shown = [row for row in found.cells if row["mean"] is not None]
    if not shown or len(shown) > _MOST_BARS:
        return []
    first, *others = found.spec.axes()
    telling = _telling(found, [first, *others])
    bars = tuple(
        Estimate(
            label=_label(row, telling),
            value=row["mean"],
            low=row["mean_low"],
            high=row["mean_high"],
            group=str(row[first]),
        )
        for row in shown
    )
    return [Bars(title="Mean score with its 95% interval", bars=bars)]


def _compared(found: Findings) -> Section | None:
    if not found.differences:
        return None
    columns = [
        Column(key="axis", title="axis"),
        Column(key="cells", title="cells"),
        Column(key="a", title="a"),
        Column(key="b", title="b"),
        Column(key="difference", title="b minus a (95%)", kind=CellKind.INTERVAL),
        Column(key="direction", title="b is", kind=CellKind.BADGE),
        Column(key="pairs", title="pairs", note="Of what, and how many."),
        Column(key="flips", title="higher / lower"),
    ]
    rows: list[dict[str, Cell]] = [
        {
            "axis": row["axis"],
            "cells": f"{row['cell_a']}, {row['cell_b']}",
            "a": _word(row["a"]),
            "b": _word(row["b"]),
            "difference": _interval(row, "difference", ""),
            "direction": Badge(row["direction"], _TONES[row["direction"]]),
            "pairs": f"{row['pairs']} of {row['tasks']} {row['over']}",
            "flips": f"{row['gained']} / {row['lost']}",
        }
        for row in found.differences
    ]
    dots = tuple(
        Estimate(
            label=f"cell {row['cell_b']} over {row['cell_a']}: {_word(row['b'])}",
            value=row["difference"],
            low=row["low"],
            high=row["high"],
        )
        for row in found.differences
    )
    figure = [Dots(title="Paired differences", dots=dots, reference=0.0)] if len(dots) <= _MOST_BARS else []
    return Section(
        title="Differences",
        text="Cells that differ in one axis, paired by target and seed. Each interval is for itself: "
        "of twenty differences between equals, one will exclude 0.",
        blocks=(Table.of(columns, rows, caption="Paired differences"), *figure),
    )


def _failed(found: Findings) -> Section | None:
    if not found.failures:
        return None
    columns = [
        Column(key="trials", title="trials", kind=CellKind.CODE),
        Column(key="outcome", title="outcome"),
        Column(key="reason", title="why"),
    ]
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in found.failures:
        grouped.setdefault((row["outcome"], row["reason"]), []).append(_trial(row))
    rows: list[dict[str, Cell]] = [
        {"trials": ", ".join(names), "outcome": outcome, "reason": reason}
        for (outcome, reason), names in grouped.items()
    ]
    return Section(
        title="Failures",
        text="The same call tries them again.",
        blocks=(
            Text(text=f"{len(found.failures)} trials have no number.", tone=Tone.BAD),
            Table.of(columns, rows, caption="Trials without a number"),
        ),
    )


def _cost(found: Findings) -> Section:
    costs = [row["cost_usd"] for row in found.cells]
    facts = (
        Fact(label="tokens", value=sum(row["tokens"] for row in found.cells), kind=CellKind.NUMBER, digits=0),
        Fact(
            label="model calls",
            value=sum(row["calls"] for row in found.cells),
            kind=CellKind.NUMBER,
            digits=0,
        ),
        Fact(
            label="cost",
            value=None if None in costs else sum(costs),
            kind=CellKind.MONEY,
            note="A price is unknown." if None in costs else "",
        ),
    )
    columns = [
        Column(key="cell", title="cell", kind=CellKind.NUMBER, digits=0),
        Column(key="what", title="what"),
        Column(key="tokens", title="tokens", kind=CellKind.NUMBER, digits=0),
        Column(key="calls", title="calls", kind=CellKind.NUMBER, digits=0),
        Column(key="cost_usd", title="cost", kind=CellKind.MONEY),
    ]
    axes = list(found.spec.axes())
    rows: list[dict[str, Cell]] = [
        {**{name: row[name] for name in ("cell", "tokens", "calls", "cost_usd")}, "what": _label(row, axes)}
        for row in found.cells
    ]
    return Section(
        title="Cost", blocks=(KeyValues(facts=facts), Table.of(columns, rows, caption="By cell", folded=True))
    )


def _trials(found: Findings) -> Section | None:
    if not found.trials:
        return None
    columns = [
        Column(key="trial", title="trial", kind=CellKind.CODE),
        Column(key="seed", title="seed", kind=CellKind.NUMBER, digits=0),
        Column(key="outcome", title="outcome"),
        Column(key="score", title="score", kind=CellKind.INTERVAL),
        Column(key="baseline", title="baseline", kind=CellKind.NUMBER),
    ]
    rows: list[dict[str, Cell]] = [
        {
            "trial": _trial(row),
            "seed": row["seed"],
            "outcome": row["outcome"],
            "score": _interval(row, "score", "score"),
            "baseline": row["baseline"],
        }
        for row in found.trials
    ]
    return Section(title="Trials", blocks=(Table.of(columns, rows, caption="Every trial", folded=True),))


def _interval(row: Mapping[str, Any], key: str, bounds: str) -> Cell:
    """A number with its bounds where there are any."""
    prefix = f"{bounds}_" if bounds else ""
    value: float | None = row[key]
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return value if value is None or low is None else Interval(value, low, high)


def _label(row: Mapping[str, Any], axes: Sequence[str]) -> str:
    return " · ".join(_word(row[axis]) for axis in axes)


def _telling(found: Findings, axes: Sequence[str]) -> list[str]:
    """The axes that tell cells apart; all of them where none does."""
    return [axis for axis in axes if len(found.spec.axes()[axis]) > 1] or list(axes)


def _word(value: Any) -> str:
    """An axis's value; empty ones are left to each project."""
    return "its own" if value in ("", None) else str(value)


def _trial(row: Mapping[str, Any]) -> str:
    """The last two parts of its run's name, which are the cell's and the trial's."""
    return ".".join(str(row["run_name"]).rsplit(".", 2)[-2:])
