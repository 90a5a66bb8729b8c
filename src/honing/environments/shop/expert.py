"""The planner of the shop: what somebody with given knowledge does next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from honing.environments.shop.catalogue import COLOUR_OF, COLOURS, PAGE, Catalogue, Product
from honing.environments.shop.goals import Goal
from honing.environments.shop.state import Page, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Which of the facts that the goal needs somebody knows."""

    synonym: bool
    size: bool
    price: bool
    next_page: bool


def next_action(goal: Goal, state: State, catalogue: Catalogue, knows: Collection[str] | None) -> str:
    """What somebody does who knows these facts; None knows all.

    Who lacks a fact searches in the customer's words, buys without a size or without a look at the price, or
    goes back to search again when the first page shows nothing, and after the second search takes what comes
    first.
    """
    belief = _belief(goal, knows)
    if state.page is Page.SEARCH:
        return f"search[{_query(goal, belief)}]"
    if state.page is Page.RESULTS:
        return _on_results(goal, state, catalogue, belief)
    return _on_item(goal, state, catalogue, belief)


def _belief(goal: Goal, knows: Collection[str] | None) -> Belief:
    category = goal.product.category

    def known(fact: str) -> bool:
        return knows is None or fact in knows

    return Belief(
        synonym=goal.word not in COLOUR_OF or known(f"colour_synonym:{goal.word}"),
        size=known(f"shoe_size:{category}"),
        price=known(f"price_limit:{category}"),
        next_page=known(f"next_page:{category}"),
    )


def _query(goal: Goal, belief: Belief) -> str:
    return goal.query if belief.synonym else goal.literal


def _on_results(goal: Goal, state: State, catalogue: Catalogue, belief: Belief) -> str:
    found = catalogue.results(state.query, goal.layout)
    fits = [_fits(goal, state, catalogue.products[number], belief) for number in found]
    shown = fits[state.first : state.first + PAGE]
    if any(shown):
        place = shown.index(True)
        return f"click[{catalogue.products[found[state.first + place]].line(place + 1)}]"
    if any(fits[state.first + PAGE :]) and (belief.next_page or not _hidden(goal, state, catalogue)):
        return "click[next]"
    if state.query == _query(goal, belief) and _gives_up(goal, state, catalogue, belief):
        return f"click[{catalogue.products[found[state.first]].line(1)}]"
    return "click[back]"


def _on_item(goal: Goal, state: State, catalogue: Catalogue, belief: Belief) -> str:
    product = catalogue.products[state.item]
    if not _fits(goal, state, product, belief) and not _gives_up(goal, state, catalogue, belief):
        return "click[back]"
    if goal.limit and belief.price and state.item not in state.priced:
        return "click[price]"
    if goal.size and belief.size and state.size != goal.size:
        return f"click[size {goal.size}]"
    return "click[buy]"


def _fits(goal: Goal, state: State, product: Product, belief: Belief) -> bool:
    """Whether a product is what is wanted, as far as one can tell."""
    wanted = goal.product
    alike = product.category == wanted.category and product.material == wanted.material
    # Who does not know the word takes the colour that was searched for, if it was one of the catalogue's.
    searched = state.query.partition(" ")[0]
    colour = wanted.colour if belief.synonym else searched if searched in COLOURS else product.colour
    if not alike or product.colour != colour:
        return False
    too_dear = goal.limit and belief.price and product.number in state.priced
    return not (too_dear and product.price >= goal.limit)


def _hidden(goal: Goal, state: State, catalogue: Catalogue) -> bool:
    """Whether what is shown is the sponsored page."""
    return state.first == 0 and goal.product.category in catalogue.paged


def _gives_up(goal: Goal, state: State, catalogue: Catalogue, belief: Belief) -> bool:
    """Whether somebody who knows of no next page takes what the first one shows."""
    return _hidden(goal, state, catalogue) and not belief.next_page and state.searches >= 2
