"""What a purchase earns: the formula of WebShop's paper and code, with two word lists of our own.

The reward is (attributes met + options met + price met) / (attributes + options + 1), times a factor for
the type of product (Yao et al. 2022, "WebShop", section 3.2). WebShop finds the nouns of a title with a
tagger; here they are the words that are no function words. It knows colours by a list; ours has the common
ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from honing.environments.webshop.catalogue import DIVIDER, Goal, Product

_ALIKE = 85
"""Of 100: texts that are more alike than this count as the same."""
_COLOURS = (
    "beige", "black", "blue", "bronze", "brown", "burgundy", "charcoal", "copper", "coral", "cream", "gold",
    "gray", "green", "grey", "ivory", "khaki", "lavender", "magenta", "maroon", "mint", "multicolor", "navy",
    "olive", "orange", "peach", "pink", "plum", "purple", "red", "rose", "silver", "tan", "teal", "turquoise",
    "violet", "white", "wine", "yellow",
)  # fmt: skip
FUNCTION_WORDS = frozenset((
    "a", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "do", "dollars", "find", "for", "from", "get", "give", "has", "have", "i", "id", "if",
    "im", "in", "is", "it", "its", "like", "looking", "lower", "me", "my", "need", "of", "on", "or",
    "please", "price", "should", "some", "than", "that", "the", "their", "them", "there", "these",
    "this", "to", "under", "up", "use", "want", "with", "would", "you", "your",
))  # fmt: skip


def reward_of(product: Product, goal: Goal, wanted: Product, chosen: Sequence[str]) -> float:
    """What buying a product earns.

    Args:
        product: The one that is bought.
        goal: What was asked for.
        wanted: The product the goal was written for.
        chosen: The options that were chosen.

    Returns:
        In [0, 1]; 1 is a perfect purchase.
    """
    attributes = sum(_has_attribute(product, attribute) for attribute in goal.attributes)
    options = sum(_is_chosen(option, chosen) for option in goal.options)
    price = product.price <= goal.price_upper
    asked = len(goal.attributes) + len(goal.options) + 1
    return type_factor(product, wanted) * (attributes + options + price) / asked


def type_factor(product: Product, wanted: Product) -> float:
    """1 for the type of product that was asked for, less for others: .5, .1 or 0."""
    title = _nouns(wanted.title)
    share = len(title & _nouns(product.title)) / len(title) if title else 0.2
    if share == 0:
        return 0.0
    if share < 0.1:
        return 0.1
    same_query = product.query == wanted.query
    same_category = len(_categories(product) & _categories(wanted)) >= 2
    return 1.0 if same_query or same_category or share > 0.2 else 0.5


def likeness(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 100, whatever the order of their words (a token set ratio).

    The words both have are compared with those words and the rest of either text, and the best of the three
    comparisons counts; two texts of which one's words are all in the other are wholly alike.
    """
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0.0
    shared = first & second
    if shared and (not first - second or not second - first):
        return 100.0
    common = " ".join(sorted(shared))
    with_first = " ".join([*sorted(shared), *sorted(first - second)])
    with_second = " ".join([*sorted(shared), *sorted(second - first)])
    pairs = [(with_first, with_second)]
    if common:
        pairs += [(common, with_first), (common, with_second)]
    return max(_ratio(*pair) for pair in pairs)


def _has_attribute(product: Product, attribute: str) -> bool:
    if any(likeness(own, attribute) > _ALIKE for own in product.attributes):
        return True
    places = (product.title, " ".join(product.features), product.description)
    return any(attribute in place.lower() for place in places)


def _is_chosen(option: str, chosen: Sequence[str]) -> bool:
    return any(likeness(_colour(other), _colour(option)) > _ALIKE for other in chosen)


def _colour(text: str) -> str:
    return next((colour for colour in _COLOURS if colour in text), text)


def _nouns(title: str) -> set[str]:
    return {word for word in _words(title) if len(word) > 2 and word not in FUNCTION_WORDS and word.isalpha()}


def _categories(product: Product) -> set[str]:
    return {part.strip() for part in product.category.split(DIVIDER)}


def _words(text: str) -> set[str]:
    return set(re.sub(r"[^a-z0-9]", " ", text.lower()).split())


def _ratio(one: str, other: str) -> float:
    """Twice the longest common subsequence over both lengths, in hundredths."""
    row = [0] * (len(other) + 1)
    for letter in one:
        before = 0
        for at, against in enumerate(other, start=1):
            above = row[at]
            row[at] = before + 1 if letter == against else max(above, row[at - 1])
            before = above
    return 200.0 * row[-1] / (len(one) + len(other))
