"""Phase 0, mine: moments of failed episodes that might be teachable, and tasks that must not be forgotten.

Nothing of an episode that does not replay exactly is used, and no task is on two sides of the study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from honing.learn import Episode, Keep
from honing.teach.apart import check_apart, hashes_by_group, reserved, tasks_at_most
from honing.teach.desk import Desk
from honing.teach.mining.choosing import in_split, moments, sampled, with_panel
from honing.teach.mining.honest import read_episodes, restorable, verdicts_on
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.collect import ROLLOUTS, played, trajectories_path
from honing.teach.phases.prepare import STUDENT, replayed, student_policy
from honing.teach.snapshot import Snapshot

Json = Any

FAILURES = "phase0/failure_snapshots.json"
SUCCEEDING = "phase0/succeeding_snapshots.json"
RETENTION = "phase0/retention_tasks.json"
EXPERT = "phase0/snapshots_expert.json"

_RETENTION_TRIES = 10
"""Tasks that are tried for each one wanted, at most."""
_FIRST_TRIES = 3
"""Of these in the first round: enough for a student that solves a third of its tasks."""


def mine(desk: Desk) -> PhaseOutcome:
    """Take snapshots from failures and successes of the student, and from the expert's trajectories."""
    elsewhere = hashes_by_group(desk, {**reserved(desk), "replay": replayed(desk)})
    student, expert, refused = _believed(desk)
    fresh = _not_in(student, elsewhere)
    played_too = {episode.task_hash: episode.task.id for episode in student}
    failures, succeeding, shown = _restorable(
        desk,
        _failures(desk, fresh),
        _successes(desk, fresh),
        # Tasks that the student played too are left to experiment A: one task is on one side of both.
        _shown(desk, _not_in(expert, {**elsewhere, "student": played_too})),
    )
    failures, shown = (with_panel(found, desk.spec.mine, seed=desk.spec.seed) for found in (failures, shown))
    trained = {snapshot.task_hash for snapshot in (*failures, *shown)} | elsewhere["replay"].keys()
    retained, tried = retained_episodes(desk, trained)
    _check(desk, [*failures, *shown], succeeding, retained, elsewhere)
    for path, snapshots in ((FAILURES, failures), (SUCCEEDING, succeeding), (EXPERT, shown)):
        desk.run.write_json(path, [snapshot.as_document() for snapshot in snapshots])
    desk.run.write_json(RETENTION, [episode.task.as_document() for episode in retained])
    split = Counter(snapshot.split for snapshot in failures)
    return PhaseOutcome(
        summary={
            "train": split["train"],
            "panel": split["panel"],
            "kinds": dict(sorted(Counter(snapshot.action_kind for snapshot in failures).items())),
            "succeeding": len(succeeding),
            "expert": len(shown),
            "retention": len(retained),
            "retention_tried": tried,
            "refused": refused,
            "in_another_split": len(student) - len(fresh),
        },
        artifacts=(FAILURES, SUCCEEDING, RETENTION, EXPERT),
    )


def _believed(desk: Desk) -> tuple[list[Episode], list[Episode], Mapping[str, int]]:
    """Episodes of the student and of the expert that really went so, and why others were left out."""
    rollouts = desk.run.path / ROLLOUTS
    path = desk.run.path / trajectories_path(desk.spec.environment.name)
    expert = read_episodes(path) if path.exists() else []
    # Experiment B needs no rollouts of the student; without either there is nothing to mine.
    student = read_episodes(rollouts) if rollouts.exists() or not expert else []
    verdicts = verdicts_on(desk, "mine.replayed", [*student, *expert])
    both = list(zip([*student, *expert], verdicts, strict=True))
    sound = [
        [episode for episode, verdict in some if not verdict]
        for some in (both[: len(student)], both[len(student) :])
    ]
    return sound[0], sound[1], dict(sorted(Counter(filter(None, verdicts)).items()))


def _not_in(episodes: Sequence[Episode], elsewhere: Mapping[str, Mapping[str, str]]) -> list[Episode]:
    """The episodes whose task no other split has."""
    taken = frozenset().union(*elsewhere.values())
    return [episode for episode in episodes if episode.task_hash not in taken]


