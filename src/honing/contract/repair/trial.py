"""Trying a contract out without a model: it is set up and calibrated, and what fails is a typed failure."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from honing.contract.controls.calibrate import Calibration
from honing.contract.derive import GapError
from honing.contract.spec import ContractSpec
from honing.contract.stages.failures import Failure, FailureKind, failure_from, failure_of
from honing.contract.target import Target
from honing.errors import CalibrationError, ContractError, MetricsError, StageError
from honing.store import Run

_MENDABLE = (ContractError, StageError, MetricsError, CalibrationError)
"""Errors that a contract may be the cause of; every other goes on to the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a repair needs to know of a measurement."""

    run: Run
    contract: Callable[[Target], ContractSpec]
    """The target's contract, whoever wrote it; raises `ContractError` where there is none."""
    calibrated: Callable[[Target], AbstractContextManager[Callable[[], Calibration]]]
    """Sets a target up; what it gives measures the controls. Leaving it tears everything down."""
    enough: Callable[[Calibration], bool] = lambda calibration: calibration.ok

    def spec(self, target: Target) -> ContractSpec | None:
        """The contract; None where there is none that can be read."""
        try:
            return self.contract(target)
        except ContractError:
            return None

    def failure(self, target: Target) -> Failure | None:
        """What fails when the target is set up and calibrated; None where it calibrates."""
        seen = sum(1 for _ in self.run.evidence().read())
        try:
            with self.calibrated(target) as calibrate:
                calibration = calibrate()
        except _MENDABLE as error:
            return self._of_error(error, seen)
        if self.enough(calibration):
            return None
        text = "\n".join(calibration.reasons)
        # A control that failed by a command is that command's failure, first of all.
        command = next((found for found in self._failures(seen) if found.text[:80] in text), None)
        return self._plain(command or Failure(kind=FailureKind.CALIBRATION, stage="calibrate", text=text))

    def _of_error(self, error: Exception, seen: int) -> Failure:
        typed = getattr(error, "failure", None)
        found = [typed] if isinstance(typed, Failure) else self._failures(seen)
        if isinstance(error, StageError) and found:
            return self._plain(found[-1])
        stage = "target" if isinstance(error, GapError) else "contract"
        return self._plain(failure_of(error, stage if isinstance(error, ContractError) else "calibrate"))

    def _plain(self, failure: Failure) -> Failure:
        """The same failure without the places of this run's working copies, which no two trials share."""
        copies = re.compile(rf"{re.escape(str(self.run.path))}/work/[0-9a-f]+/?")
        return replace(
            failure,
            text=copies.sub("", failure.text),
            names=tuple(copies.sub("", name) or "." for name in failure.names),
        )

    def _failures(self, seen: int) -> list[Failure]:
        """The failures that the evidence of this trial holds, in the order in which they happened."""
        records = [record for number, record in enumerate(self.run.evidence().read()) if number >= seen]
        bodies = [
            record.body if record.kind == "failure" else record.body.get("failure")
            for record in records
            if record.kind in ("failure", "command") and isinstance(record.body, dict)
        ]
        return [failure_from(body) for body in bodies if body]
