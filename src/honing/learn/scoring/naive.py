"""One sequence at a time: the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.learn.scoring.base import Query, Room, Route


def score_naive(
    model: Any, queries: Sequence[Query], *, room: Room, route: Route | None = None
) -> list[tuple[float, ...]]:
    """See `Scorer`. Every continuation is a forward pass of its own; `room` is not asked."""
    return [tuple(_score(model, query, option, route) for option in query.options) for query in queries]


def _score(model: Any, query: Query, option: tuple[int, ...], route: Route | None) -> float:
    import torch

    ids = torch.tensor([[*query.prompt, *option]], device=model.device)
    if route is not None:
        route([query.adapter])
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits[0, len(query.prompt) - 1 : -1].float()
        logprobs = torch.log_softmax(logits, dim=-1)
        found = logprobs[torch.arange(len(option)), ids[0, len(query.prompt) :]]
    return float(found.double().sum())
