"""Cells and trials of a matrix, in the order of the tables and in the order of starting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from honing.experiments.matrix.spec import MatrixSpec

_NAME_CHARACTERS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of the axes."""

    number: int
    """From 1, in the order of the axes' values, the first axis outermost."""
    values: Mapping[str, Any]
    """By axis; empty or None where the project decides."""

    @property
    def name(self) -> str:
        """Unique in its matrix, fit for a folder's name."""
        words = [str(value) for value in self.values.values() if value not in ("", None)]
        text = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(map(_last_part, words))).strip("-")
        return f"{self.number:03d}-{text[:_NAME_CHARACTERS].strip('-')}"

    @property
    def label(self) -> str:
        """For people."""
        return " · ".join(str(value) for value in self.values.values() if value not in ("", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a cell."""

    cell: Cell
    number: int
    """From 1."""
    seed: int

    @property
    def name(self) -> str:
        """Unique in its matrix; its run's name is the matrix's id and this, a dot between."""
        return f"{self.cell.name}.t{self.number}"

    def as_unit(self) -> dict[str, Any]:
        """What its unit is known by in the journal."""
        return {**self.cell.values, "trial": self.number, "seed": self.seed}


def cells_of(spec: MatrixSpec) -> tuple[Cell, ...]:
    """Every combination, in the order of the axes' values."""
    axes = spec.axes()
    return tuple(
        Cell(number=number, values=dict(zip(axes, values, strict=True)))
        for number, values in enumerate(product(*axes.values()), 1)
    )


def trials_of(spec: MatrixSpec, cells: Sequence[Cell]) -> tuple[Trial, ...]:
    """Every trial, cell by cell: the order of every artifact."""
    return tuple(
        Trial(cell=cell, number=number, seed=spec.seed + number - 1)
        for cell in cells
        for number in range(1, spec.trials + 1)
    )


def starting_order(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The order in which trials are started: the first of every cell, then the second of every cell, and so
    on. A matrix that is stopped half-way then has something to say about all of its cells."""
    return tuple(sorted(trials, key=lambda trial: trial.number))


def _last_part(text: str) -> str:
    """The last part of a path or an address."""
    return text.rstrip("/").rsplit("/", 1)[-1] or text
