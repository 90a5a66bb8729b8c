"""What the shop sells, and what a search finds."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import permutations
from typing import Any

from honing.errors import UsageError

WEARABLE = ("cotton", "wool", "leather", "linen", "silk")
HOUSEHOLD = ("oak", "steel", "glass", "clay", "bamboo")
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "hat": WEARABLE,
    "shoes": WEARABLE,
    "lamp": HOUSEHOLD,
    "mug": HOUSEHOLD,
    "shirt": WEARABLE,
    "boots": WEARABLE,
    "shelf": HOUSEHOLD,
    "bowl": HOUSEHOLD,
    "scarf": WEARABLE,
    "sandals": WEARABLE,
    "clock": HOUSEHOLD,
    "tray": HOUSEHOLD,
    "glove": WEARABLE,
    "slippers": WEARABLE,
    "frame": HOUSEHOLD,
    "vase": HOUSEHOLD,
}
"""The materials of each category. Every second of four is sold by size, every third hides behind sponsored
results."""
COLOURS: Mapping[str, tuple[str, str]] = {
    "red": ("crimson", "scarlet"),
    "blue": ("navy", "azure"),
    "green": ("emerald", "olive"),
    "yellow": ("amber", "lemon"),
    "black": ("ebony", "onyx"),
    "white": ("ivory", "pearl"),
    "brown": ("chestnut", "walnut"),
    "pink": ("coral", "salmon"),
}
"""The colours of the catalogue, each with words that only customers use."""
COLOUR_OF: Mapping[str, str] = {word: colour for colour, words in COLOURS.items() for word in words}
SIZES = (7, 8, 9, 10)
FAMILIES = ("colour_synonym", "shoe_size", "price_limit", "next_page")
APART = frozenset({"shoe_size", "next_page"})
"""No category is both sold by size and hidden behind sponsored results."""
PAGE = 4
"""Results on a page."""
_REMEMBERED = 4096
"""Searches whose results are kept."""
_ORDERS = tuple(permutations(range(PAGE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOptions:
    """What makes one shop and its customers."""

    n_products: int = 600
    """Spread evenly over the categories; an even number each."""
    n_categories: int = 12
    """From 4 to 16: a quarter is sold by size, a quarter shows sponsored results first."""
    facts: tuple[str, ...] = FAMILIES
    """Families of facts that goals may need."""
    gaps: Mapping[int, float] = field(default_factory=lambda: {0: 0.45, 1: 0.38, 2: 0.17})
    """How often a goal needs so many facts, at most two; sums to 1."""
    max_steps: int = 15
    seed: int = 0
    """Of the catalogue. Tasks have their own."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ShopOptions:
        """From plain data, as a study file has it.

        Raises:
            UsageError: An option is unknown or has a value that cannot be used.
        """
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise UsageError(f"The shop has no option {unknown[0]!r}. It has {', '.join(known)}.")
        given = dict(options)
        try:
            if "facts" in given:
                given["facts"] = tuple(str(each) for each in given["facts"])
            if "gaps" in given:
                given["gaps"] = {int(key): float(value) for key, value in dict(given["gaps"]).items()}
            found = cls(**given)
            found._check()
        except (TypeError, ValueError) as error:
            raise UsageError(f"The options of the shop cannot be used: {error}") from error
        return found

    def _check(self) -> None:
        whole = (self.n_products, self.n_categories, self.max_steps, self.seed)
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in whole):
            raise ValueError("n_products, n_categories, max_steps and seed must be whole numbers.")
        if not 4 <= self.n_categories <= len(CATEGORIES):
            raise ValueError(f"n_categories is {self.n_categories}, expected 4 to {len(CATEGORIES)}.")
        least, most = (2 * each * self.n_categories for each in (10, len(COLOURS) * len(WEARABLE)))
        if not least <= self.n_products <= most:
            raise ValueError(f"n_products is {self.n_products}, expected {least} to {most}.")
        if self.max_steps < 1:
            raise ValueError(f"max_steps is {self.max_steps}, expected at least 1.")
        if unknown := sorted(set(self.facts) - set(FAMILIES)):
            raise ValueError(f"facts names {unknown[0]!r}, expected some of {', '.join(FAMILIES)}.")
        if set(self.gaps) - {0, 1, 2} or min(self.gaps.values(), default=-1) < 0:
            raise ValueError(f"gaps is {dict(self.gaps)}, expected shares of 0, 1 and 2.")
        if abs(sum(self.gaps.values()) - 1) > 1e-6:
            raise ValueError(f"gaps sum to {sum(self.gaps.values()):g}, expected 1.")
        most_facts = max(key for key, share in self.gaps.items() if share > 0)
        if len(set(self.facts)) < most_facts or (most_facts == 2 and set(self.facts) == APART):
            raise ValueError(f"gaps ask for {most_facts} facts at once, which `facts` does not offer.")

    def as_document(self) -> dict[str, Any]:
        """As plain data, from which `from_options` makes the same."""
        return {
            "n_products": self.n_products,
            "n_categories": self.n_categories,
            "facts": list(self.facts),
            "gaps": {str(key): self.gaps[key] for key in sorted(self.gaps)},
            "max_steps": self.max_steps,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing on sale. Products come in pairs that differ in price alone."""

    number: int
    """Its place in the catalogue; the dearer one of a pair is even, its cheaper twin follows it."""
    category: str
    colour: str
    material: str
    price: int
    """Dollars."""

    @property
    def text(self) -> str:
        return f"{self.colour} {self.material} {self.category}"

    def line(self, place: int) -> str:
        """As one of the results of a page, and within the action that opens it. Places count from 1."""
        return f"{self.colour} {self.material} {place}"


class Catalogue:
    """All products, and what a search for some words shows."""

    def __init__(self, options: ShopOptions) -> None:
        self.categories = tuple(CATEGORIES)[: options.n_categories]
        self.sized = self.categories[1::4]
        """Sold by size."""
        self.paged = self.categories[2::4]
        """Their first page of results is sponsored: nothing there is what was searched for."""
        self.plain = tuple(
            each for each in self.categories if each not in self.sized and each not in self.paged
        )
        self.products = tuple(_products(options, self.categories))
        self._ranked: dict[str, tuple[int, ...]] = {}
        self._shown: dict[tuple[str, int], tuple[int, ...]] = {}

    def results(self, query: str, layout: int) -> tuple[int, ...]:
        """Numbers of the products that a search shows, page after page.

        Args:
            query: Up to three words; the last is a category. Words that no product has find nothing.
            layout: Of the shop on that day: decides the order within a page, where the dearer twin always
                stands before the cheaper one.
        """
        known = self._shown.get((query, layout))
        if known is not None:
            return known
        ranked = self._ranked.get(query)
        if ranked is None:
            ranked = self._ranked[query] = self._rank(query)
        shown: list[int] = []
        for at in range(0, len(ranked), PAGE):
            shown += _arranged(ranked[at : at + PAGE], layout ^ zlib.crc32(query.encode()) ^ at)
        if len(self._shown) >= _REMEMBERED:
            self._shown.clear()
        found = self._shown[query, layout] = tuple(shown)
        return found

    def _rank(self, query: str) -> tuple[int, ...]:
        """Best matches first, three pages at most; sponsored ones before them where the category has any."""
        *words, category = query.split()
        there = [each for each in self.products if each.category == category]
        matches = {each.number: _matching(each, words) for each in there}
        order = sorted(matches, key=lambda number: -matches[number])
        if category in self.paged:
            poor = [number for number in reversed(order) if matches[number] == 0] if words else order
            first = sorted(poor[:PAGE])
            order = first + [number for number in order if number not in first]
        return tuple(order[: 3 * PAGE])


def _products(options: ShopOptions, categories: tuple[str, ...]) -> list[Product]:
    chance = random.Random(f"shop catalogue {options.seed}")
    pairs = options.n_products // (2 * len(categories))
    made: list[Product] = []
    for category in categories:
        looks = [(colour, material) for colour in COLOURS for material in CATEGORIES[category]]
        for colour, material in chance.sample(looks, pairs):
            for price in (5 * chance.randint(11, 19), 5 * chance.randint(2, 8)):
                made.append(
                    Product(
                        number=len(made), category=category, colour=colour, material=material, price=price
                    )
                )
    return made


def _matching(product: Product, words: list[str]) -> int:
    return (product.colour in words) + (product.material in words)


def _arranged(page: tuple[int, ...], key: int) -> list[int]:
    """A page in the order of a layout, every dearer twin before its cheaper one."""
    if len(page) == PAGE:
        page = tuple(page[place] for place in _ORDERS[zlib.crc32(b"%d" % key) % len(_ORDERS)])
    found = list(page)
    for place, number in enumerate(found):
        if number % 2 and number - 1 in found[place:]:
            other = found.index(number - 1)
            found[place], found[other] = found[other], found[place]
    return found
