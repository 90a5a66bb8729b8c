"""Many sequences in one batch, padded on the right: works with any causal model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.learn.scoring.base import Query, Room, Route, batches


def score_padded(
    model: Any, queries: Sequence[Query], *, room: Room, route: Route | None = None
) -> list[tuple[float, ...]]:
    """See `Scorer`. Every continuation is a row with its prompt before it.

    Padding is on the right, where a causal model does not look, so no position shifts and models without
    attention are served as well.
    """
    rows = [(query, option) for query in queries for option in query.options]
    widths = [len(query.prompt) + len(option) for query, option in rows]
    vocabulary = int(model.config.get_text_config().vocab_size)

    def fits(count: int, width: int) -> bool:
        cells = count * width
        return count <= room.rows and cells <= room.tokens and cells * vocabulary <= room.logits

    found = [0.0] * len(rows)
    for batch in batches(widths, fits):
        scores = _score(model, [rows[index] for index in batch], route)
        for index, score in zip(batch, scores, strict=True):
            found[index] = score
    left = iter(found)
    return [tuple(next(left) for _ in query.options) for query in queries]


def _score(model: Any, rows: Sequence[tuple[Query, tuple[int, ...]]], route: Route | None) -> list[float]:
    import torch

    width = max(len(query.prompt) + len(option) for query, option in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    weight = torch.zeros((len(rows), width - 1), dtype=torch.float64)
    for row, (query, option) in enumerate(rows):
        whole, start = [*query.prompt, *option], len(query.prompt)
        ids[row, : len(whole)] = torch.tensor(whole)
        mask[row, : len(whole)] = 1
        weight[row, start - 1 : len(whole) - 1] = 1.0
    ids, mask = ids.to(model.device), mask.to(model.device)
    if route is not None:
        route([query.adapter for query, _ in rows])
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
        picked = logits.gather(-1, ids[:, 1:, None])[..., 0] - torch.logsumexp(logits, dim=-1)
        # Places that are not looked at may hold anything, NaN included.
        kept = torch.where(weight.to(picked.device) > 0, picked.double(), 0.0)
        totals: list[float] = kept.sum(dim=1).tolist()
    return totals
