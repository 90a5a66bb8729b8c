"""The places of the candidates, and who may see which of them: the same at any number of workers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from honing.errors import StoppedError
from honing.harness.candidate import Arm, Candidate
from honing.harness.project import Control, Project
from honing.harness.search.base import View

_LETTERS = {Arm.SEARCH: "c", Arm.CONTROL: "b"}
_LOOK_S = 0.2
"""How often somebody who waits looks whether it is asked to stop, in seconds."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One proposal of one arm."""

    arm: Arm
    number: int
    """From 1."""

    @property
    def id(self) -> str:
        """Of its candidate."""
        return f"{_LETTERS[self.arm]}{self.number:04d}"

    @property
    def unit(self) -> dict[str, str | int]:
        """As the journal names it."""
        return {"arm": self.arm.value, "slot": self.number}

    @classmethod
    def of(cls, unit: Mapping[str, Any]) -> Slot:
        """The slot of a unit."""
        return cls(Arm(unit["arm"]), int(unit["slot"]))

    def random(self, seed: int) -> random.Random:
        """Its own random numbers: they depend on no other slot."""
        return random.Random(f"{seed}/{self.arm.value}/{self.number}")

    def seed(self, seed: int) -> int:
        """A whole number for programs that want one; another for every slot."""
        return random.Random(f"{seed}/{self.arm.value}/{self.number}/agent").getrandbits(48)


def slots_of(project: Project) -> Iterator[Slot]:
    """Every slot, the arms in turn: whoever works through them in order never waits for a later one."""
    arms = [Arm.SEARCH] if project.search.control is Control.NONE else [Arm.SEARCH, Arm.CONTROL]
    for number in range(1, project.spending.proposals + 1):
        yield from (Slot(arm, number) for arm in arms)


@dataclass(slots=True, kw_only=True)
class Board:
    """The candidates of a run by their slots. Safe to use from several threads.

    A slot sees those that lie `in_flight` or more before it in its arm, and waits for them; later ones it
    does not see, whether or not they happen to have ended already.
    """

    baseline: Candidate
    slots: int
    """Of each arm."""
    in_flight: int
    stopping: Callable[[], bool]
    """Whether somebody asked to stop: who waits then gives up."""
    _filled: dict[Arm, dict[int, Candidate]] = field(default_factory=lambda: {arm: {} for arm in Arm})
    _failure: BaseException | None = None
    _news: threading.Condition = field(default_factory=threading.Condition)

    def put(self, candidate: Candidate) -> None:
        """Fill a slot."""
        with self._news:
            self._filled[candidate.arm][candidate.slot] = candidate
            self._news.notify_all()

    def fail(self, error: BaseException) -> None:
        """A slot will not be filled in this session: nobody waits for it."""
        with self._news:
            self._failure = self._failure or error
            self._news.notify_all()

    def view(self, slot: Slot) -> View:
        """What a slot may know; returns once all of it is there.

        Raises:
            StoppedError: Somebody asked to stop meanwhile.
            HoningError: A slot that this one waits for failed; that failure.
        """
        filled, needed = self._filled[slot.arm], max(0, slot.number - self.in_flight)
        with self._news:
            # In order of slots, those before the last needed one may still be open.
            while not all(number in filled for number in range(needed, 0, -1)):
                if self._failure is not None:
                    raise self._failure
                if self.stopping():
                    raise StoppedError(f"{slot.id} was waiting for others when the stop came")
                self._news.wait(_LOOK_S)
            seen = (self.baseline, *(filled[number] for number in range(1, needed + 1)))
        return View(arm=slot.arm, slot=slot.number, slots=self.slots, candidates=seen)

    def arm(self, arm: Arm) -> list[Candidate]:
        """The baseline and an arm's candidates by slot, as far as they are there."""
        with self._news:
            return [self.baseline, *(self._filled[arm][number] for number in sorted(self._filled[arm]))]

    def everything(self) -> list[Candidate]:
        """The baseline, then both arms."""
        return [*self.arm(Arm.SEARCH), *self.arm(Arm.CONTROL)[1:]]
