"""How far a step is, written into the run's folder for whoever watches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from honing.executors.base import Json
from honing.executors.progress import Progress, Tally, describe, mean_of
from honing.store import Run


class Standing:
    """A `Progress` that tells the run's folder, and passes on what it is told to the one that people see."""

    def __init__(self, run: Run, shown: Progress) -> None:
        """Tell nothing yet.

        Args:
            run: Held by this process.
            shown: What shows the same to people.
        """
        self._telling = run.telling
        self._shown = shown

    def begin(self, tally: Tally) -> None:
        """Name the step and how much of it there is."""
        kept = f", {tally.reused} of them kept from before" if tally.reused else ""
        self._telling.line(f"{tally.step}: {tally.total} units{kept}")
        self._telling.step(tally.step, lambda: _document(tally, running=True), at_once=True)
        self._shown.begin(tally)

    def update(self, tally: Tally) -> None:
        """Write where the step stands, where half a second has passed since it was written."""
        self._telling.step(tally.step, lambda: _document(tally, running=True))
        self._shown.update(tally)

    def end(self, tally: Tally) -> None:
        """Write how the step ended."""
        self._telling.line(f"{tally.step}: {describe(tally)}")
        self._telling.step(tally.step, lambda: _document(tally, running=False), at_once=True)
        self._shown.end(tally)


def _document(tally: Tally, *, running: bool) -> dict[str, Json]:
    # The step goes on adding to them while another thread may be here.
    values = tuple(tally.values)
    return {
        "total": tally.total,
        "done": tally.done,
        "failed": tally.failed,
        "reused": tally.reused,
        "elapsed_s": tally.elapsed_s,
        "rate": tally.rate,
        "eta_s": tally.eta_s,
        "tokens": tally.tokens,
        "cost_usd": tally.cost_usd,
        "cost_unknown": tally.cost_unknown,
        "mean": _mean(values),
        "values": len(values),
        "running": running,
    }


def _mean(values: Sequence[float]) -> Json:
    """Mean and both ends of its 95% interval; the ends are null where one value gives none."""
    if not values:
        return None
    mean, found = mean_of(values)
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return [mean, None, None]
    return [mean, found.low, found.high]
