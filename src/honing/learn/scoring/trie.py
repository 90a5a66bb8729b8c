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

    __slots__ = ("_mask", "depths", "edge_parents", "edge_tokens", "option_edges", "options", "tokens")

    def __init__(self, options: Sequence[Sequence[int]]) -> None:
        self.options = tuple(tuple(option) for option in options)
        if not self.options or not all(self.options):
            raise UsageError(f"Expected continuations of at least one token, found {list(self.options)}.")
        inner: dict[tuple[int, ...], int] = {(): 0}
        edges: dict[tuple[int, ...], int] = {}
        paths: list[list[int]] = []
        for option in self.options:
            for length in range(1, len(option)):
                inner.setdefault(option[:length], len(inner))
            paths.append([edges.setdefault(option[:end], len(edges)) for end in range(1, len(option) + 1)])
        _refuse_ends(self.options, inner)
        parents = [inner[path[:-1]] for path in inner if path]
        self.tokens = tuple(path[-1] for path in inner if path)
        """Token of every node but the root, parents before children; node i is at i - 1. Shape (N - 1,)."""
        self.depths = tuple(len(path) for path in inner if path)
        """Steps below the root, shape (N - 1,)."""
        self.edge_parents = tuple(inner[path[:-1]] for path in edges)
        """Node from which each token is predicted, shape (E,); the root is 0."""
        self.edge_tokens = tuple(path[-1] for path in edges)
        """The token, shape (E,)."""
        self.option_edges = tuple(tuple(path) for path in paths)
        """Edges of each continuation, in order."""
        self._mask = _ancestry(parents)

    def __len__(self) -> int:
        """Nodes that are run: the root and every token that something follows."""
        return len(self.tokens) + 1

    def ancestry(self) -> Any:
        """Which node sees which, shape (N, N), numpy booleans: itself and what lies between it and the
        root."""
        return self._mask


def _refuse_ends(options: Sequence[tuple[int, ...]], inner: dict[tuple[int, ...], int]) -> None:
    """Refuse options that are equal, or of which one begins another."""
    if len(set(options)) < len(options):
        raise UsageError("Two continuations have the same tokens; the tokenizer cannot tell them apart.")
    for option in options:
        if option in inner:
            raise UsageError(
                f"The continuation {list(option)} is the beginning of another; end each with an end token."
            )


def _ancestry(parents: Sequence[int]) -> Any:
    import numpy

    mask = numpy.eye(len(parents) + 1, dtype=bool)
    for node, parent in enumerate(parents, 1):
        mask[node] |= mask[parent]
    return mask
