"""Ways to choose, by name."""

from __future__ import annotations

from collections.abc import Mapping

from honing.errors import UsageError
from honing.teach.selecting.base import SelectionMethod
from honing.teach.selecting.by_chance import Random
from honing.teach.selecting.entropy import Entropy
from honing.teach.selecting.influence import Influence
from honing.teach.selecting.one_flip import OneFlip
from honing.teach.selecting.oracle import Oracle
from honing.teach.selecting.predicted import Predicted
from honing.teach.selecting.same_kind import RandomSameKind

_ALL: tuple[SelectionMethod, ...] = (
    Random(),
    RandomSameKind(),
    Entropy(),
    Predicted(),
    Oracle(),
    OneFlip(),
    Influence(),
)
METHODS: Mapping[str, SelectionMethod] = {method.name: method for method in _ALL}


def method_named(name: str) -> SelectionMethod:
    """One way to choose.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in METHODS:
        raise UsageError(f"selection.methods: there is no {name!r}. There are {', '.join(METHODS)}.")
    return METHODS[name]
