"""The causal rules: what must have happened for a number to be about a model, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.contract.audit.causes import Causes, causes_from
from honing.contract.controls.calibrate import Calibration, goodness
from honing.contract.controls.control import Control
from honing.contract.spec import Answers, ContractSpec
from honing.contract.stages.failures import FailureKind
from honing.contract.workbench.bench import Measurement


class Finding(StrEnum):
    """What was found about a rule. Exactly one holds."""

    HELD = "held"
    BROKEN = "broken"
    """There is no score because of it."""
    SUSPICIOUS = "suspicious"
    """The number stands, and somebody should look."""
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule and what was found."""

    rule: str
    finding: Finding
    why: str
    """A sentence with what it rests on."""

    def as_document(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"rule": self.rule, "finding": self.finding.value, "why": self.why}


MODEL_ASKED = "a model was asked"
FRESH = "the result is new"
GRADER_READ = "the target's grader was read"
ANSWERS_READ = "the answers were read"
GRADER_KEPT = "the grader is as the target brought it"
CONTROLS_DIFFER = "right and worthless answers differ"

_STALE = (FailureKind.NOTHING_WRITTEN, FailureKind.METRICS_INVALID)


def verdicts(
    measurement: Measurement, calibration: Calibration, contract: ContractSpec
) -> tuple[Verdict, ...]:
    """Every rule's verdict on a measurement."""
    causes = causes_from(measurement.causes) if measurement.causes is not None else None
    found = [
        _model_asked(measurement, contract),
        _fresh(measurement, contract),
        _grader_read(causes, contract),
        _answers_read(causes),
        _grader_kept(measurement, causes, contract),
        _controls_differ(calibration, contract),
    ]
    return tuple(found)


def as_rows(found: Sequence[Verdict]) -> list[Mapping[str, Any]]:
    """Rows of a table."""
    return [one.as_document() for one in found]


def _model_asked(measurement: Measurement, contract: ContractSpec) -> Verdict:
    answers = contract.stages.rollout.answers
    calls = measurement.rollout.counts.get("calls", 0)
    if answers not in (Answers.GATEWAY, Answers.POLICY):
        return Verdict(
            rule=MODEL_ASKED,
            finding=Finding.NOT_APPLICABLE,
            why=f"the contract says answers: {answers.value}",
        )
    if measurement.failure is not None and measurement.failure.kind is FailureKind.NO_MODEL_CALL:
        return Verdict(rule=MODEL_ASKED, finding=Finding.BROKEN, why="no call reached the gateway")
    if not calls and measurement.rollout.samples:
        return Verdict(
            rule=MODEL_ASKED,
            finding=Finding.NOT_APPLICABLE,
            why="the answers were given as a file of samples",
        )
    if not calls:
        return Verdict(rule=MODEL_ASKED, finding=Finding.UNKNOWN, why="the rollout did not come to its end")
    return Verdict(rule=MODEL_ASKED, finding=Finding.HELD, why=f"{calls} calls reached the gateway")


def _fresh(measurement: Measurement, contract: ContractSpec) -> Verdict:
    if not contract.stages.target_judges:
        return Verdict(rule=FRESH, finding=Finding.NOT_APPLICABLE, why="Honing judges in its own process")
    if measurement.failure is not None and measurement.failure.kind in _STALE:
        return Verdict(rule=FRESH, finding=Finding.BROKEN, why=measurement.failure.text)
    if measurement.evaluation.score is None:
        return Verdict(rule=FRESH, finding=Finding.UNKNOWN, why="there is no result")
    why = "older results were set aside, and it was written after the stage began"
    return Verdict(rule=FRESH, finding=Finding.HELD, why=why)


def _grader_read(causes: Causes | None, contract: ContractSpec) -> Verdict:
    if not contract.stages.target_judges:
        return Verdict(rule=GRADER_READ, finding=Finding.NOT_APPLICABLE, why="Honing's own scorer judged")
    if causes is None:
        return Verdict(rule=GRADER_READ, finding=Finding.UNKNOWN, why="nothing was judged")
    if causes.read or causes.programs:
        names = [*causes.read[:5], *(f"program {name}" for name in causes.programs[:3])]
        count = f"{causes.read_count} files of the target" if causes.read_count else "no file of the target"
        return Verdict(rule=GRADER_READ, finding=Finding.HELD, why=f"{count}: {', '.join(names)}")
    if not causes.seen:
        return Verdict(rule=GRADER_READ, finding=Finding.UNKNOWN, why="opened files could not all be watched")
    why = "the stage that judges opened no file of the target and ran no program installed for it"
    return Verdict(rule=GRADER_READ, finding=Finding.SUSPICIOUS, why=why)


def _answers_read(causes: Causes | None) -> Verdict:
    if causes is None or causes.answers_read is None:
        return Verdict(
            rule=ANSWERS_READ, finding=Finding.NOT_APPLICABLE, why="the answers are in no file of their own"
        )
    if causes.answers_read:
        return Verdict(rule=ANSWERS_READ, finding=Finding.HELD, why="a file that the rollout left was opened")
    why = "the stage that judges opened nothing that the rollout left"
    return Verdict(rule=ANSWERS_READ, finding=Finding.SUSPICIOUS, why=why)


def _grader_kept(measurement: Measurement, causes: Causes | None, contract: ContractSpec) -> Verdict:
    if not contract.stages.target_asks and not contract.stages.target_judges:
        return Verdict(rule=GRADER_KEPT, finding=Finding.NOT_APPLICABLE, why="nothing of the target was run")
    if measurement.failure is not None and measurement.failure.kind is FailureKind.TAMPERED:
        return Verdict(rule=GRADER_KEPT, finding=Finding.BROKEN, why=measurement.failure.text)
    if causes is None:
        return Verdict(rule=GRADER_KEPT, finding=Finding.UNKNOWN, why="nothing was judged")
    if causes.changed:
        names = ", ".join(causes.changed[:5])
        why = f"while judging, files that the target brought were changed: {names}"
        return Verdict(rule=GRADER_KEPT, finding=Finding.SUSPICIOUS, why=why)
    why = f"sha256 {causes.grader[:16]} over what it read, the same before and after"
    return Verdict(rule=GRADER_KEPT, finding=Finding.HELD, why=why)


def _controls_differ(calibration: Calibration, contract: ContractSpec) -> Verdict:
    scores = {
        one.control: goodness(contract.metric, one.score)
        for one in calibration.controls
        if one.score is not None
    }
    worthless = [scores[name] for name in (Control.NULL, Control.SHUFFLED) if name in scores]
    if Control.ORACLE not in scores or not worthless:
        return Verdict(
            rule=CONTROLS_DIFFER, finding=Finding.UNKNOWN, why="not every control could be measured"
        )
    gap = scores[Control.ORACLE] - max(worthless)
    finding = Finding.HELD if calibration.ok else Finding.BROKEN
    return Verdict(
        rule=CONTROLS_DIFFER,
        finding=finding,
        why=f"they lie {gap:.3g} of the range apart; {_said(calibration)}",
    )


def _said(calibration: Calibration) -> str:
    return "the contract is calibrated" if calibration.ok else calibration.reasons[0]


def broken(found: Sequence[Verdict]) -> Iterator[Verdict]:
    """Those that leave no score."""
    return (one for one in found if one.finding is Finding.BROKEN)