def _failures(desk: Desk, episodes: Sequence[Episode]) -> list[Snapshot]:
    """Moments of failed episodes."""
    spec = desk.spec.mine
    failed = [episode for episode in episodes if not episode.success]
    return moments(
        _with_states(failed) if spec.require_env_state else failed,
        desk.world().kind,
        per_episode=spec.per_episode,
        stratify=spec.stratify,
        limit=spec.max_snapshots,
        seed=desk.spec.seed,
    )


def _successes(desk: Desk, episodes: Sequence[Episode]) -> list[Snapshot]:
    """Moments of successful episodes, where a patch can only do harm; never trained on."""
    failed = {episode.task_hash for episode in episodes if not episode.success}
    solved = [one for one in episodes if one.success and one.task_hash not in failed]
    found = moments(
        _with_states(solved),
        desk.world().kind,
        per_episode=1,
        stratify=desk.spec.mine.stratify,
        limit=desk.spec.cpt.succeeding,
        seed=desk.spec.seed,
    )
    return [in_split(snapshot, "panel") for snapshot in found]


def _shown(desk: Desk, episodes: Sequence[Episode]) -> list[Snapshot]:
    """Moments of the expert's trajectories."""
    return sampled(episodes, desk.world().kind, desk.spec.mine, seed=desk.spec.seed)


def _with_states(episodes: Sequence[Episode]) -> list[Episode]:
    return [episode for episode in episodes if all(move.state is not None for move in episode.moves)]


def _restorable(desk: Desk, *groups: Sequence[Snapshot]) -> list[list[Snapshot]]:
    """Of each group those whose saved state shows what they say, and those that have none."""
    saved = [one for group in groups for one in group if one.env_state is not None]
    verdicts = restorable(desk, "mine.states", [snapshot.as_document() for snapshot in saved])
    bad = {id(snapshot) for snapshot, good in zip(saved, verdicts, strict=True) if not good}
    if bad:
        desk.told(f"mine: {len(bad)} saved states do not show what their steps say, left out")
    return [[snapshot for snapshot in group if id(snapshot) not in bad] for group in groups]


def retained_episodes(desk: Desk, trained: Collection[str]) -> tuple[list[Episode], int]:
    """The first tasks of the split "retention" that the student solves with its likeliest actions, none of
    them trained on; and how many were tried. Nothing without a student."""
    wanted = desk.spec.mine.retention_tasks
    if not wanted or not (desk.run.path / STUDENT).exists():
        return [], 0
    policy = student_policy(desk.run)
    most = wanted * _RETENTION_TRIES
    solved: list[Episode] = []
    tried = 0
    while len(solved) < wanted and tried < most:
        # Each round starts processes that load the student anew, so there are two at most.
        size = most - tried if tried else min(_FIRST_TRIES * wanted, most)
        tasks = tasks_at_most(desk.world(), "retention", tried + size, seed=desk.spec.seed)[tried:]
        if not tasks:
            break
        step = f"mine.retention.{tried}"
        episodes = played(desk, step, policy, tasks, temperature=0.0, keep=Keep.ENDING)
        solved += [
            one for one in episodes if one.success and not one.tampered and one.task_hash not in trained
        ]
        tried += len(tasks)
    return solved[:wanted], tried


def _check(
    desk: Desk,
    snapshots: Sequence[Snapshot],
    succeeding: Sequence[Snapshot],
    retained: Sequence[Episode],
    elsewhere: Mapping[str, Mapping[str, str]],
) -> None:
    """Refuse a study whose sides share a task.

    Raises:
        LeakageError: They do.
    """
    measured = {
        "failure panel": {one.task_hash: one.id for one in snapshots if one.split == "panel"},
        "succeeding snapshots": {one.task_hash: one.id for one in succeeding},
        "retention tasks": {one.task_hash: one.task.id for one in retained},
        **{name: hashes for name, hashes in elsewhere.items() if name != "replay"},
    }
    training = {
        "training snapshots": {one.task_hash: one.id for one in snapshots if one.split == "train"},
        "replay": elsewhere["replay"],
    }
    check_apart(training, measured)


def _cost(desk: Desk) -> Cost:
    return Cost(episodes=_FIRST_TRIES * desk.spec.mine.retention_tasks)


PHASE = Phase(
    name="mine",
    doing="take snapshots from the trajectories",
    run=mine,
    writes=(FAILURES, SUCCEEDING, RETENTION, EXPERT),
    cost=_cost,
)
