"""How phases ended, on disk, and what that makes of the study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.store import Run
from honing.teach.phase import Criterion, PhaseOutcome
from honing.teach.phases import ORDER
from honing.teach.running.timing import Took, times_of

_FOLDER = "phases"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """How a study stands."""

    run: Path
    phases: dict[str, PhaseOutcome]
    """Those that are done, in order."""
    times: dict[str, Took]

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Of all phases, in order."""
        return tuple(criterion for outcome in self.phases.values() for criterion in outcome.criteria)

    @property
    def unmet(self) -> tuple[Criterion, ...]:
        """Criteria that decide the exit code and are not met."""
        return tuple(criterion for outcome in self.phases.values() for criterion in outcome.unmet)

    def as_document(self) -> dict[str, Any]:
        """As plain data, times included."""
        return {
            "run": str(self.run),
            "ok": not self.unmet,
            "phases": {
                name: {
                    "summary": dict(outcome.summary),
                    "artifacts": list(outcome.artifacts),
                    "wall_s": self.times[name].wall_s if name in self.times else None,
                    "cpu_s": self.times[name].cpu_s if name in self.times else None,
                }
                for name, outcome in self.phases.items()
            },
            "criteria": [criterion.as_document() for criterion in self.criteria],
        }


def keep_outcome(run: Run, name: str, outcome: PhaseOutcome) -> None:
    """Write down that a phase is done."""
    run.write_json(_path(name), outcome.as_document())


def kept_outcome(run: Run, name: str) -> PhaseOutcome | None:
    """How a phase ended; None where it is not done, or where something it wrote is gone."""
    if not (run.path / _path(name)).is_file():
        return None
    outcome = PhaseOutcome.from_document(run.read_json(_path(name)))
    there = all((run.path / path).exists() for path in outcome.artifacts)
    return outcome if there else None


def forget_from(run: Run, begin: str) -> None:
    """Take a phase and all after it as not done. Their artifacts stay until they are written anew."""
    for name in ORDER[ORDER.index(begin) :]:
        (run.path / _path(name)).unlink(missing_ok=True)


def result_of(run: Run) -> StudyResult:
    """How a study stands."""
    found = {name: kept_outcome(run, name) for name in ORDER}
    phases = {name: outcome for name, outcome in found.items() if outcome is not None}
    return StudyResult(run=run.path, phases=phases, times=times_of(run))


def _path(name: str) -> str:
    return f"{_FOLDER}/{name}.json"
