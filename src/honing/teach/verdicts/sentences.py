"""The claims of a study: every sentence names its test, effect, interval and n. Written to `claims.json` by
the report; made from the artifacts alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from honing.teach.verdicts.artifacts import (
    CORRELATION,
    EVALUATION,
    PREDICTION,
    SELECTION,
    document,
    labelled,
)
from honing.teach.verdicts.base import Claim
from honing.teach.verdicts.episodes import read_episodes
from honing.teach.verdicts.of_labels import label_claims, validation_claims
from honing.teach.verdicts.of_selection import predictor_claims, selection_claims
from honing.teach.verdicts.of_training import training_claims
from honing.teach.verdicts.untested import untested_claims


def claims(folder: Path) -> list[Claim]:
    """Every claim of a study, those that do not hold and those that were not tested included.

    Args:
        folder: Of the run.
    """
    snapshots = labelled(folder)
    episodes = read_episodes(folder, "phase3", "phase2/training_summary.json")
    found: list[Claim] = [
        *label_claims(snapshots),
        *validation_claims(document(folder, CORRELATION)),
        *training_claims(episodes, document(folder, EVALUATION)),
        *predictor_claims(document(folder, PREDICTION)),
        *selection_claims(document(folder, SELECTION)),
    ]
    return [*found, *untested_claims(folder, snapshots)]


def unvalidated(found: Sequence[Claim]) -> bool:
    """Whether micro-training spoke against the labels that other claims rest on."""
    return any(one.id == "cpt_foretells" and one.holds is False for one in found)
