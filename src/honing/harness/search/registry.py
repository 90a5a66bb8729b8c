"""Searches by name, as `search.name` and `search.options` of a project give them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from honing.errors import UsageError
from honing.harness.search.base import Search
from honing.harness.search.best_of_n import BestOfN
from honing.harness.search.frontier import Frontier, Objective
from honing.harness.search.greedy import Greedy
from honing.harness.search.islands import Islands
from honing.harness.search.restarts import Restarts

_SEARCHES: Mapping[str, Callable[..., Search]] = {
    "greedy": Greedy,
    "frontier": Frontier,
    "islands": Islands,
    "restarts": Restarts,
    "best_of_n": BestOfN,
}
SEARCH_NAMES = tuple(_SEARCHES)
_PREDECESSOR = {"hill-climb": "greedy"}
"""What projects of metaharness call them."""


def search_named(name: str, options: Mapping[str, Any] | None = None) -> Search:
    """The search of that name.

    Args:
        name: One of `SEARCH_NAMES`; dashes are as good as underscores.
        options: Of that search. The page docs/harness-search.md lists them.

    Raises:
        UsageError: There is no such search or option, or an option's value cannot be used.
    """
    known = _PREDECESSOR.get(name, name.replace("-", "_"))
    maker = _SEARCHES.get(known)
    if maker is None:
        raise UsageError(f"search: there is no {name!r}; known are {', '.join(SEARCH_NAMES)}.")
    for option, value in (options or {}).items():
        _check_option(known, option, value)
    return maker(**(options or {}))


def _check_option(search: str, option: str, value: Any) -> None:
    taken = [] if search in ("greedy", "best_of_n") else list(inspect.signature(_SEARCHES[search]).parameters)
    if option not in taken:
        near = get_close_matches(option, taken, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"search.options.{option}: the search {search!r} takes {', '.join(taken) or 'no options'}.{hint}"
        )
    expected, fits = _EXPECTED[option]
    if not fits(value):
        raise UsageError(f"search.options.{option}: expected {expected}, got {value!r}.")


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value <= 1.0


def _objectives(value: Any) -> bool:
    known = {each.value for each in Objective}
    listed = isinstance(value, (list, tuple)) and bool(value) and all(isinstance(each, str) for each in value)
    return listed and len(set(value)) == len(value) and set(value) <= known


_EXPECTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "restart_after": ("a whole number from 1", _whole(1)),
    "islands": ("a whole number from 1", _whole(1)),
    "migrate_every": ("a whole number from 0 (0: never)", _whole(0)),
    "merge": ("true or false", _flag),
    "merge_share": ("a number from 0 to 1", _share),
    "archive": ("true or false", _flag),
    "objectives": ("a list of score, cost and size", _objectives),
}
