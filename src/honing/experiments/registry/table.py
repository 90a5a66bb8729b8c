"""The registry as Markdown tables and as rows, every box from evidence on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from honing.experiments.registry.experiment import Experiment, ExperimentMode
from honing.experiments.registry.standing import ModeStanding, Standing, State

MATRIX_HEAD = ("ID", "Name", "Config/Script", "Command", "Metrics", "Artifacts", "Smoke", "Full")
REGISTRY_HEAD = ("Category", "Target", "Backend / Model", "Baseline -> Best", "Status", "Notes")


def matrix_table(standings: Sequence[Standing]) -> str:
    """The experiments that have commands, with a box for each mode: ticked, empty, or a dash without a
    command."""
    rows = [_matrix_row(standing) for standing in standings if standing.experiment.modes]
    return markdown_table(MATRIX_HEAD, rows)


def registry_table(standings: Sequence[Standing]) -> str:
    """Every experiment and every missing combination, with what its figures rest on."""
    return markdown_table(REGISTRY_HEAD, [_registry_row(standing) for standing in standings])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what would end a cell or a line is written out."""
    lines = [_line(head), "|" + "---|" * len(head), *(_line([cell(one) for one in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """A text as it stands in a cell."""
    return " ".join(text.replace("|", "\\|").split())


def code(text: str) -> str:
    """A text as code: as many backticks around it as it needs."""
    longest = max((len(part) for part in _runs_of_backticks(text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def codes(texts: Iterable[str]) -> str:
    """Several texts as code, with commas."""
    return ", ".join(code(text) for text in texts)


def box(standing: ModeStanding | None) -> str:
    """Ticked where its evidence holds now."""
    return "-" if standing is None else "[x]" if standing.ticked else "[ ]"


def change_text(standing: Standing) -> str:
    """Baseline -> best."""
    baseline, best = standing.figures
    if baseline is None and best is None:
        return "-"
    return f"{code(_number(baseline))} -> {code(_number(best))}"


def command_texts(row: Experiment, mode: ExperimentMode) -> list[str]:
    """A mode's commands as the registry has them."""
    spec = row.mode(mode)
    return [] if spec is None else [command.run for command in spec.commands]


def rows_of(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """Every experiment as plain data, for tables of the terminal, JSON and TSV."""
    return [_row(standing) for standing in standings]


def standing_document(standing: Standing) -> dict[str, Any]:
    """One experiment as plain data: its row, and each mode with the verdicts of now."""
    row = standing.experiment
    found: dict[str, Any] = {**row.model_dump(mode="json", exclude={"commands"}), **_row(standing)}
    for mode in ExperimentMode:
        one = standing.of(mode)
        found[mode.value] = None if one is None else _mode_document(one, command_texts(row, mode))
    return found


def _mode_document(one: ModeStanding, commands: list[str]) -> dict[str, Any]:
    return {
        "state": one.state.value,
        "reason": one.reason,
        "commands": commands,
        "signals": [verdict.as_document() for verdict in one.verdicts],
        "metrics": dict(one.metrics),
        "run": "" if one.result is None else one.result.run,
        "ended": None if one.result is None else one.result.ended,
    }


def _row(standing: Standing) -> dict[str, Any]:
    row, (baseline, best) = standing.experiment, standing.figures
    found: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "category": row.category,
        "target": row.target,
        "agent": row.agent,
        "status": standing.status.value,
        "baseline": baseline,
        "best": best,
        "notes": row.notes,
    }
    for mode in ExperimentMode:
        one = standing.of(mode)
        found[mode.value] = None if one is None else one.state.value
        found[f"{mode.value}_reason"] = "" if one is None else one.reason
        found[f"{mode.value}_run"] = "" if one is None or one.result is None else one.result.run
    return found


def _matrix_row(standing: Standing) -> list[str]:
    row = standing.experiment
    command = " ; ".join(command_texts(row, row.modes[0]))
    artifacts = [pattern for mode in row.modes for pattern in row.artifacts_of(mode).values()]
    return [
        row.id,
        row.name,
        code(row.config) if row.config else "-",
        code(command),
        codes(row.metrics) or "-",
        codes(dict.fromkeys(artifacts)) or "-",
        box(standing.of(ExperimentMode.SMOKE)),
        box(standing.of(ExperimentMode.FULL)),
    ]


def _registry_row(standing: Standing) -> list[str]:
    row = standing.experiment
    return [
        row.category,
        row.target or row.name,
        row.agent or "-",
        change_text(standing),
        standing.status.value,
        _notes(standing),
    ]


def _notes(standing: Standing) -> str:
    row = standing.experiment
    told = [
        f"{one.mode.value}: {_short(one.reason)}"
        for one in standing.modes
        if one.state in (State.FAILED, State.CHANGED)
    ]
    summary = row.recorded.summary if row.recorded is not None and standing.shown is None else ""
    return "; ".join(filter(None, (summary, row.notes.strip().rstrip("."), *told)))


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."


def _number(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.3f}"


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(mark if mark == "`" else " " for mark in text).split()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
