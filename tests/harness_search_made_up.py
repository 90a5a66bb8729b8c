"""A search of any length made up from a seed, with everything in it that can happen to a candidate."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from harness_candidates import agent, task_run, tree
from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome, Proposal
from honing.harness.ledger import Facts, Ledger
from honing.harness.ledger.reading import spend_of
from honing.harness.search.ranking import leader
from honing.harness.tasks.base import Evaluation
from honing.store import RunStatus

_LOST = (
    Outcome.CRASH,
    Outcome.TIMEOUT,
    Outcome.NO_CHANGE,
    Outcome.SCOPE_VIOLATION,
    Outcome.CLASS_VIOLATION,
    Outcome.LEAKAGE_VIOLATION,
    Outcome.TAMPERED,
    Outcome.INFRA_ERROR,
)


class MadeUpSearch:
    """Both arms of a search on tasks that succeed by chance, the likelier the better a candidate is."""

    def __init__(self, seed: int, tasks: int) -> None:
        self._rng = random.Random(seed)
        self.tasks = [f"task-{number:02d}" for number in range(tasks)]
        self.skill = {"c0000": 0.2}
        start = self.judged(0.2)
        sentence = "The harness as it was given."
        self.baseline = Candidate(
            id="c0000",
            arm=Arm.SEARCH,
            slot=0,
            outcome=Outcome.BASELINE,
            sentence=sentence,
            tree=tree("0"),
            evaluation=start,
        )

    def judged(self, skill: float, *, sandbox: str = "bubblewrap") -> Evaluation:
        """Three seeds of every task."""
        scores = [(task, seed, float(self._rng.random() < skill)) for task in self.tasks for seed in range(3)]
        runs = tuple(task_run(task, score, seed=seed, sandbox=sandbox) for task, seed, score in scores)
        return Evaluation(runs=runs, complete=True)

    def arm(self, arm: Arm, slots: int) -> list[Candidate]:
        """Its proposals; the search goes on from the best, the control always from the baseline."""
        found: list[Candidate] = []
        for slot in range(1, slots + 1):
            parent = leader([self.baseline, *found]) if arm is Arm.SEARCH else self.baseline
            found.append(self._proposal(arm, slot, parent))
        return found

    def _proposal(self, arm: Arm, slot: int, parent: Candidate) -> Candidate:
        name = f"{'c' if arm is Arm.SEARCH else 'b'}{slot:04d}"
        usage = agent(tokens=(self._rng.randrange(20_000), self._rng.randrange(4_000)))
        given: dict[str, Any] = {"id": name, "arm": arm, "slot": slot, "parents": (parent.id,)}
        if self._rng.random() < 0.3:
            outcome = self._rng.choice(_LOST)
            proposal = Proposal(tree=None, agent=usage)
            return Candidate(
                **given, outcome=outcome, sentence=f"Ended as {outcome.value}.", proposal=proposal
            )
        skill = min(self.skill[parent.id] + self._rng.gauss(0.02, 0.1), 0.95)
        judged = self.judged(skill)
        assert judged.score is not None
        assert parent.score is not None
        gain = judged.score - parent.score
        kept = gain > 0.03
        self.skill[name] = skill
        acceptance = Acceptance(
            accepted=kept,
            sentence="It showed again on fresh seeds." if kept else "It did not beat its parent.",
            difference=(gain, gain - 0.1, gain + 0.1),
            retest=(gain / 2, gain / 2 - 0.1, gain / 2 + 0.1) if kept else None,
            estimate=judged.score - gain / 2 if kept else None,
        )
        return Candidate(
            **given,
            outcome=Outcome.KEEP if kept else Outcome.DISCARD,
            sentence=acceptance.sentence,
            tree=tree("1"),
            proposal=Proposal(tree=tree("1"), agent=usage),
            changed=("AGENTS.md",),
            evaluation=judged,
            acceptance=acceptance,
        )


def made_up_ledger(slots: int, *, tasks: int = 24, seed: int = 1) -> Ledger:
    """A finished run with held-out tasks and a control arm."""
    search = MadeUpSearch(seed, tasks)
    candidates = [search.baseline, *search.arm(Arm.SEARCH, slots), *search.arm(Arm.CONTROL, slots)]
    arms = {arm: [search.baseline, *(c for c in candidates[1:] if c.arm is arm)] for arm in Arm}
    winners = {arm: leader(found).id for arm, found in arms.items()}
    tried = {"c0000", *winners.values()}
    difference = {"estimate": 0.3, "low": 0.1, "high": 0.5, "level": 0.95, "pairs": 24, "method": "score"}
    names = ("gain", "control_gain", "over_control", "held_out_gain", "held_out_over_control")
    return Ledger(
        name="made-up",
        path=Path("/runs/made-up"),
        run_id="20261121-1",
        status=RunStatus.DONE,
        facts=Facts(
            project="ticket-router",
            objective="Route tickets to the right team.",
            agent="codex",
            proposals=slots,
            search="greedy",
            rule="fresh",
            repeats=3,
            tasks=dict.fromkeys(search.tasks, "a" * 64),
            held_out="b" * 64,
            held_out_tasks=tasks,
        ),
        candidates=candidates,
        final={
            "winner": winners[Arm.SEARCH],
            "control_winner": winners[Arm.CONTROL],
            "comparisons": dict.fromkeys(names, difference),
        },
        fresh={name: search.judged(search.skill[name]) for name in sorted(tried)},
        held_out={name: search.judged(search.skill[name]) for name in sorted(tried)},
        spend=spend_of(candidates),
    )
