"""The rows that every labelling phase adds its part to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.teach.desk import Desk
from honing.teach.phases.advise import LABELLED, write_labelled
from honing.teach.phases.mine import FAILURES
from honing.teach.snapshot import Snapshot

Json = Any

LABELED = f"{LABELLED}.jsonl"
LABELED_LIST = f"{LABELLED}.json"
RELIABILITY = "phase1/reliability.json"
EPISODES = "phase1/label_episodes.json"
"""Every single outcome behind the labels: by part ("leverage"), snapshot and arm."""


def labeled(desk: Desk) -> list[Snapshot]:
    """The snapshots with the labels made so far; as they were mined where no phase has labelled them yet."""
    written = (desk.run.path / LABELED).exists()
    return desk.snapshots(LABELED if written else FAILURES)


def keep_labels(desk: Desk, snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    """Write both files of labels.

    Returns:
        What was written, relative to the run.
    """
    write_labelled(desk, snapshots)
    return (LABELED, LABELED_LIST)


def with_part(
    snapshot: Snapshot, part: str, value: object, *, missing: str = "", **further: object
) -> Snapshot:
    """A snapshot with one part of its labels, or with the reason why it has none.

    Args:
        snapshot: As it was.
        part: Name of the field: `leverage`, `cpt`.
        value: The part; None where there is none.
        missing: Why there is none; empty where there is one.
        **further: Other fields that are written with it.
    """
    reasons = {name: why for name, why in snapshot.missing.items() if name != part}
    if missing:
        reasons[part] = missing
    return snapshot.model_copy(update={part: value, "missing": reasons, **further})


def why_missing(snapshots: Sequence[Snapshot], part: str) -> dict[str, int]:
    """How many snapshots lack a part, by the kind of reason: what a reason says before its first colon."""
    found = Counter(each.missing[part].partition(":")[0] for each in snapshots if part in each.missing)
    return dict(sorted(found.items()))


def merge_into(desk: Desk, relative: str, part: Mapping[str, Json]) -> str:
    """Put keys into a JSON object that several phases write their parts of."""
    path = desk.run.path / relative
    known = desk.run.read_json(relative) if path.exists() else {}
    desk.run.write_json(relative, {**known, **part})
    return relative
