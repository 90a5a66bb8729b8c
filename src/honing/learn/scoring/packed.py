"""Each prompt once, with all its continuations as a tree of tokens behind it, many prompts in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.learn.scoring.base import Query, Room, Route, batches


def score_packed(
    model: Any, queries: Sequence[Query], *, room: Room, route: Route | None = None
) -> list[tuple[float, ...]]:
    """See `Scorer`. Needs a model that takes a mask over pairs of positions, and position ids.

    A row is a prompt, padded on the left, then the nodes of its tree, padded on the right. A node sees the
    prompt and what lies between it and the root, and has the position it would have in its own sequence.
    """
    widths = [len(query.prompt) + len(query.trie) for query in queries]
    vocabulary = int(model.config.get_text_config().vocab_size)

    def fits(count: int, width: int) -> bool:
        return (
            count <= room.rows
            and count * width <= room.tokens
            and count * max(len(query.trie) for query in queries) * vocabulary <= room.logits
        )

    found: list[tuple[float, ...]] = [()] * len(queries)
    for batch in batches(widths, fits):
        scores = _score(model, [queries[index] for index in batch], route)
        for index, score in zip(batch, scores, strict=True):
            found[index] = score
    return found


def _score(model: Any, queries: Sequence[Query], route: Route | None) -> list[tuple[float, ...]]:
    import torch

    before = max(len(query.prompt) for query in queries) - 1
    nodes = max(len(query.trie) for query in queries)
    ids, positions, seen = _rows(queries, before, nodes)
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
            logits_to_keep=nodes,
        ).logits.float()
        rows, parents, tokens = _edges(queries)
        wholes = torch.logsumexp(logits, dim=-1)[rows, parents]
        edges = (logits[rows, parents, tokens] - wholes).double().tolist()
    return _sums(queries, edges)


def _rows(queries: Sequence[Query], before: int, nodes: int) -> tuple[Any, Any, Any]:
    """Token ids (B, L), positions (B, L) and who sees whom (B, L, L), L = before + nodes.

    The last token of a prompt is the root of its tree, so it lies at place `before` in every row.
    """
    import numpy

    width = before + nodes
    ids = numpy.zeros((len(queries), width), dtype=numpy.int64)
    positions = numpy.zeros((len(queries), width), dtype=numpy.int64)
    seen = numpy.zeros((len(queries), width, width), dtype=bool)
    causal = numpy.tri(before + 1, dtype=bool)
    for row, query in enumerate(queries):
        trie, size = query.trie, len(query.prompt)
        start, end = before + 1 - size, before + len(query.trie)
        ids[row, start : before + 1] = query.prompt
        ids[row, before + 1 : end] = trie.tokens
        positions[row, start : before + 1] = numpy.arange(size)
        positions[row, before + 1 : end] = trie.depths
        positions[row, before + 1 : end] += size - 1
        seen[row, start : before + 1, start : before + 1] = causal[:size, :size]
        seen[row, before + 1 : end, start : before + 1] = True
        seen[row, before:end, before:end] = trie.ancestry()
    return ids, positions, seen


def _edges(queries: Sequence[Query]) -> tuple[list[int], list[int], list[int]]:
    """Row, node and token of every edge of every tree, in order."""
    rows = [row for row, query in enumerate(queries) for _ in query.trie.edge_tokens]
    parents = [parent for query in queries for parent in query.trie.edge_parents]
    tokens = [token for query in queries for token in query.trie.edge_tokens]
    return rows, parents, tokens


def _sums(queries: Sequence[Query], edges: Sequence[float]) -> list[tuple[float, ...]]:
    """Log-probability of each continuation, from those of the edges of all trees."""
    found, start = [], 0
    for query in queries:
        found.append(tuple(sum(edges[start + edge] for edge in path) for path in query.trie.option_edges))
        start += len(query.trie.edge_tokens)
    return found
