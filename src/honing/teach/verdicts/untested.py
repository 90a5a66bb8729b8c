"""What a study did not test, said as plainly as what it did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from honing.teach.snapshot import Snapshot
from honing.teach.verdicts.artifacts import (
    CORRELATION,
    EVALUATION,
    PREDICTION,
    SELECTION,
    document,
)
from honing.teach.verdicts.base import Claim, Finding

_PHASES = (
    (CORRELATION, "untested_validation", "Whether the patch test foretells gains: no micro-training ran."),
    (EVALUATION, "untested_evaluation", "What training does on held-out tasks: no evaluation has run."),
    (PREDICTION, "untested_predictor", "Whether labels can be predicted: the predictor has not run."),
    (SELECTION, "untested_selection", "Whether selection matters: no selection has run."),
)


def untested_claims(folder: Path, snapshots: Sequence[Snapshot]) -> list[Claim]:
    """Each limit of this run as a claim that was not tested."""
    found = [(name, sentence) for path, name, sentence in _PHASES if document(folder, path) is None]
    found += _limits(folder, snapshots)
    return [
        Claim(
            id=name,
            topic="not tested",
            sentence=f"Not tested: {sentence}",
            claimed=sentence,
            found=Finding(),
            holds=None,
        )
        for name, sentence in found
    ]


def _limits(folder: Path, snapshots: Sequence[Snapshot]) -> list[tuple[str, str]]:
    student = document(folder, "phase0/student.json") or {}
    about = student.get("about") or student.get("checkpoint") or "one student"
    found = [
        (
            "untested_students",
            f"Other students and other seeds: every figure is of one student ({about}) and one seed; run the "
            "study with other seeds for the spread.",
        ),
        ("untested_worlds", "Other environments: every figure is of one world."),
    ]
    teachers = sorted({one.advice.teacher for one in snapshots if one.advice is not None})
    if "mock" in teachers:
        found.append(
            ("untested_teaching", "Teaching itself: advice came from a mock that draws valid actions.")
        )
    elif teachers == ["expert"]:
        found.append(
            (
                "untested_teacher",
                "A fallible teacher: advice came from the world's own expert, which is right more often than "
                "a chat model would be.",
            )
        )
    if snapshots and not any(one.source == "expert" for one in snapshots):
        found.append(
            (
                "untested_states",
                "States that are no failures of the student: all snapshots lie on its failed episodes.",
            )
        )
    return found
