"""What a ledger is: the candidates of one run in order, with where the run stands and what it spent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.search.ranking import believed, leader
from honing.harness.tasks.base import Evaluation
from honing.store import RunStatus

SOLVED = 1.0 - 1e-9
"""Score from which a project counts as solved."""
UNCONFINED = "unconfined"
"""Name of the sandbox that contains nothing. What ran in it is marked wherever it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run was asked to do, as its `run.json` holds it. Empty where an older run does not say."""

    project: str = ""
    """The project's name."""
    folder: str = ""
    """Where the project lay."""
    agent: str = ""
    model: str = ""
    agent_options: Mapping[str, Any] = field(default_factory=dict)
    proposal_timeout_s: float | None = None
    proposals: int = 0
    """Planned, of each arm."""
    control: bool = True
    """Whether the control arm runs beside the search."""
    search: str = ""
    rule: str = ""
    """When a gain is believed (`Judging.rule`)."""
    in_flight: int = 1
    repeats: int = 1
    """Seeds of every search task that is not deterministic."""
    seed: int = 0
    level: float = 0.95
    sandbox: str = ""
    """As it was asked for; what each candidate ran in is in its own rows."""
    objective: str = ""
    tasks: Mapping[str, str] = field(default_factory=dict)
    """Hash of what decides each search task's score, by id: equal hashes are the same task."""
    held_out: str = ""
    """Hash of the held-out tasks; empty where the project has none."""
    held_out_tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What a run spent so far. Volatile: two runs that are the same may differ here."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """Known money."""
    cost_unknown: int = 0
    """Proposals whose cost nobody knows."""
    task_runs: int = 0
    """Runs of search tasks, re-tests included."""
    agent_s: float = 0.0
    """Seconds that agents worked, summed over proposals."""
    evaluation_s: float = 0.0
    """Seconds that tasks ran, summed."""
    wall_s: float = 0.0
    """Seconds that somebody supervised the run, over all sessions."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One run's candidates, as far as they are committed."""

    name: str
    """Folder name of the run."""
    path: Path
    run_id: str
    status: RunStatus
    reason: str = ""
    created: float | None = None
    """Unix time, seconds."""
    ended: float | None = None
    facts: Facts = Facts()
    candidates: Sequence[Candidate] = ()
    """The baseline, then the search's by slot, then the control's by slot."""
    moments: Mapping[str, float] = field(default_factory=dict)
    """Unix time at which each candidate was finished, by id. Volatile."""
    running: tuple[str, ...] = ()
    """Ids under way; of a run that nobody works on, those that were cut off."""
    final: Mapping[str, Any] | None = None
    """What the end of the run found: who won each arm and by what. None before the end."""
    fresh: Mapping[str, Evaluation] = field(default_factory=dict)
    """Runs of the search tasks on fresh seeds by candidate, from the end of the run; empty where every task
    is deterministic."""
    held_out: Mapping[str, Evaluation] = field(default_factory=dict)
    """Runs of the held-out tasks by candidate: of the few that were tried on them, once, at the end."""
    attribution: Mapping[str, Any] | None = None
    """Which changes of the winner matter, where somebody asked (`hone harness attribute`)."""
    spend: Spend = Spend()
    damage: tuple[str, ...] = ()
    """What could not be read, one sentence each. Everything else is shown all the same."""

    @property
    def baseline(self) -> Candidate | None:
        return next((each for each in self.candidates if each.outcome is Outcome.BASELINE), None)

    def arm(self, arm: Arm) -> list[Candidate]:
        """The proposals of an arm, by slot; without the baseline."""
        return [each for each in self.candidates if each.arm is arm and each.outcome is not Outcome.BASELINE]

    def best(self, arm: Arm = Arm.SEARCH) -> Candidate | None:
        """The candidate an arm stands for: the one that the end of the run chose, or who leads now."""
        chosen = (self.final or {}).get("winner" if arm is Arm.SEARCH else "control_winner")
        by_id = {each.id: each for each in self.candidates}
        if chosen in by_id:
            return by_id[str(chosen)]
        if self.baseline is None:
            return None
        return leader([self.baseline, *self.arm(arm)])

    @property
    def improved(self) -> bool:
        """Whether the search found something better than the baseline: as the end of the run says, which has
        looked once more where tasks are noisy; before that, whether anything was kept."""
        best, baseline = self.best(), self.baseline
        if self.final is not None and "improved" in self.final:
            return bool(self.final["improved"])
        return best is not None and baseline is not None and best.id != baseline.id

    def held_out_score(self, candidate: Candidate | None) -> float | None:
        """Of a candidate on the held-out tasks; None where it was not tried on them."""
        judged = self.held_out.get(candidate.id) if candidate is not None else None
        return judged.score if judged is not None else None

    def counts(self, arm: Arm | None = None) -> dict[Outcome, int]:
        """How many proposals ended in each way, every way named."""
        found = [each for each in self.candidates if each.outcome is not Outcome.BASELINE]
        if arm is not None:
            found = self.arm(arm)
        ways = [outcome for outcome in Outcome if outcome is not Outcome.BASELINE]
        return {way: sum(each.outcome is way for each in found) for way in ways}

    @property
    def unconfined(self) -> bool:
        """Whether anything of it ran without a sandbox."""
        return any(UNCONFINED in sandboxes(each) for each in self.candidates)


def final_estimate(ledger: Ledger) -> float | None:
    """The search's winner free of the luck of its selection: as the end of the run found it on fresh seeds,
    before that as its re-test did."""
    best = ledger.best()
    if best is None:
        return None
    looked_again = ledger.fresh.get(best.id)
    if looked_again is not None and looked_again.score is not None:
        return looked_again.score
    return estimate_of(best)


def estimate_of(candidate: Candidate) -> float | None:
    """The believed score: from fresh episodes where there was a re-test, otherwise the first one."""
    found = believed(candidate)
    return found if math.isfinite(found) else None


def sandboxes(candidate: Candidate) -> tuple[str, ...]:
    """What contained the agent and the candidate's own code, each named once."""
    runs = candidate.evaluation.runs if candidate.evaluation is not None else ()
    agent = str(candidate.proposal.agent.get("sandbox") or "") if candidate.proposal is not None else ""
    return tuple(dict.fromkeys(name for name in (agent, *(run.score.sandbox for run in runs)) if name))


def usage_of(candidate: Candidate) -> Mapping[str, Any]:
    """Model calls of the proposal as the gateway counted them; empty where no agent was asked."""
    usage = candidate.proposal.agent.get("usage") if candidate.proposal is not None else None
    return usage if isinstance(usage, Mapping) else {}
