"""Which task is used for what, and the seal on those that are looked at last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from honing.errors import LeakageError, UsageError
from honing.experiments.improve.base import Measurement, PanelTask, Part, Subject, Version
from honing.experiments.improve.desk import Desk

SHARES: Mapping[Part, float] = {Part.SEARCH: 0.5, Part.CHECK: 0.25, Part.HELD_OUT: 0.25}
"""How the tasks are divided where nobody says otherwise."""


def sizes_of(count: int, asked: Mapping[Part, int | None]) -> dict[Part, int]:
    """How many tasks each part gets.

    Args:
        count: Of different tasks that there are.
        asked: Sizes that the user named; None for the usual share.

    Raises:
        UsageError: There are not enough tasks.
    """
    found = {
        part: max(1, int(count * share)) if (named := asked.get(part)) is None else named
        for part, share in SHARES.items()
    }
    if min(found.values()) < 1 or sum(found.values()) > count:
        wanted = ", ".join(f"{size} {part.value}" for part, size in found.items())
        raise UsageError(
            f"The panel is to have {wanted} tasks, each at least 1, and there are {count} different ones. "
            "Ask for fewer with --search-tasks, --check-tasks and --held-out-tasks."
        )
    return found


def split_tasks(
    tasks: Sequence[PanelTask], asked: Mapping[Part, int | None], seed: int
) -> dict[Part, tuple[PanelTask, ...]]:
    """Divide tasks among the parts, by a hash of seed and content.

    Of tasks that ask the same only the first counts. Held-out tasks are dealt first: with another size of the
    search part they are the same ones.

    Raises:
        UsageError: There are not enough tasks.
    """
    unique = {task.digest: task for task in reversed(tasks)}
    ranked = sorted(unique.values(), key=lambda task: _rank(task, seed))
    sizes = sizes_of(len(ranked), asked)
    found: dict[Part, tuple[PanelTask, ...]] = {}
    begin = 0
    for part in (Part.HELD_OUT, Part.CHECK, Part.SEARCH):
        found[part] = tuple(ranked[begin : begin + sizes[part]])
        begin += sizes[part]
    return {part: found[part] for part in Part}


def _rank(task: PanelTask, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{task.digest}".encode()).hexdigest()


class Sealed:
    """The only way of the loop to measure. Held-out tasks cannot be measured before the seal is broken, and
    once it is, nothing is proposed or judged any more."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._open = False

    @property
    def opened(self) -> bool:
        return self._open

    def open(self) -> None:
        """Break the seal: the versions that will be looked at are settled."""
        self._open = True

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """See `Subject.measure`.

        Raises:
            LeakageError: A held-out task was asked for before the last look, or another one after it.
        """
        if (part is Part.HELD_OUT) is not self._open:
            raise LeakageError(
                f"the '{part.value}' tasks were to be measured "
                + (
                    "after the held-out tasks were looked at; nothing is judged any more."
                    if self._open
                    else "before the last look. They are sealed until every step is decided."
                )
            )
        return self._subject.measure(desk, version, part, seeds)
