"""Phase 1, advise: the teacher says for every snapshot what should have been done and what went wrong.

What a chat model costs is shown before and after; what it said once is never paid for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import KnowsBest, world_named
from honing.stats import proportion
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.phase import Cost, Criterion, Phase, PhaseOutcome
from honing.teach.phases.mine import FAILURES, SUCCEEDING
from honing.teach.snapshot import Advice, Snapshot
from honing.teach.study_spec import TeacherKind
from honing.teach.teachers import ExpertTeacher, MockTeacher
from honing.teach.teachers.consulting import bill_of, consult_all, forecast, shown

Json = Any

LABELLED = "phase1/labeled_snapshots"
"""Of `.jsonl` and `.json`: the same rows twice."""
ADVISED_SUCCEEDING = "phase1/succeeding_snapshots.json"
SUMMARY = "phase1/advice.json"

SNAPSHOTS_PER_UNIT = 64
_ONLY_IN_FILE = ("problems", "error_types", "refused_parameters")
_ENOUGH_VALID = 0.95


def advise(desk: Desk) -> PhaseOutcome:
    """Ask the teacher about every snapshot and begin the labelled file with its advice."""
    failures = desk.snapshots(FAILURES)
    has_successes = (desk.run.path / SUCCEEDING).exists()
    succeeding = desk.snapshots(SUCCEEDING) if has_successes else []
    everything = [*failures, *succeeding]
    kind = teacher_kind(desk)
    bill: dict[str, Json] = {}
    if kind is TeacherKind.MODEL:
        consultations = consult_all(desk, everything)
        given, bill = [one.advice for one in consultations], bill_of(consultations)
    else:
        given = _told(desk, kind, everything)
    advised = [
        snapshot.model_copy(update={"advice": advice})
        for snapshot, advice in zip(everything, given, strict=True)
    ]
    labelled, others = advised[: len(failures)], advised[len(failures) :]
    write_labelled(desk, labelled)
    desk.run.write_json(ADVISED_SUCCEEDING, [snapshot.as_document() for snapshot in others])
    summary = {"teacher": kind.value, **_figures(labelled), **bill}
    desk.run.write_json(SUMMARY, summary)
    return PhaseOutcome(
        summary={name: value for name, value in summary.items() if name not in _ONLY_IN_FILE},
        criteria=(_validity(labelled),),
        artifacts=(f"{LABELLED}.jsonl", f"{LABELLED}.json", ADVISED_SUCCEEDING, SUMMARY),
    )


def write_labelled(desk: Desk, snapshots: Sequence[Snapshot]) -> None:
    """Write both forms of the labelled snapshots."""
    rows = [snapshot.as_document() for snapshot in snapshots]
    desk.run.write_jsonl(f"{LABELLED}.jsonl", rows)
    desk.run.write_json(f"{LABELLED}.json", rows)


def teacher_kind(desk: Desk) -> TeacherKind:
    """Who advises in the end: without an API the expert does where there is one, else the mock."""
    spec = desk.spec.teacher
    if spec.kind is not TeacherKind.MODEL or not spec.skip_api:
        return spec.kind
    environment: object = desk.world().make()
    return TeacherKind.EXPERT if isinstance(environment, KnowsBest) else TeacherKind.MOCK


def _told(desk: Desk, kind: TeacherKind, snapshots: Sequence[Snapshot]) -> list[Advice]:
    """Advice of a teacher that needs no model."""
    documents = [shown(snapshot) for snapshot in snapshots]
    work = {"world": world_document(desk), "teacher": kind.value}
    chunks = [
        {**work, "snapshots": documents[start : start + SNAPSHOTS_PER_UNIT]}
        for start in range(0, len(documents), SNAPSHOTS_PER_UNIT)
    ]
    return [Advice.model_validate(row) for found in desk.map("advise", advise_chunk, chunks) for row in found]


def advise_chunk(work: Mapping[str, Json]) -> list[Json]:
    """One unit: advice of the expert or of the mock on a chunk of snapshots."""
    snapshots = [Snapshot.model_validate(row) for row in work["snapshots"]]
    if work["teacher"] == TeacherKind.MOCK:
        return [MockTeacher().advise(snapshot).model_dump(mode="json") for snapshot in snapshots]
    teacher = ExpertTeacher(world_named(work["world"]["name"], work["world"]["options"]))
    try:
        return [teacher.advise(snapshot).model_dump(mode="json") for snapshot in snapshots]
    finally:
        teacher.close()


def _figures(snapshots: Sequence[Snapshot]) -> dict[str, Json]:
    """What the advice on the failures looks like."""
    given = [one.advice for one in snapshots if one.advice is not None]
    valid = [advice for advice in given if advice.valid]
    agreed = sum(
        one.advice is not None and one.advice.valid and one.advice.suggested_action == one.action
        for one in snapshots
    )
    return {
        "snapshots": len(snapshots),
        "valid": len(valid),
        "agrees_with_student": agreed,
        "error_types": dict(sorted(Counter(str(one.error_type) for one in valid if one.error_type).items())),
        "teachers": dict(sorted(Counter(one.teacher for one in valid).items())),
    }


def _validity(snapshots: Sequence[Snapshot]) -> Criterion:
    """Whether nearly all advice names an action that can be taken."""
    valid = sum(one.advice is not None and one.advice.valid for one in snapshots)
    sentence = f"At least {_ENOUGH_VALID:.0%} of the teacher's advice names a valid action, exactly."
    if not snapshots:
        return Criterion(
            name="teacher_validity", sentence=sentence, value=None, met=None, note="there is no snapshot"
        )
    rate = proportion(valid, len(snapshots))
    return Criterion(
        name="teacher_validity",
        sentence=sentence,
        value=rate.estimate,
        low=rate.low,
        high=rate.high,
        n=len(snapshots),
        met=rate.estimate >= _ENOUGH_VALID,
    )


def _cost(desk: Desk) -> Cost:
    if teacher_kind(desk) is not TeacherKind.MODEL:
        return Cost()
    there = (desk.run.path / FAILURES).exists()
    seen = desk.snapshots(FAILURES) if there else []
    expected = desk.spec.mine.max_snapshots if not there else 0
    found = forecast(desk, seen, unseen=expected + desk.spec.cpt.succeeding)
    return Cost(calls=found.calls_at_most, tokens=found.tokens_at_most, usd=found.cost_usd_at_most)


PHASE = Phase(
    name="advise",
    doing="ask the teacher",
    run=advise,
    reads=(FAILURES,),
    writes=(f"{LABELLED}.jsonl", f"{LABELLED}.json", ADVISED_SUCCEEDING),
    cost=_cost,
)
