"""What the live page needs of systems that it does not know: handed in by whoever starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from subprocess import Popen
from typing import Any

from honing.store import Report, Run

Compare = Callable[[Run, Run], Mapping[str, Any] | None]
"""The paired difference of two runs (A, B) as plain data: `difference` (B minus A), `ci95`, `pairs`,
`p_value`, `verdict` and more; None where runs of this kind have none. Raises a HoningError that says why
these two cannot be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """How runs are read, compared and gone on with."""

    report_of: Callable[[Run], Report]
    """The run's page as data. Raises a HoningError where there is none yet."""
    compare: Compare
    resume: Callable[[Run], Popen[bytes]]
    """Start the run's own command again, as a process of its own whose output goes to the file `RESUMED` of
    the run. Raises a HoningError where the run cannot be gone on with."""
