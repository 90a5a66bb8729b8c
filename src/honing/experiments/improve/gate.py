"""Is a step's proposal kept? A gain must show twice, and what could be done before must not be lost.

1. On the check tasks under seeds A the paired gain is above 0.
2. Tested once more under fresh seeds B, the lower end of the paired 95% interval is above 0. A proposal that
   is no better passes with a chance of 2.5% at most: one re-test per step, so nothing is tried until it fits.
3. Over the tasks that the version before solves under seeds A, the mean score falls under seeds B by less
   than the limit. Tasks are chosen on other draws than they are compared on, so that no luck of the choice
   shows as a loss.

Where other seeds change nothing (a deterministic target, temperature 0), the check tasks are cut in two
halves: A is one, B the other, and 3 is judged over both, as nothing there is luck of a draw.

Nothing is kept where too few tasks could be judged for both versions: a version that leaves out what it
cannot do would look better than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.experiments.improve.base import Measurement, Panel, Part, Spending
from honing.experiments.improve.spec import ImproveSpec
from honing.experiments.paired import Change, Direction, paired_change

Scores = Mapping[str, Sequence[float]]
"""Of each task by its id, in the order of seeds."""
COMPARED_FROM = 0.9
"""Share of the check tasks that must have a score of both versions."""


class Ending(StrEnum):
    """What became of a step. Exactly one holds."""

    KEPT = "kept"
    REJECTED = "rejected"
    """A proposal that the gate did not let through."""
    NOTHING = "nothing"
    """There was no proposal to try."""
    SKIPPED = "skipped"
    """The step was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate found."""

    ending: Ending
    reason: str
    """One sentence."""
    first: Change | None = None
    """The gain under seeds A."""
    again: Change | None = None
    """The gain under seeds B; None where it was not tested again."""
    retention: Change | None = None
    """After and before under seeds B on tasks that were solved under seeds A: its difference is minus the
    drop. None where nothing was solved or nothing tested again."""
    deterministic: bool = False
    """Whether A and B are halves of the tasks rather than seeds."""

    @property
    def kept(self) -> bool:
        return self.ending is Ending.KEPT

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "ending": self.ending.value,
            "reason": self.reason,
            "first": None if self.first is None else self.first.as_document(),
            "again": None if self.again is None else self.again.as_document(),
            "retention": None if self.retention is None else self.retention.as_document(),
            "deterministic": self.deterministic,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two versions on the same tasks under the same seeds."""

    before: Measurement
    after: Measurement

    @property
    def deterministic(self) -> bool:
        return self.before.deterministic and self.after.deterministic

    @property
    def spent(self) -> Spending:
        return self.before.spent.plus(self.after.spent)

    def compared(self, tasks: Sequence[str]) -> int:
        """How many of these tasks have a score of both versions."""
        return len(self.before.by_task().keys() & self.after.by_task().keys() & set(tasks))

    def change(self, tasks: Sequence[str] | None = None) -> Change:
        """The paired gain, over some tasks or all."""
        return paired_change(_only(self.before.by_task(), tasks), _only(self.after.by_task(), tasks))


def halves(panel: Panel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The check tasks in two halves, by content: neither order nor names decide who is where."""
    ranked = [task.id for task in sorted(panel.tasks[Part.CHECK], key=lambda task: task.digest)]
    return tuple(ranked[0::2]), tuple(ranked[1::2])


def first_look(pair: Pair, panel: Panel) -> Change | None:
    """The gain that decides whether a proposal is worth a re-test; None where too few tasks were judged."""
    return None if _too_few(pair, panel) else pair.change(halves(panel)[0] if pair.deterministic else None)


def _too_few(pair: Pair, panel: Panel) -> str:
    """Why a pair says nothing; empty where it says something."""
    parts = halves(panel) if pair.deterministic else (panel.ids(Part.CHECK),)
    for part in parts:
        compared = pair.compared(part)
        if not compared or compared < COMPARED_FROM * len(part):
            return (
                f"{compared} of {len(part)} check tasks could be judged for both versions, "
                f"{COMPARED_FROM:.0%} are needed"
            )
    return ""


def judged(first: Pair, again: Pair | None, panel: Panel, spec: ImproveSpec) -> Verdict:
    """The verdict on a proposal.

    Args:
        first: Under seeds A.
        again: Under seeds B; None where the first look ended it, or where seeds change nothing.
        panel: Says which tasks are in which half.
        spec: The limits.
    """
    deterministic = first.deterministic
    second = first if again is None else again
    gain = first_look(first, panel)
    if gain is None or _too_few(second, panel):
        return Verdict(
            ending=Ending.REJECTED,
            reason=_too_few(first, panel) or _too_few(second, panel),
            first=gain,
            deterministic=deterministic,
        )
    if gain.difference <= 0:
        return Verdict(
            ending=Ending.REJECTED,
            reason=f"no gain on the check tasks ({gain.difference:+.3f}); not tested again",
            first=gain,
            deterministic=deterministic,
        )
    retest = second.change(halves(panel)[1] if deterministic else None)
    kept = _retained(first, second, spec)
    ending, reason = _decided(
        gain, retest, kept, spec, tested="other tasks" if deterministic else "fresh seeds"
    )
    return Verdict(
        ending=ending, reason=reason, first=gain, again=retest, retention=kept, deterministic=deterministic
    )


def _decided(
    gain: Change, retest: Change, kept: Change | None, spec: ImproveSpec, *, tested: str
) -> tuple[Ending, str]:
    shown = f"{retest.difference:+.3f} [{retest.low:+.3f}, {retest.high:+.3f}] on {tested}"
    if retest.direction is not Direction.BETTER:
        return Ending.REJECTED, f"the gain of {gain.difference:+.3f} was not confirmed: {shown}"
    if kept is not None and -kept.difference >= spec.retention_limit:
        lost = f"{-kept.difference:.3f} [{-kept.high:+.3f}, {-kept.low:+.3f}]"
        return Ending.REJECTED, (
            f"it gains {shown}, but loses {lost} of what was solved before; the limit is "
            f"{spec.retention_limit:g}"
        )
    return Ending.KEPT, f"the gain holds: {shown}"


def _retained(first: Pair, second: Pair, spec: ImproveSpec) -> Change | None:
    scores = first.before.by_task()
    solved = [task for task, found in scores.items() if sum(found) / len(found) >= spec.solved_from]
    both = second.before.by_task().keys() & second.after.by_task().keys()
    return second.change(solved) if both & set(solved) else None


def _only(scores: Scores, tasks: Sequence[str] | None) -> Scores:
    return scores if tasks is None else {task: scores[task] for task in tasks if task in scores}
