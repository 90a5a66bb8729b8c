"""A visit to the shop over files: pages, search and reward in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from copy import copy

from honing.environments.base import Step
from honing.environments.webshop.catalogue import Catalogue, Goal, Product
from honing.environments.webshop.pages import (
    BACK,
    BUY,
    NEXT,
    PER_PAGE,
    PREVIOUS,
    Page,
    Place,
    after_click,
    as_step,
    done_page,
    product_page,
    queries_from,
    results_page,
    search_page,
    sub_page,
)
from honing.environments.webshop.reward import reward_of
from honing.environments.webshop.search import Index

ACTION = re.compile(r"(search|click)\[(.+)\]", re.DOTALL)


class FilePlay:
    """One customer with one goal."""

    def __init__(self, catalogue: Catalogue, index: Index, goal: Goal, *, queries: int) -> None:
        self._catalogue = catalogue
        self._index = index
        self._goal = goal
        self._queries = queries_from(goal.instruction, queries)
        self._place = Place()

    def show(self) -> Step:
        place = self._place
        reward = 0.0
        if place.bought:
            wanted = self._catalogue.products[self._goal.asin]
            reward = reward_of(self._product(), self._goal, wanted, list(place.chosen.values()))
        return as_step(self._page(), self._goal.instruction, self._queries, reward=reward, done=place.bought)

    def act(self, action: str) -> None:
        found = ACTION.fullmatch(action)
        kind, text = found.groups() if found is not None else ("", "")
        if kind == "search":
            self._place = Place(query=text, page=1)
        else:
            product = self._product() if self._place.asin else None
            self._place = after_click(self._place, text, product)

    def advise(self, knows: Collection[str] | None) -> str:
        """What somebody does who knows the product."""
        place, wanted = self._place, self._goal.asin
        if place.asin == wanted and not place.sub_page:
            return f"click[{self._missing() or BUY}]"
        if place.asin:
            return f"click[{PREVIOUS}]"
        if not place.page:
            return f"search[{min(self._queries, key=self._rank)}]"
        rank = self._rank(place.query)
        page = rank // PER_PAGE + 1
        if page == place.page:
            return f"click[{wanted.lower()}]"
        return f"click[{NEXT if place.page < page < 6 else BACK}]"

    def freeze(self) -> Callable[[], FilePlay]:
        kept = copy(self)
        return lambda: copy(kept)

    def close(self) -> None:
        """Nothing to let go of."""

    def _page(self) -> Page:
        place = self._place
        if place.bought:
            return done_page()
        if place.sub_page:
            return sub_page(self._product(), place.sub_page)
        if place.asin:
            return product_page(self._product(), place.chosen)
        if not place.page:
            return search_page()
        asins = self._index.search(place.query)
        start = (place.page - 1) * PER_PAGE
        found = [self._catalogue.products[asin] for asin in asins[start : start + PER_PAGE]]
        return results_page(place, found, len(asins))

    def _product(self) -> Product:
        return self._catalogue.products[self._place.asin]

    def _missing(self) -> str:
        """An option that the goal asks for and that is not chosen yet; empty where all are."""
        for values in self._product().options.values():
            for value in values:
                if value in self._goal.options and value not in self._place.chosen.values():
                    return value
        return ""

    def _rank(self, query: str) -> int:
        """Where the wanted product stands in a search's results, from 0; behind all where it is not found."""
        asins = self._index.search(query)
        return asins.index(self._goal.asin) if self._goal.asin in asins else 10_000
