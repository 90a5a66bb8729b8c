"""A subject whose true skills are known in closed form: what a loop finds can be compared with the truth.

A version solves task t under seed s when a hash of (t, s), common to all versions, falls below its skill on
that task. So two versions are compared under common random numbers, the true mean of a version is its skill,
and the true gain of a step is the difference of two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from honing.experiments.improve.base import (
    Measurement,
    Panel,
    PanelTask,
    Part,
    Proposal,
    Sizes,
    Spending,
    TaskScore,
    Version,
)
from honing.experiments.improve.desk import Desk
from honing.store import TREES, TreeId, TreeStore, make_home

_FILE = "skill.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """What a version can do."""

    mean: float = 0.5
    """Chance of solving a task that nothing else is said of."""
    known: float = 1.0
    """Share of the tasks that it can solve at all, chosen by content: a larger share holds a smaller one."""
    lost: float = 0.0
    """Share of the tasks that it cannot solve any more, whatever the seed; chosen by content."""
    own_draws: str = ""
    """A word: versions of different words share no random numbers, so their paired difference is noisier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedSubject:
    """A subject that plays a script."""

    name: str = "scripted"
    baseline: Skill = Skill()
    rewritten: Skill | None = None
    """What the harness step proposes; None: it has nothing to propose."""
    taught: Skill | None = None
    """What the weights step proposes."""
    control: Skill | None = None
    """What the control of each step makes."""
    tasks: Mapping[Part, int] = field(
        default_factory=lambda: {Part.SEARCH: 20, Part.CHECK: 200, Part.HELD_OUT: 200}
    )
    deterministic: bool = False
    """Whether seeds change nothing."""
    tokens_each: int = 10
    """Of each attempt."""

    def identity(self) -> Mapping[str, Any]:
        """See `Subject.identity`."""
        found = asdict(self)
        return {**found, "tasks": {part.value: count for part, count in self.tasks.items()}}

    def sizes(self) -> Sizes:
        """See `Sized.sizes`."""
        return Sizes(tasks=self.tasks, search_runs_each=self.tasks[Part.SEARCH])

    def start(self, desk: Desk) -> Version:
        """See `Subject.start`."""
        return Version(harness=_kept(desk, self.baseline), model="scripted/model")

    def panel(self, desk: Desk) -> Panel:
        """See `Subject.panel`."""
        tasks = {part: tuple(_task(part, k) for k in range(count)) for part, count in self.tasks.items()}
        return Panel(tasks=tasks, certificate={"oracle": 1.0, "null": 0.0})

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """See `Subject.measure`."""
        skill = _skill(desk, version)
        scores = [
            TaskScore(task=task.id, seed=seed, score=self._score(skill, task, seed))
            for task in (_task(part, k) for k in range(self.tasks[part]))
            for seed in seeds
        ]
        spent = Spending(task_runs=len(scores), calls=len(scores), tokens=self.tokens_each * len(scores))
        return Measurement(scores=tuple(scores), spent=spent, deterministic=self.deterministic)

    def rewrite(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject.rewrite`."""
        return self._proposal(desk, self.rewritten, Spending(proposals=desk.allowance.proposals))

    def teach(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject.teach`."""
        return self._proposal(desk, self.taught, Spending(training_steps=desk.allowance.training_steps))

    def _proposal(self, desk: Desk, skill: Skill | None, spent: Spending) -> Proposal:
        if skill is None:
            return Proposal(version=None, reason="the script has nothing to propose")
        control = None
        if self.control is not None:
            control = Version(harness=_kept(desk, self.control), model="scripted/model")
        version = Version(harness=_kept(desk, skill), model="scripted/model")
        facts = {"mean": skill.mean, "losses": [1.0, 0.5, 0.25]}
        return Proposal(
            version=version, control=control, reason=f"a skill of {skill.mean:g}", spent=spent, facts=facts
        )

    def _score(self, skill: Skill, task: PanelTask, seed: int) -> float:
        if _draw("known", task.digest) >= skill.known or _draw("lost", task.digest) < skill.lost:
            return 0.0
        drawn = _draw(skill.own_draws, task.digest, "" if self.deterministic else str(seed))
        return float(drawn < skill.mean)


def _task(part: Part, number: int) -> PanelTask:
    name = f"{part.value}-{number:04d}"
    return PanelTask(id=name, digest=hashlib.sha256(name.encode()).hexdigest())


def _draw(*words: str) -> float:
    """A number in [0, 1) that the words decide."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:6], "big") / 2**48


def _kept(desk: Desk, skill: Skill) -> str:
    """A harness of one file, in the store."""
    make_home(desk.home)
    scratch = desk.run.path / "work" / "scripted"
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / _FILE).write_text(json.dumps(asdict(skill), indent=2, sort_keys=True) + "\n", "utf-8")
    return TreeStore(desk.home / TREES).snapshot(scratch, again=False)


def _skill(desk: Desk, version: Version) -> Skill:
    trees = TreeStore(desk.home / TREES)
    entry = trees.load(TreeId(version.harness)).entries[0]
    return Skill(**json.loads(trees.read(entry)))
