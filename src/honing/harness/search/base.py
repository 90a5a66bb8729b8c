"""What a search is: it says which candidate the next proposal starts from. Everything else is the loop's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from honing.harness.candidate import Arm, Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a search may look at when it fills a slot: the same at any number of workers."""

    arm: Arm
    slot: int
    """From 1."""
    slots: int
    """Proposals that this arm may make in all."""
    candidates: Sequence[Candidate]
    """The baseline, then the arm's candidates of slots 1 to `slot - in_flight`, by slot. Later ones are not
    among them, whether or not they happen to have ended already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a proposal starts."""

    parents: tuple[str, ...]
    """Ids of candidates with a tree. The workspace is made from the first; the others are shown beside it."""
    note: str
    """Why, in a few words for the ledger."""
    merge: bool = False
    """Whether the candidate is made without an agent: what the second parent changed since their last common
    ancestor is applied to the first (`merge_trees`)."""


class Search(Protocol):
    """A rule for choosing parents. A pure function of view and random numbers, so that a resumed run chooses
    as the first one did."""

    @property
    def name(self) -> str: ...

    @property
    def from_discarded(self) -> bool:
        """Whether it may also start from candidates that were discarded. They are then evaluated in full:
        nothing is stopped early because it cannot beat its parent."""
        ...

    def choose(self, view: View, rng: random.Random) -> Choice: ...

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        """The candidate that the arm stands for in the end: baseline or kept, with the highest believed
        score; the earlier one of equals."""
        ...
