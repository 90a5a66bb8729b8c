"""The pages of the shop: their text, what can be clicked on them, and which searches are offered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from honing.environments.base import Step
from honing.environments.webshop.catalogue import Product
from honing.environments.webshop.reward import FUNCTION_WORDS

BACK, PREVIOUS, NEXT, BUY = "back to search", "< prev", "next >", "buy now"
SUB_PAGES = ("description", "features", "reviews")
PER_PAGE = 10
"""Products on one page of results."""
_BREAK = " [SEP] "
_PRICE_CLAUSE = re.compile(r",? and price lower than .*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a customer is in the shop."""

    query: str = ""
    page: int = 0
    """Of the results, from 1; 0 on the page of the search field."""
    asin: str = ""
    """Of the product that is looked at; empty on other pages."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    sub_page: str = ""
    """Of the product; empty on its own page."""
    bought: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page shows."""

    texts: tuple[str, ...]
    """Visible texts, in order, without the instruction."""
    clickable: tuple[str, ...]
    """In small letters, as they are clicked."""
    searchable: bool = False


def as_step(page: Page, instruction: str, queries: Sequence[str], *, reward: float, done: bool) -> Step:
    """A page as an agent is shown it."""
    searches = [f"search[{query}]" for query in queries] if page.searchable else []
    clicks = [f"click[{text}]" for text in page.clickable]
    return Step(
        goal=instruction,
        observation=_BREAK.join(page.texts),
        actions=() if done else tuple(dict.fromkeys(searches + clicks)),
        reward=reward,
        done=done,
        success=done and reward >= 1.0,
    )


def queries_from(instruction: str, limit: int) -> tuple[str, ...]:
    """Searches that an instruction suggests: all of it, its content words, and either half of those.

    A policy chooses among valid actions, and free text has no end of them.
    """
    plain = re.sub(r"[^a-z0-9 ]", " ", _PRICE_CLAUSE.sub("", instruction).lower()).split()
    content = [word for word in plain if word not in FUNCTION_WORDS] or plain
    half = (len(content) + 1) // 2
    found = [" ".join(words) for words in (content, content[:half], content[half:], plain) if words]
    return tuple(dict.fromkeys(found))[:limit]


def search_page() -> Page:
    return Page(texts=("WebShop", "Search"), clickable=(), searchable=True)


def results_page(place: Place, found: Sequence[Product], total: int) -> Page:
    """One page of results.

    Args:
        place: Where the customer is.
        found: The products of this page.
        total: How many the search found.
    """
    moves = [PREVIOUS, NEXT] if place.page > 1 else [NEXT]
    head = ["Back to Search", f"Page {place.page} (Total results: {total})"]
    head += [{PREVIOUS: "< Prev", NEXT: "Next >"}[move] for move in moves]
    rows = [text for product in found for text in (product.asin, product.title, product.price_tag)]
    links = [product.asin.lower() for product in found]
    return Page(texts=tuple(head + rows), clickable=(BACK, *moves, *links))


def product_page(product: Product, chosen: Mapping[str, str]) -> Page:
    """A product with its options, and what was chosen of them."""
    options = [text for name, values in product.options.items() for text in (name, *values)]
    texts = ["Back to Search", "< Prev", *options, product.title, f"Price: {product.price_tag}"]
    texts += ["Rating: N.A.", "Description", "Features", "Reviews", "Buy Now"]
    values = [value for each in product.options.values() for value in each]
    return Page(texts=(*texts, *chosen_text(chosen)), clickable=(BACK, PREVIOUS, *SUB_PAGES, BUY, *values))


def chosen_text(chosen: Mapping[str, str]) -> tuple[str, ...]:
    """What a customer chose, as a last text; none where nothing was chosen."""
    return (f"You chose: {', '.join(sorted(chosen.values()))}",) if chosen else ()


def sub_page(product: Product, name: str) -> Page:
    """A product's description, features or reviews."""
    content = {"description": [product.description], "features": list(product.features)}.get(name, [])
    texts = ["Back to Search", "< Prev", *(text for text in content if text)]
    return Page(texts=tuple(texts), clickable=(BACK, PREVIOUS))


def done_page() -> Page:
    return Page(texts=("Thank you for shopping with us!",), clickable=())


def after_click(place: Place, text: str, product: Product | None) -> Place:
    """Where a click leads.

    Args:
        place: Where the customer is.
        text: What is clicked, one of the page's clickable texts.
        product: The one that is looked at; None on other pages.
    """
    if text == BACK:
        return Place()
    if text == NEXT:
        return replace(place, page=place.page + 1)
    if text == PREVIOUS:
        return _back(place)
    if text == BUY:
        return replace(place, bought=True)
    if text in SUB_PAGES and product is not None:
        return replace(place, sub_page=text)
    if product is None:
        return replace(place, asin=text.upper(), chosen={})
    # Where two options have the same value, the page has it once, and it is the last one's.
    name = [name for name, values in product.options.items() if text in values][-1]
    return replace(place, chosen={**place.chosen, name: text})


def _back(place: Place) -> Place:
    if place.sub_page:
        return replace(place, sub_page="")
    if place.asin:
        return replace(place, asin="", chosen={})
    return replace(place, page=place.page - 1)
