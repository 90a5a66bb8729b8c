"""Tables of a study, as plain data: the page shows them, and they are written for print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from honing.store import Badge, Cell, CellKind, Column, Table, Tone
from honing.teach.phase import Criterion
from honing.teach.publishing.cells import cell_interval, interval
from honing.teach.publishing.judging_tables import (
    comparison_table,
    micro_training_table,
    predictor_table,
    selection_table,
)
from honing.teach.publishing.training_figures import greedy
from honing.teach.snapshot import Quadrant, Snapshot
from honing.teach.verdicts.artifacts import labelled, table

_SHOWN_TEXT = 160


def criteria_table(criteria: Sequence[Criterion]) -> Table:
    """Every criterion of a study with its number."""
    verdicts = {
        True: Badge("met", Tone.GOOD),
        False: Badge("not met", Tone.BAD),
        None: Badge("undecided", Tone.NEUTRAL),
    }
    return Table.of(
        (
            Column(key="verdict", title="Verdict", kind=CellKind.BADGE),
            Column(key="name", title="Criterion", kind=CellKind.CODE),
            Column(key="sentence", title="What should hold"),
            Column(key="found", title="Found", kind=CellKind.INTERVAL),
            Column(key="n", title="n", kind=CellKind.NUMBER, digits=0),
            Column(key="note", title="Note"),
        ),
        [
            {
                "verdict": verdicts[each.met],
                "name": each.name if each.decides else f"{each.name} (shown only)",
                "sentence": each.sentence,
                "found": interval(each.value, each.low, each.high),
                "n": each.n,
                "note": each.note,
            }
            for each in criteria
        ],
        caption="Criteria: those that are not shown only decide the exit code.",
    )


def quadrant_table(folder: Path) -> Table | None:
    """How many snapshots each quadrant has, and what they are like."""
    snapshots = labelled(folder)
    if not any(one.quadrant for one in snapshots):
        return None
    rows: list[Mapping[str, Cell]] = []
    for quadrant in Quadrant:
        inside = [one for one in snapshots if one.quadrant is quadrant]
        rows.append(
            {
                "quadrant": quadrant.value,
                "train": sum(one.split == "train" for one in inside),
                "panel": sum(one.split == "panel" for one in inside),
                "abstain": sum(one.abstain for one in inside),
                "U": _mean([one.U for one in inside]),
                "L": _mean([one.leverage.L_local for one in inside if one.leverage]),
                "L_upper": _mean([one.leverage.L_upper for one in inside if one.leverage]),
                "ELP": _mean([one.cpt.ELP_net for one in inside if one.cpt]),
            }
        )
    columns = (
        Column(key="quadrant", title="Quadrant"),
        Column(key="train", title="Train", kind=CellKind.NUMBER, digits=0),
        Column(key="panel", title="Panel", kind=CellKind.NUMBER, digits=0),
        Column(key="abstain", title="Abstain", kind=CellKind.NUMBER, digits=0),
        Column(key="U", title="Mean U", kind=CellKind.NUMBER, digits=3),
        Column(key="L", title="Mean L_local", kind=CellKind.NUMBER, digits=3),
        Column(key="L_upper", title="Mean L_upper", kind=CellKind.NUMBER, digits=3),
        Column(key="ELP", title="Mean ELP_net", kind=CellKind.NUMBER, digits=3),
    )
    return Table.of(columns, rows, caption="Snapshots by quadrant.")


def matrix_table(folder: Path) -> Table | None:
    """Every training run: success, gain, retention."""
    rows = greedy(table(folder, "phase3/overall_task_results.csv"))
    kept = {row["run_id"]: row for row in greedy(table(folder, "phase3/retention_results.csv"))}
    if not rows:
        return None
    columns = (
        Column(key="run", title="Run", kind=CellKind.CODE),
        Column(key="success", title="Success", kind=CellKind.INTERVAL, low=0.0, high=1.0),
        Column(key="gain", title="Gain over base", kind=CellKind.INTERVAL),
        Column(key="drop", title="Retention drop", kind=CellKind.INTERVAL),
        Column(key="kept", title="Gate"),
        Column(key="n", title="Tasks", kind=CellKind.NUMBER, digits=0),
    )
    return Table.of(
        columns,
        [
            {
                "run": row["run_id"],
                "success": cell_interval(row, "success", ""),
                "gain": cell_interval(row, "difference", "difference_"),
                "drop": cell_interval(kept.get(row["run_id"]), "drop", "drop_"),
                "kept": {"true": "kept", "false": "refused"}.get(
                    kept.get(row["run_id"], {}).get("kept", "").lower(), ""
                ),
                "n": int(float(row["n"])),
            }
            for row in rows
        ],
        caption="Training runs on held-out tasks, greedy.",
    )


def example_moments(folder: Path) -> Table | None:
    """One snapshot of each quadrant, the one with the largest payoff, as a reader can judge it."""
    chosen = [_telling(labelled(folder), quadrant) for quadrant in Quadrant]
    rows = [_moment(one) for one in chosen if one is not None]
    if not rows:
        return None
    columns = (
        Column(key="quadrant", title="Quadrant"),
        Column(key="goal", title="Goal"),
        Column(key="observation", title="Seen"),
        Column(key="action", title="The student did", kind=CellKind.CODE),
        Column(key="advice", title="The teacher says", kind=CellKind.CODE),
        Column(key="why", title="Why"),
        Column(key="U", title="U", kind=CellKind.NUMBER, digits=2),
        Column(key="L", title="L_local", kind=CellKind.INTERVAL),
        Column(key="ELP", title="ELP_net", kind=CellKind.NUMBER, digits=2),
    )
    return Table.of(columns, rows, caption="Teachable moments, one of each quadrant.")


def _telling(snapshots: Sequence[Snapshot], quadrant: Quadrant) -> Snapshot | None:
    inside = [
        one
        for one in snapshots
        if one.quadrant is quadrant
        and one.advice
        and one.advice.valid
        and one.advice.suggested_action != one.action
    ]
    return max(inside, key=lambda one: (one.cpt.ELP_net if one.cpt else 0.0, one.id), default=None)


def _moment(one: Snapshot) -> dict[str, Cell]:
    found = one.leverage
    return {
        "quadrant": one.quadrant.value if one.quadrant else "",
        "goal": _short(one.goal),
        "observation": _short(one.observation),
        "action": one.action,
        "advice": one.advice.suggested_action if one.advice else "",
        "why": _short(one.advice.diagnosis) if one.advice else "",
        "U": one.U,
        "L": interval(found.L_local, found.L_local_low, found.L_local_high) if found else None,
        "ELP": one.cpt.ELP_net if one.cpt else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN_TEXT else plain[: _SHOWN_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"


TABLES: Mapping[str, Callable[[Path], Table | None]] = {
    "quadrants": quadrant_table,
    "training_matrix": matrix_table,
    "example_moments": example_moments,
    "micro_training": micro_training_table,
    "predictor": predictor_table,
    "selection_methods": selection_table,
    "selection_comparisons": comparison_table,
}
"""Tables of a run's artifacts, by file name."""


def tables_of(folder: Path) -> dict[str, Table]:
    """The tables that a run's artifacts allow."""
    made = {name: make(folder) for name, make in TABLES.items()}
    return {name: found for name, found in made.items() if found is not None}
