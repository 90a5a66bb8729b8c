"""What a study would take: for `--dry-run`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from honing.llm import Usage, cost
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.phase import Cost
from honing.teach.phases import phase_named
from honing.teach.running.opening import KIND
from honing.teach.running.request import StudyOptions
from honing.teach.study_spec import StudySpec, TeacherKind

_EPISODE_CPU_S = 0.003
"""Of the tiny student on one core: benchmarks/results/teach-study.md, episodes over CPU time."""
_OPTIMISER_STEP_CPU_S = 0.05
"""Of the tiny student, batch 8, by the same table."""
_REPLY_TOKENS = 80
"""Of one piece of advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one phase would take."""

    phase: str
    cost: Cost
    usd: Decimal | None
    """At most, by the prices that are known; None where the model's price is not."""
    cpu_s: float | None
    """About; None for a student that was not measured."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "phase": self.phase,
            "episodes": self.cost.episodes,
            "calls": self.cost.calls,
            "tokens": self.cost.tokens,
            "optimiser_steps": self.cost.optimiser_steps,
            "usd": None if self.usd is None else float(self.usd),
            "cpu_s": self.cpu_s,
        }


def forecast(spec: StudySpec, options: StudyOptions, phases: tuple[str, ...]) -> list[Forecast]:
    """What phases would take at most; nothing is run, nothing is kept.

    Args:
        spec: The study.
        options: Of the session.
        phases: Which.
    """
    with tempfile.TemporaryDirectory() as scratch:
        run = Run.create(Path(scratch), kind=KIND, config={}, command=[], seed=spec.seed)
        desk = Desk(run=run, spec=spec, endpoints=options.endpoints, cache=options.cache)
        return [_of(desk, name, phase_named(name).cost(desk)) for name in phases]


def _of(desk: Desk, name: str, found: Cost) -> Forecast:
    tiny = not desk.spec.student.checkpoint
    seconds = found.episodes * _EPISODE_CPU_S + found.optimiser_steps * _OPTIMISER_STEP_CPU_S
    return Forecast(
        phase=name, cost=found, usd=_usd(desk.spec, found), cpu_s=round(seconds, 1) if tiny else None
    )


def _usd(spec: StudySpec, found: Cost) -> Decimal | None:
    if not found.calls:
        return Decimal(0)
    if found.usd is not None:
        return found.usd
    asks = spec.teacher.kind is TeacherKind.MODEL
    replies = min(found.tokens, found.calls * _REPLY_TOKENS)
    usage = Usage(input_tokens=found.tokens - replies, output_tokens=replies)
    return cost(spec.teacher.model if asks else spec.expert.model, usage)
