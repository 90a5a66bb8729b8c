"""Which way of scoring a model supports: found out by trying, on the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from honing.learn.scoring.base import Query, Room, Route, Scorer
from honing.learn.scoring.naive import score_naive
from honing.learn.scoring.packed import score_packed
from honing.learn.scoring.padded import score_padded
from honing.learn.scoring.trie import Trie


class Method(StrEnum):
    """A way of scoring, the fastest first."""

    TRIE = "trie"
    PADDED = "padded"
    NAIVE = "naive"


SCORERS: Mapping[Method, Scorer] = {
    Method.TRIE: score_packed,
    Method.PADDED: score_padded,
    Method.NAIVE: score_naive,
}

_WINDOWS = ("sliding_window", "window_size", "attention_chunk_size")
"""Settings under which models keep how far attention looks back."""

TOLERANCE = 1e-4
"""Nats by which a way may differ from the reference on the trial, in single precision."""
COARSE_TOLERANCE = 0.25
"""The same in half precision, whose rounding shows at other batch shapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way that is used, and why no faster one is."""

    method: Method
    refused: Mapping[Method, str] = field(default_factory=dict)
    """Faster ways that were tried, with what spoke against them."""
    window: int | None = None
    """Tokens that the model's attention looks back, where it has such a limit. A mask of our own would lift
    it, so sequences that are longer are scored with padding."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        refused = {way.value: why for way, why in self.refused.items()}
        return {"method": self.method.value, "refused": refused, "window": self.window}

    def score(
        self, model: Any, queries: Sequence[Query], *, room: Room, route: Route | None = None
    ) -> list[tuple[float, ...]]:
        """See `Scorer`."""
        long = [index for index, query in enumerate(queries) if self._is_long(query)]
        if self.method is not Method.TRIE or not long:
            return SCORERS[self.method](model, queries, room=room, route=route)
        short = [index for index, query in enumerate(queries) if not self._is_long(query)]
        found: dict[int, tuple[float, ...]] = {}
        for method, part in ((Method.TRIE, short), (Method.PADDED, long)):
            scores = SCORERS[method](model, [queries[index] for index in part], room=room, route=route)
            found |= dict(zip(part, scores, strict=True))
        return [found[index] for index in range(len(queries))]

    def _is_long(self, query: Query) -> bool:
        return self.window is not None and len(query.prompt) + max(map(len, query.options)) > self.window


def scorer_for(model: Any) -> Choice:
    """The fastest way whose numbers on a trial are those of the reference.

    A model with positions of its own or a recurrent state is found out by its numbers and not by its name.
    """
    trial = _trial(int(model.config.get_text_config().vocab_size))
    expected = score_naive(model, trial, room=Room())
    refused: dict[Method, str] = {}
    for method in (Method.TRIE, Method.PADDED):
        try:
            found = SCORERS[method](model, trial, room=Room(), route=None)
        except Exception as error:  # noqa: BLE001 - the boundary to a model: whatever it cannot do
            refused[method] = f"{type(error).__name__}: {error}"[:200]
            continue
        difference = _difference(expected, found)
        if difference <= _tolerance(model):
            return Choice(method=method, refused=refused, window=window_of(model))
        refused[method] = f"differs from the reference by {difference:.1e} nats"
    return Choice(method=Method.NAIVE, refused=refused)


def window_of(model: Any) -> int | None:
    """Tokens that attention looks back, as far as the model's settings name such a limit."""
    config = model.config.get_text_config()
    found = [getattr(config, name, None) for name in _WINDOWS]
    limits = [limit for limit in found if isinstance(limit, int) and limit > 0]
    return min(limits, default=None)


def _trial(vocabulary: int) -> list[Query]:
    """Two prompts of different lengths, with continuations that share beginnings."""
    token = [index * 7 % vocabulary for index in range(1, 9)]
    a, b, c, d = token[:4]
    options = Trie([[a, b, c], [a, b, d], [a, c], [d, a, b, c]])
    alone = Trie([[b, a]])
    return [
        Query(prompt=tuple(token), trie=options),
        Query(prompt=tuple(token[:3]), trie=alone),
        Query(prompt=tuple(token[2:7]), trie=options),
    ]


def _difference(expected: list[tuple[float, ...]], found: list[tuple[float, ...]]) -> float:
    pairs = zip(expected, found, strict=True)
    gaps = [abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)]
    return max((gap if gap == gap else float("inf")) for gap in gaps)


def _tolerance(model: Any) -> float:
    import torch

    return TOLERANCE if model.dtype in (torch.float32, torch.float64) else COARSE_TOLERANCE
