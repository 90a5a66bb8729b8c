"""Tables that hold no task: leaderboards, results, what models wrote, settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from honing.contract.data.shapes.columns import Column, Columns
from honing.contract.data.shapes.numbering import number_of

_STANDINGS = frozenset(
    {"win_rate", "winrate", "elo", "elo_rating", "leaderboard_rank", "n_wins", "lc_win_rate"}
)
_SYSTEMS = frozenset(
    {"model", "model_name", "model_id", "generator", "system", "engine", "llm", "agent", "team"}
)
_WRITTEN = frozenset(
    {"response", "responses", "completion", "completions", "generation", "generations", "output", "outputs"}
    | {"prediction", "predictions", "model_output", "model_response", "raw_output", "pred", "samples"}
)
_RESULT_WORDS = {
    "leaderboard": "a leaderboard",
    "leaderboards": "a leaderboard",
    "results": "results of earlier runs",
    "outputs": "outputs of models",
    "generations": "outputs of models",
    "predictions": "outputs of models",
    "trajectories": "outputs of models",
}


def looks_like(columns: Columns) -> str:
    """What a table without a task looks like, with the columns that say so; empty where it may hold one."""
    standings = [column.name for column in columns if column.key in _STANDINGS]
    if standings:
        return f"a leaderboard (it has a column {standings[0]!r})"
    systems = [column for column in columns if column.key in _SYSTEMS and column.filled]
    if not systems:
        return ""
    system = systems[0]
    written = [column.name for column in columns if column.key in _WRITTEN]
    if written and system.distinct <= max(1, len(system.values) // 5):
        return f"outputs of models (it has columns {system.name!r} and {written[0]!r})"
    figures = [column.name for column in columns if column is not system and _is_figure(column)]
    if system.distinct == system.total and len(figures) >= 0.5 * (len(columns.names) - 1) and figures:
        return f"a leaderboard (one row for each {system.name!r}, with figures such as {figures[0]!r})"
    return ""


def lies_with(files: Sequence[str]) -> str:
    """What folders and names of files say that a table is, other than a task; empty where nothing."""
    path = PurePosixPath(files[0])
    words = [*path.parts[:-1], *re.split(r"[^a-z]+", path.stem.lower())]
    return next((_RESULT_WORDS[word.lower()] for word in words if word.lower() in _RESULT_WORDS), "")


def _is_figure(column: Column) -> bool:
    return column.filled and column.nearly_all(lambda value: number_of(value) is not None)
