"""Where an episode in the shop stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Page(StrEnum):
    """What is on the screen."""

    SEARCH = "search"
    RESULTS = "results"
    ITEM = "item"
    BOUGHT = "bought"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that changes in an episode."""

    page: Page = Page.SEARCH
    query: str = ""
    """The last search; empty before the first."""
    first: int = 0
    """Place in the results of the first one on the page."""
    item: int = -1
    """Number of the product that is open; -1 for none."""
    size: int = 0
    """Chosen for it; 0 for none."""
    details: bool = False
    """Whether its details are shown."""
    seen: tuple[int, ...] = ()
    """Products that were opened since the search."""
    priced: tuple[int, ...] = ()
    """Products whose price was looked at."""
    searches: int = 0
    steps: int = 0
