"""An audit of a target: its controls, the causal rules under them, and every probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.contract.asking.rollout import Plan
from honing.contract.audit.probes import Probe, Way, probe
from honing.contract.audit.rules import Finding, Verdict, verdicts
from honing.contract.controls.calibrate import Calibration
from honing.contract.controls.control import Silent
from honing.contract.measurement import measure
from honing.contract.workbench.bench import Bench
from honing.executors import MapOptions, Progress
from honing.llm import Answering

FILE = "audit.json"
_ROWS = 8
"""Rows that Honing asks for the probes, where it asks: what is tried does not depend on how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found."""

    calibration: Calibration
    verdicts: tuple[Verdict, ...]
    """On empty answers, which no rule may let pass as knowledge."""
    probes: tuple[Probe, ...]
    provenance: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the controls bracket the score and no way to a better number is open but reading what the
        target itself shows."""
        return self.calibration.ok and not self.weaknesses

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """What speaks against a number of this target, one sentence each."""
        found = [
            f"{one.rule}: {one.why}"
            for one in self.verdicts
            if one.finding in (Finding.BROKEN, Finding.SUSPICIOUS)
        ]
        found += [f"{one.name}: {one.why}" for one in self.probes if one.way is Way.OPEN]
        return tuple(found)

    def as_document(self) -> dict[str, Any]:
        """audit.json."""
        return {
            "ok": self.ok,
            "calibration": self.calibration.as_document(),
            "controls": [
                {"control": one.control, "score": one.score, "n": one.n, "ok": one.ok, "note": one.note}
                for one in self.calibration.controls
            ],
            "verdicts": [one.as_document() for one in self.verdicts],
            "probes": [one.as_document() for one in self.probes],
            "provenance": dict(self.provenance),
            "weaknesses": list(self.weaknesses),
        }


def audit(
    bench: Bench, calibration: Calibration, shown: Plan, provenance: Mapping[str, Any], progress: Progress
) -> Audit:
    """Audit a prepared target. No model is asked: empty answers are enough to try what could make them good.

    Args:
        bench: Prepared.
        calibration: Of the same target.
        shown: What a model would be asked.
        provenance: Who wrote the contract.
        progress: Is told how each probe goes.
    """
    plan = Plan(
        name="audit.null",
        rows=shown.rows[:_ROWS],
        model=shown.model,
        limit=shown.limit,
        seed=shown.seed,
        source="null",
        free=True,
    )
    empty = measure(bench, plan, Answering(Silent(), name="null"), MapOptions(progress=progress))
    return Audit(
        calibration=calibration,
        verdicts=verdicts(empty, calibration, bench.contract),
        probes=tuple(probe(bench, empty, progress)),
        provenance=provenance,
    )
