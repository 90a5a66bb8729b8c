"""Search over products by BM25, in this process.

WebShop searches with Lucene, which also reduces words to their stems; here words count as they are written,
but for a plural s.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from honing.environments.webshop.catalogue import Product

_K1 = 0.9
_B = 0.4
"""Weight of repetition and of length, those of the toolkit WebShop searches with (Robertson and Zaragoza
2009, eq. 3.15)."""
RESULTS = 50
"""How many products a search finds at most."""


class Index:
    """An inverted index. Ties go to the product that stands first in the file."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._asins: list[str] = []
        self._lengths: list[int] = []
        self._postings: dict[str, list[tuple[int, int]]] = {}
        for at, product in enumerate(products):
            words = _words(_content(product))
            self._asins.append(product.asin)
            self._lengths.append(len(words))
            for word, count in Counter(words).items():
                self._postings.setdefault(word, []).append((at, count))
        self._mean = sum(self._lengths) / max(len(self._lengths), 1)

    def search(self, query: str) -> list[str]:
        """The asins of the products that fit best, the best first."""
        scores: dict[int, float] = {}
        total = len(self._asins)
        for word in _words(query):
            found = self._postings.get(word, [])
            rarity = math.log(1 + (total - len(found) + 0.5) / (len(found) + 0.5))
            for at, count in found:
                weight = count / (count + _K1 * (1 - _B + _B * self._lengths[at] / self._mean))
                scores[at] = scores.get(at, 0.0) + rarity * weight
        best = sorted(scores, key=lambda at: (-scores[at], at))
        return [self._asins[at] for at in best[:RESULTS]]


def _content(product: Product) -> str:
    options = ", and ".join(f"{name}: {', '.join(values)}" for name, values in product.options.items())
    return " ".join([product.title, product.description, *product.features[:1], options])


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z0-9]+", text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word for word in found]
