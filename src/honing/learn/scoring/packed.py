"""Each prompt once, with all its continuations as a tree of tokens behind it, many prompts in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.learn.scoring.base import Query, Room, Route, batches


def score_packed(
    model: Any, queries: Sequence[Query], *, room: Room, route: Route | None = None
) -> list[tuple[float, ...]]:
    """See `Scorer`. Needs a model that takes a mask over pairs of positions, and position ids.

    A row is a prompt with the nodes of its tree behind it, padded on the left. A node sees the prompt and
    what lies between it and the root, and has the position it would have in a sequence of its own.
    """
    widths = [_width(query) for query in queries]
    vocabulary = int(model.config.get_text_config().vocab_size)
    nodes = max((query.trie.size for query in queries), default=0)

    def fits(count: int, width: int) -> bool:
        return (
            count <= room.rows and count * width <= room.tokens and count * nodes * vocabulary <= room.logits
        )

    found: list[tuple[float, ...]] = [()] * len(queries)
    for batch in batches(widths, fits):
        scores = _score(model, [queries[index] for index in batch], route)
        for index, score in zip(batch, scores, strict=True):
            found[index] = score
    return found


def _score(model: Any, queries: Sequence[Query], route: Route | None) -> list[tuple[float, ...]]:
    import torch

    ids, positions, seen = _rows(queries)
    device, dtype = model.device, model.dtype
    # Numbers and not truth values: eager attention adds the mask, and the lowest number, unlike -inf, leaves
    # rows of padding without NaN.
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~torch.from_numpy(seen), torch.finfo(dtype).min)
    if route is not None:
        route([query.adapter for query in queries])
    with torch.inference_mode():
        logits = model(
            input_ids=torch.from_numpy(ids).to(device),
            attention_mask=mask[:, None].to(device),
            position_ids=torch.from_numpy(positions).to(device),
            use_cache=False,
            logits_to_keep=max(query.trie.size for query in queries),
        ).logits.float()
        rows, parents, tokens = _edges(queries, logits.shape[1])
        wholes = torch.logsumexp(logits, dim=-1)[rows, parents]
        edges = (logits[rows, parents, tokens] - wholes).double().tolist()
    return _sums(queries, edges)


def _rows(queries: Sequence[Query]) -> tuple[Any, Any, Any]:
    """Token ids (B, L), positions (B, L) and who sees whom (B, L, L).

    The last token of a prompt is the root of its tree; the nodes of a tree are the last places of its row.
    """
    import numpy

    count, width = len(queries), max(_width(query) for query in queries)
    ids = numpy.zeros((count, width), dtype=numpy.int64)
    positions = numpy.zeros((count, width), dtype=numpy.int64)
    seen = numpy.zeros((count, width, width), dtype=bool)
    causal = numpy.tri(max(len(query.prompt) for query in queries), dtype=bool)
    for row, query in enumerate(queries):
        trie, size = query.trie, len(query.prompt)
        start, root = width - _width(query), width - trie.size
        ids[row, start : root + 1] = query.prompt
        ids[row, root + 1 :] = trie.tokens
        positions[row, start : root + 1] = numpy.arange(size)
        positions[row, root + 1 :] = trie.depths
        positions[row, root + 1 :] += size - 1
        seen[row, start : root + 1, start : root + 1] = causal[:size, :size]
        seen[row, root + 1 :, start : root + 1] = True
        seen[row, root:, root:] = trie.ancestry()
    return ids, positions, seen


def _width(query: Query) -> int:
    return len(query.prompt) + query.trie.size - 1


def _edges(queries: Sequence[Query], kept: int) -> tuple[list[int], list[int], list[int]]:
    """Row, place among the last `kept` and token of every edge of every tree, in order."""
    rows = [row for row, query in enumerate(queries) for _ in query.trie.edge_tokens]
    parents = [kept - query.trie.size + parent for query in queries for parent in query.trie.edge_parents]
    tokens = [token for query in queries for token in query.trie.edge_tokens]
    return rows, parents, tokens


def _sums(queries: Sequence[Query], edges: Sequence[float]) -> list[tuple[float, ...]]:
    """Log-probability of each continuation, from those of the edges of all trees."""
    found, start = [], 0
    for query in queries:
        found.append(tuple(sum(edges[start + edge] for edge in path) for path in query.trie.option_edges))
        start += len(query.trie.edge_tokens)
    return found
