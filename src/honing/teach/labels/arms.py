"""Episodes from snapshots: every condition of a chunk of snapshots in one lock-step batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from honing.environments import Task, world_named
from honing.executors import Executor
from honing.learn import Policy, Start, policy_from, roll_out
from honing.teach.apart import world_document
from honing.teach.desk import Desk
from honing.teach.snapshot import Snapshot

Json = Any

SNAPSHOTS_PER_UNIT = 32
"""Fixed, so that results do not depend on the number of workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One condition that a snapshot is tried under."""

    name: str
    n: int
    """Episodes."""
    draw: str
    """Names the random numbers: arms of one name meet the same draws, episode by episode."""
    forced: str = ""
    """The action that is taken first; empty for the policy's own."""
    patch: str = ""
    patch_steps: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One snapshot and its conditions."""

    snapshot: Snapshot
    arms: tuple[Arm, ...]

    def as_document(self) -> dict[str, Json]:
        """What a unit of work needs of it."""
        return {
            "id": self.snapshot.id,
            "task": self.snapshot.task,
            "state": self.snapshot.env_state,
            "history": self.snapshot.history,
            "arms": [asdict(arm) for arm in self.arms],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of one trial."""

    outcomes: Mapping[str, tuple[int, ...]]
    """1 or 0 of each episode, by arm, in the order of the draws."""
    tampered: str = ""
    """Why nothing may be concluded from it; empty where all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who acts in a step of trials."""

    policy: Mapping[str, Json] | Policy
    """As `learn.policy_from` reads it; or a policy that can only be asked in this process (one that holds a
    key), and then an executor of this process belongs to it."""
    temperature: float = 1.0
    executor: Executor | None = None

    @property
    def certain(self) -> bool:
        """Whether every episode from one state is bound to end alike: one episode then decides. So it is with
        the expert inside a world, and with a local policy that always takes its likeliest action."""
        if not isinstance(self.policy, Mapping):
            return False
        return self.temperature <= 0 or self.policy.get("kind") == "expert"

    def identity(self) -> dict[str, Json]:
        """What decides its actions, for the journal's key."""
        return dict(self.policy) if isinstance(self.policy, Mapping) else {"identity": self.policy.identity()}


def play(desk: Desk, step: str, acting: Acting, trials: Sequence[Trial]) -> list[Played]:
    """Play every episode of every trial.

    Args:
        desk: Of the study; its seed is that of the draws.
        step: Name of the step in the journal.
        acting: Who acts.
        trials: Of snapshots with a saved state.

    Returns:
        One per trial, in their order.
    """
    if not trials:
        return []
    shared = {
        "world": world_document(desk),
        "temperature": acting.temperature,
        "seed": desk.spec.seed,
        "policy": acting.identity(),
    }
    work = [
        {**shared, "trials": [trial.as_document() for trial in trials[start : start + SNAPSHOTS_PER_UNIT]]}
        for start in range(0, len(trials), SNAPSHOTS_PER_UNIT)
    ]
    held = None if isinstance(acting.policy, Mapping) else acting.policy
    fn = play_trials if held is None else partial(play_trials, policy=held)
    results = desk.map(step, fn, work, executor=acting.executor)
    return [
        Played(
            outcomes={name: tuple(found) for name, found in row["outcomes"].items()},
            tampered=row["tampered"],
        )
        for result in results
        for row in result
    ]


def play_trials(work: Mapping[str, Json], *, policy: Policy | None = None) -> list[Json]:
    """One unit: the outcomes of a chunk of trials."""
    trials = work["trials"]
    starts = [
        _start(trial, arm, number) for trial in trials for arm in trial["arms"] for number in range(arm["n"])
    ]
    episodes = roll_out(
        policy or policy_from(work["policy"]),
        world_named(work["world"]["name"], work["world"]["options"]),
        starts,
        temperature=work["temperature"],
        seed=work["seed"],
    )
    following = iter(episodes)
    found = []
    for trial in trials:
        arms = {arm["name"]: [next(following) for _ in range(arm["n"])] for arm in trial["arms"]}
        found.append(
            {
                "outcomes": {name: [int(one.success) for one in played] for name, played in arms.items()},
                "tampered": next(
                    (one.tampered for played in arms.values() for one in played if one.tampered), ""
                ),
            }
        )
    return found


def _start(trial: Mapping[str, Json], arm: Mapping[str, Json], number: int) -> Start:
    return Start(
        task=Task.from_document(trial["task"]),
        # The snapshot is part of the name: two moments of one task meet different draws.
        draw=f"{arm['draw']}/{trial['id']}/{number}",
        state=trial["state"],
        history=tuple(trial["history"]),
        forced=arm["forced"],
        patch=arm["patch"],
        patch_steps=arm["patch_steps"],
    )
