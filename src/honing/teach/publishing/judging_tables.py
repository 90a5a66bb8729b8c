"""Tables of phases 1B, 4 and 5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.store import Cell, CellKind, Column, Table
from honing.teach.publishing.cells import interval
from honing.teach.publishing.judging_figures import in_order
from honing.teach.verdicts.artifacts import CORRELATION, PREDICTION, SELECTION, document

Json = Any


def micro_training_table(folder: Path) -> Table | None:
    """Every setting of micro-training, from the same snapshot and on similar tasks."""
    found = document(folder, CORRELATION)
    if found is None:
        return None
    columns = (
        Column(key="setting", title="Setting", kind=CellKind.CODE),
        Column(key="place", title="Gain measured"),
        Column(key="rho", title="rho with ELP_net", kind=CellKind.INTERVAL),
        Column(key="partial", title="given L_local", kind=CellKind.INTERVAL),
        Column(key="L", title="rho of L_local", kind=CellKind.INTERVAL),
        Column(key="reliability", title="halves of the gain", kind=CellKind.INTERVAL),
        Column(key="gain", title="Mean gain", kind=CellKind.INTERVAL),
        Column(key="difference", title="Q1 minus Q2", kind=CellKind.INTERVAL),
        Column(key="n", title="n", kind=CellKind.NUMBER, digits=0),
    )
    rows = [
        {
            "setting": f"{figures['n_steps']} x {figures['learning_rate']:g}"
            + (" (decides)" if figures["decides"] else ""),
            "place": {"same": "from the snapshot", "similar": "on similar tasks"}[place],
            "rho": _interval(figures[place]["rho"]),
            "partial": _interval(figures[place]["partial_given_L_local"]),
            "L": _interval(figures[place]["rho_L_local"]),
            "reliability": _interval(figures[place]["reliability_gain"]),
            "gain": _interval(figures[place]["mean_gain"]),
            "difference": _interval(figures[place]["Q1_minus_Q2"]),
            "n": figures[place]["n"],
        }
        for _, figures in in_order(found["settings"])
        for place in ("same", "similar")
    ]
    return Table.of(columns, rows, caption="Micro-training: does the patch test foretell the gain?")


def predictor_table(folder: Path) -> Table | None:
    """Every head of every predictor, out of fold."""
    found = document(folder, PREDICTION)
    if found is None or not found.get("out_of_fold"):
        return None
    columns = (
        Column(key="predictor", title="Predictor"),
        Column(key="head", title="Label", kind=CellKind.CODE),
        Column(key="r2", title="R2", kind=CellKind.INTERVAL),
        Column(key="rho", title="Spearman", kind=CellKind.INTERVAL),
        Column(key="accuracy", title="Accuracy", kind=CellKind.NUMBER, digits=3),
        Column(key="f1", title="Macro-F1", kind=CellKind.NUMBER, digits=3),
        Column(key="n", title="n", kind=CellKind.NUMBER, digits=0),
    )
    rows: list[dict[str, Cell]] = []
    for name, figures in found["out_of_fold"].items():
        for head, row in {**figures["numbers"], **figures["classes"]}.items():
            rows.append(
                {
                    "predictor": name.replace("_", " "),
                    "head": head,
                    "r2": _of(row, "r2"),
                    "rho": _of(row, "spearman"),
                    "accuracy": row.get("accuracy"),
                    "f1": row.get("macro_f1"),
                    "n": row.get("n"),
                }
            )
    return Table.of(columns, rows, caption="Predictions out of fold.", folded=True)


def selection_table(folder: Path) -> Table | None:
    """Every method: what it chose, what that gained."""
    found = document(folder, SELECTION)
    if found is None:
        return None
    columns = (
        Column(key="method", title="Method", kind=CellKind.CODE),
        Column(key="about", title="How it chooses"),
        Column(key="ELP", title="Mean ELP_net", kind=CellKind.NUMBER, digits=3),
        Column(key="gain", title="Gain, greedy", kind=CellKind.INTERVAL),
        Column(key="sampled", title="Gain, sampled", kind=CellKind.INTERVAL),
        Column(key="drop", title="Retention drop", kind=CellKind.INTERVAL),
        Column(key="n", title="Snapshots", kind=CellKind.NUMBER, digits=0),
    )
    rows = [
        {
            "method": name,
            "about": row["about"],
            "ELP": row["mean_ELP_net"],
            "gain": _interval(row["gain"]),
            "sampled": _interval(row["gain_sampled"]),
            "drop": _interval(row["retention_drop"]),
            "n": row["n"],
        }
        for name, row in found["methods"].items()
    ]
    return Table.of(columns, rows, caption="Selection at equal budget.")


def comparison_table(folder: Path) -> Table | None:
    """Methods against each other on the same tasks."""
    found = document(folder, SELECTION)
    if found is None or not found["comparisons"]:
        return None
    columns = (
        Column(key="first", title="Method", kind=CellKind.CODE),
        Column(key="second", title="minus", kind=CellKind.CODE),
        Column(key="difference", title="Difference", kind=CellKind.INTERVAL),
        Column(key="p", title="p (Holm)", kind=CellKind.NUMBER, digits=3),
        Column(key="family", title="Corrected with"),
    )
    rows = [
        {
            "first": row["first"],
            "second": row["second"],
            "difference": _interval(row),
            "p": row["p_holm"],
            "family": {"hypothesis": "the hypothesis", "control": "the controls"}[row["family"]],
        }
        for row in found["comparisons"]
    ]
    return Table.of(columns, rows, caption="Selection methods in pairs, on the same held-out tasks, greedy.")


def _interval(figure: Mapping[str, Json] | None) -> Cell:
    return None if figure is None else interval(figure["estimate"], figure["low"], figure["high"])


def _of(row: Mapping[str, Json], key: str) -> Cell:
    return interval(row.get(key), row.get(f"{key}_low"), row.get(f"{key}_high"))
