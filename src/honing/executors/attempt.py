"""One start of one unit in this process."""

from __future__ import annotations

from honing.executors.base import Completed, Unit, UnitFunction, UnitStatus
from honing.executors.worker import perform


def attempt(fn: UnitFunction, unit: Unit, *, worker: str) -> Completed:
    """Call `fn` with the unit's input and say how it ended; see `perform`."""
    return completed(unit, perform(fn, unit.input), worker=worker)


def completed(unit: Unit, fields: dict[str, object], *, worker: str, attempts: int = 1) -> Completed:
    """The ending that `perform` described, here or in another process."""
    status = UnitStatus(str(fields.pop("status")))
    return Completed(unit=unit, status=status, worker=worker, attempts=attempts, **fields)  # type: ignore[arg-type]
