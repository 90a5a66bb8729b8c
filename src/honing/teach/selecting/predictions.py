"""Predicted ELP of the pool: out of fold where this run trained the predictor, else by a predictor from
elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from honing.teach.desk import Desk, read_rows
from honing.teach.prediction.cross_validation import OURS
from honing.teach.prediction.saved import load_predictor
from honing.teach.snapshot import Snapshot

OUT_OF_FOLD = "phase4/out_of_fold.jsonl"
PREDICTOR = "phase4/predictor"
HEAD = "ELP_net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Scores and where they come from."""

    scores: dict[str, float]
    """Predicted ELP_net by id; empty where nothing predicts it."""
    source: str
    """`out_of_fold`, `model` or `none`."""
    seen: int = 0
    """Snapshots whose task the model was trained on: for them it is no prediction."""


def predicted_payoffs(desk: Desk, snapshots: Sequence[Snapshot]) -> Predicted:
    """Predicted ELP_net of snapshots.

    Raises:
        StudyError: The predictor cannot be read, or a snapshot's uncertainty was not measured.
    """
    ids = {one.id for one in snapshots}
    path = desk.run.path / OUT_OF_FOLD
    if path.is_file():
        rows = [row for row in read_rows(path) if row["id"] in ids and HEAD in row[OURS]]
        found = {row["id"]: float(row[OURS][HEAD]) for row in rows}
        return Predicted(scores=found, source="out_of_fold" if found else "none")
    if not (desk.run.path / PREDICTOR).exists():
        return Predicted(scores={}, source="none")
    predictor = load_predictor(desk.run.path / PREDICTOR)
    answers = predictor.predict(snapshots, desk.world())
    scores = {one.id: float(row[HEAD]) for one, row in zip(snapshots, answers, strict=True) if HEAD in row}
    seen = sum(one.task_hash in predictor.trained_on for one in snapshots)
    return Predicted(scores=scores, source="model", seen=seen)
