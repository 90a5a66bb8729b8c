"""The numbers and tables of a run's page, by names that a tracker can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from honing.experiments.exporting.record import Curve, Grid, Metric, Scalar
from honing.store import (
    Badge,
    Bars,
    Block,
    Bracket,
    Cell,
    Dots,
    Estimate,
    Headline,
    Interval,
    KeyValues,
    Lineage,
    Lines,
    Report,
    Samples,
    Table,
)

_LONGEST = 60
"""Characters of one part of a name."""


def plain_name(text: str) -> str:
    """A title as one part of a metric's name."""
    return re.sub(r"[^a-z0-9.]+", "_", text.lower()).strip("_.")[:_LONGEST].strip("_.") or "unnamed"


def metrics_of(report: Report) -> Iterator[tuple[str, Metric]]:
    """Headlines, facts and estimates; a name may come several times, the first is the most prominent."""
    for section, block in _blocks(report):
        if isinstance(block, Headline):
            if block.value is not None:
                yield plain_name(block.label), _metric(block.value, block.interval)
            yield from _facts(block.facts, "")
        elif isinstance(block, KeyValues):
            yield from _facts(block.facts, f"{plain_name(block.caption or section)}/")
        elif isinstance(block, Bars | Dots | Bracket):
            for one in _estimates(block):
                group = f"{plain_name(one.group)}/" if one.group else ""
                name = f"{plain_name(block.title)}/{group}{plain_name(one.label)}"
                yield name, Metric(value=one.value, low=one.low, high=one.high)


def curves_of(report: Report) -> Iterator[Curve]:
    """Lines, and what was made from what in its order."""
    for _, block in _blocks(report):
        if isinstance(block, Lines):
            for series in block.series:
                points = tuple((point.x, point.y) for point in series.points)
                yield Curve(name=f"{plain_name(block.title)}/{plain_name(series.name)}", points=points)
        elif isinstance(block, Lineage):
            yield from _by_group(block)


def tables_of(report: Report) -> Iterator[tuple[str, Grid]]:
    """Tables and samples, an interval in three columns."""
    for section, block in _blocks(report):
        if isinstance(block, Table):
            yield plain_name(block.caption or section), _grid(block)
        elif isinstance(block, Samples):
            yield "samples", _sample_grid(block)


def _blocks(report: Report) -> Iterator[tuple[str, Block]]:
    for section in report.sections:
        for block in section.blocks:
            yield section.title, block


def _facts(facts: tuple[object, ...], before: str) -> Iterator[tuple[str, Metric]]:
    for fact in facts:
        name, value = getattr(fact, "label", ""), getattr(fact, "value", None)
        if isinstance(value, Interval) and value.value is not None:
            yield before + plain_name(name), _metric(value.value, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield before + plain_name(name), Metric(value=float(value))


def _metric(value: float, interval: Interval | None) -> Metric:
    if interval is None:
        return Metric(value=value)
    return Metric(value=value, low=interval.low, high=interval.high)


def _estimates(block: Bars | Dots | Bracket) -> tuple[Estimate, ...]:
    if isinstance(block, Bars):
        return block.bars
    return block.dots if isinstance(block, Dots) else (*block.scores, *block.ceilings, *block.floors)


def _by_group(block: Lineage) -> Iterator[Curve]:
    """One curve per group: the value of each node at its place."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for node in block.nodes:
        if node.value is not None:
            groups.setdefault(node.group, []).append((float(node.position), node.value))
    for group, points in groups.items():
        name = plain_name(block.title) + (f"/{plain_name(group)}" if group else "")
        yield Curve(name=name, points=tuple(sorted(points)))


def _grid(table: Table) -> Grid:
    wide = [any(isinstance(row[at], Interval) for row in table.rows) for at, _ in enumerate(table.columns)]
    names: list[str] = []
    for column, spread in zip(table.columns, wide, strict=True):
        names += [column.key, f"{column.key}/low", f"{column.key}/high"] if spread else [column.key]
    rows = tuple(
        tuple(value for cell, spread in zip(row, wide, strict=True) for value in _values(cell, spread=spread))
        for row in table.rows
    )
    return Grid(columns=tuple(names), rows=rows)


def _values(cell: Cell, *, spread: bool) -> tuple[Scalar, ...]:
    if isinstance(cell, Interval):
        return (cell.value, cell.low, cell.high)
    plain = cell.text if isinstance(cell, Badge) else cell
    return (plain, None, None) if spread else (plain,)


def _sample_grid(block: Samples) -> Grid:
    further = tuple(column.key for column in (*block.columns, *block.details))
    rows = tuple(
        (
            row.id, row.prompt, row.completion, row.target, row.reward, row.status,
            *(_plain(row.extra, key) for key in further),
        )
        for row in block.rows
    )  # fmt: skip
    columns = ("id", "prompt", "completion", "target", "reward", "status", *further)
    return Grid(columns=columns, rows=rows)


def _plain(extra: Mapping[str, Cell], key: str) -> Scalar:
    cell = extra.get(key)
    if isinstance(cell, Interval):
        return cell.value
    return cell.text if isinstance(cell, Badge) else cell
