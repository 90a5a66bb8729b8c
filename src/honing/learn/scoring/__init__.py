"""How likely a causal language model finds each of several continuations of a prompt.

`naive` is the reference, one sequence at a time. `padded` puts many sequences into one batch and works with
any causal model. `trie` runs each prompt once with all its continuations as a tree behind it. All three give
the same numbers up to 1e-5.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.learn.scoring.base import Query, Room, Route, Scorer, normalised
    from honing.learn.scoring.choice import Choice, Method, scorer_for
    from honing.learn.scoring.naive import score_naive
    from honing.learn.scoring.packed import score_packed
    from honing.learn.scoring.padded import score_padded
    from honing.learn.scoring.trie import Trie

_HOMES = {
    "Choice": "choice",
    "Method": "choice",
    "Query": "base",
    "Room": "base",
    "Route": "base",
    "Scorer": "base",
    "Trie": "trie",
    "normalised": "base",
    "score_naive": "naive",
    "score_packed": "packed",
    "score_padded": "padded",
    "scorer_for": "choice",
}

__all__ = [
    "Choice",
    "Method",
    "Query",
    "Room",
    "Route",
    "Scorer",
    "Trie",
    "normalised",
    "score_naive",
    "score_packed",
    "score_padded",
    "scorer_for",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
