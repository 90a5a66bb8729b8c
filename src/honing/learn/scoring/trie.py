"""Several continuations of one prompt as a tree of tokens: what they begin with in common is there once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.errors import UsageError


class Trie:
    """The tree of some continuations. Its root is the last token of the prompt.

    Only nodes that something follows are run through a model: the last token of a continuation is read off
    the node before it.

    Args:
        options: Token ids of each continuation, at least one token each, none the beginning of another.

    Raises:
        UsageError: There is none, one is empty, two are equal, or one is the beginning of another.
    """

    __slots__ = (
        "_mask", "depths", "edge_parents", "edge_tokens", "option_edges", "options", "size", "tokens"
    )  # fmt: skip

    def __init__(self, options: Sequence[Sequence[int]]) -> None:
        self.options = tuple(tuple(option) for option in options)
        if not self.options or not all(self.options):
            raise UsageError(f"Expected continuations of at least one token, found {list(self.options)}.")
        edges: dict[tuple[int, int], int] = {}
        below: dict[int, int] = {}
        depths = [0]
        self.option_edges = tuple(_walk(option, edges, below, depths) for option in self.options)
        """Edges of each continuation, in order."""
        _refuse_ends(self.options, [path[-1] for path in self.option_edges], below)
        self.edge_parents = tuple(node for node, _ in edges)
        """Node from which each token is predicted, shape (E,); the root is 0."""
        self.edge_tokens = tuple(token for _, token in edges)
        """The token, shape (E,)."""
        self.tokens = tuple(self.edge_tokens[edge] for edge in below)
        """Token of every node but the root, parents before children; node i is at i - 1. Shape (N - 1,)."""
        self.depths = tuple(depths[1:])
        """Steps below the root, shape (N - 1,)."""
        self.size = len(depths)
        """Nodes that are run: the root and every token that something follows."""
        self._mask = _ancestry([self.edge_parents[edge] for edge in below])

    def __len__(self) -> int:
        """As `size`."""
        return self.size

    def ancestry(self) -> Any:
        """Which node sees which, shape (N, N), numpy booleans: itself and what lies between it and the
        root."""
        return self._mask


def _walk(
    option: tuple[int, ...], edges: dict[tuple[int, int], int], below: dict[int, int], depths: list[int]
) -> tuple[int, ...]:
    """The edges of one continuation; those that were not there are added.

    Args:
        option: Token ids.
        edges: Number of each edge, by the node it leaves and its token.
        below: Node at the end of each edge that something follows, in the order of the nodes.
        depths: Of each node.
    """
    node, path = 0, []
    for place, token in enumerate(option):
        edge = edges.setdefault((node, token), len(edges))
        path.append(edge)
        if place == len(option) - 1:
            break
        if edge not in below:
            below[edge] = len(depths)
            depths.append(place + 1)
        node = below[edge]
    return tuple(path)


def _refuse_ends(options: Sequence[tuple[int, ...]], ends: Sequence[int], below: dict[int, int]) -> None:
    """Refuse options that are equal, or of which one begins another."""
    if len(set(ends)) < len(ends):
        raise UsageError("Two continuations have the same tokens; the tokenizer cannot tell them apart.")
    for option, end in zip(options, ends, strict=True):
        if end in below:
            raise UsageError(
                f"The continuation {list(option)} is the beginning of another; end each with an end token."
            )


def _ancestry(parents: Sequence[int]) -> Any:
    import numpy

    mask = numpy.eye(len(parents) + 1, dtype=bool)
    for node, parent in enumerate(parents, 1):
        mask[node] |= mask[parent]
    return mask
