"""Which way of scoring a model supports: found out by trying, on the model itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.learn.scoring.base import Query, Room, Scorer
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

TOLERANCE = 1e-4
"""Nats by which a way may differ from the reference on the trial, in single precision."""
COARSE_TOLERANCE = 0.25
"""The same in half precision, whose rounding shows at other batch shapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way that is used, and why no faster one is."""

    method: Method
    refused: Mapping[Method, str]
    """Faster ways that were tried, with what spoke against them."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {"method": self.method.value, "refused": {way.value: why for way, why in self.refused.items()}}


def scorer_for(model: Any) -> Choice:
    """The fastest way whose numbers on a trial are those of the reference.

    A model with a sliding window, positions of its own or a recurrent state is found out by its numbers and
    not by its name.
    """
    if (window := _window(model)) is not None:
        return Choice(method=Method.PADDED, refused={Method.TRIE: f"a sliding window of {window} tokens"})
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
            return Choice(method=method, refused=refused)
        refused[method] = f"differs from the reference by {difference:.1e} nats"
    return Choice(method=Method.NAIVE, refused=refused)


def _window(model: Any) -> int | None:
    """Tokens that attention looks back, where fewer than the context; a mask of our own would hide that."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    used = "sliding_attention" in kinds if kinds else getattr(config, "use_sliding_window", True)
    found = getattr(config, "sliding_window", None)
    if not found or not used or found >= getattr(config, "max_position_embeddings", found):
        return None
    return int(found)


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
