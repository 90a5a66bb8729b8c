"""What customers ask for: how a task is drawn, what it needs, and how it is said."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.environments.base import Task
from honing.environments.shop.catalogue import (
    APART,
    COLOUR_OF,
    COLOURS,
    SIZES,
    Catalogue,
    Product,
    ShopOptions,
)
from honing.errors import EnvironmentFaultError

HELD_OUT = ("validation", "evaluate", "retention")
"""Splits whose goals are about products that no other split asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What one customer wants."""

    product: Product
    """The cheaper one of the pair that is asked for."""
    word: str
    """The colour as the customer calls it."""
    size: int = 0
    """0 where the category has none."""
    limit: int = 0
    """Dollars; the price must be below. 0 for none."""
    layout: int = 0
    """Of the shop on that day."""

    @property
    def text(self) -> str:
        size = f" size {self.size}" if self.size else ""
        limit = f" under {self.limit} dollars" if self.limit else ""
        return f"buy {self.word} {self.product.material} {self.product.category}{size}{limit}"

    @property
    def query(self) -> str:
        """The search that finds it."""
        return self.product.text

    @property
    def literal(self) -> str:
        """The search in the customer's own words."""
        return f"{self.word} {self.product.material} {self.product.category}"

    def matched(self, bought: Product, size: int) -> tuple[int, int]:
        """How many of the constraints a purchase meets, and how many there are."""
        wanted = self.product
        checks = [
            bought.category == wanted.category,
            bought.colour == wanted.colour,
            bought.material == wanted.material,
        ]
        if self.size:
            checks.append(size == self.size)
        if self.limit:
            checks.append(bought.price < self.limit)
        return sum(checks), len(checks)

    def needs(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The facts without which it is not reached, but by luck."""
        category = self.product.category
        found = [f"colour_synonym:{self.word}"] if self.word in COLOUR_OF else []
        found += [f"shoe_size:{category}"] if self.size else []
        found += [f"price_limit:{category}"] if self.limit else []
        found += [f"next_page:{category}"] if category in catalogue.paged else []
        return tuple(found)

    def as_parameters(self) -> dict[str, Any]:
        """As plain data, for a task and for a saved state."""
        return {
            "product": self.product.number,
            "word": self.word,
            "size": self.size,
            "limit": self.limit,
            "layout": self.layout,
        }


def goal_from(parameters: Mapping[str, Any], catalogue: Catalogue) -> Goal:
    """The goal that `as_parameters` wrote.

    Raises:
        EnvironmentFaultError: It is not one of this shop.
    """
    try:
        goal = Goal(
            product=catalogue.products[parameters["product"]],
            word=str(parameters["word"]),
            size=int(parameters["size"]),
            limit=int(parameters["limit"]),
            layout=int(parameters["layout"]),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EnvironmentFaultError(
            f"{dict(parameters)}: these are no parameters of a task of this shop ({type(error).__name__}: "
            f"{error}); expected product, word, size, limit and layout of a shop with the same options."
        ) from error
    if COLOUR_OF.get(goal.word, goal.word) != goal.product.colour:
        raise EnvironmentFaultError(
            f"The task asks for {goal.word!r}, but product {goal.product.number} is {goal.product.colour}: "
            "it belongs to a shop with other options (seed, n_products)."
        )
    return goal


def facts_of(catalogue: Catalogue, options: ShopOptions) -> tuple[str, ...]:
    """Every fact that some goal needs."""
    names = {
        "colour_synonym": tuple(COLOUR_OF),
        "shoe_size": catalogue.sized,
        "price_limit": catalogue.categories,
        "next_page": catalogue.paged,
    }
    return tuple(f"{family}:{each}" for family in options.facts for each in names[family])


def draw_task(catalogue: Catalogue, options: ShopOptions, *, split: str, seed: int, index: int) -> Task:
    """The task of one place in a split."""
    chance = random.Random(f"shop task {options.seed} {split} {seed} {index}")
    n_facts = _pick(chance, options.gaps)
    families = _families(chance, options, n_facts)
    pool = _categories(catalogue, families)
    category = chance.choice(pool)
    product = _product(chance, catalogue, category, held_out=split in HELD_OUT)
    colour = product.colour
    goal = Goal(
        product=product,
        word=chance.choice(COLOURS[colour]) if "colour_synonym" in families else colour,
        size=chance.choice(SIZES) if "shoe_size" in families else 0,
        limit=_limit(chance, catalogue, product) if "price_limit" in families else 0,
        layout=chance.randrange(1 << 24),
    )
    return Task(
        id=f"shop-{split}-{seed}-{index}",
        seed=seed,
        parameters=goal.as_parameters(),
        tags=goal.needs(catalogue),
    )


def _pick(chance: random.Random, shares: Mapping[int, float]) -> int:
    keys = sorted(shares)
    return chance.choices(keys, weights=[shares[key] for key in keys])[0]


def _families(chance: random.Random, options: ShopOptions, n: int) -> set[str]:
    """Families of facts that go together."""
    while True:
        found = set(chance.sample(sorted(set(options.facts)), n))
        if found != APART:
            return found


def _categories(catalogue: Catalogue, families: set[str]) -> tuple[str, ...]:
    if "shoe_size" in families:
        return catalogue.sized
    return catalogue.paged if "next_page" in families else catalogue.plain


def _product(chance: random.Random, catalogue: Catalogue, category: str, *, held_out: bool) -> Product:
    """The cheaper one of a pair; every fourth pair is kept for the splits that are held out."""
    there = [each for each in catalogue.products if each.category == category and each.number % 2]
    kept = [each for place, each in enumerate(there) if (place % 4 == 3) == held_out]
    return chance.choice(kept)


def _limit(chance: random.Random, catalogue: Catalogue, cheap: Product) -> int:
    """Between the twins' prices, in tens."""
    dear = catalogue.products[cheap.number - 1]
    return 10 * chance.randint(cheap.price // 10 + 1, dear.price // 10)
