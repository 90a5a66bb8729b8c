"""What is asked of a scorer, and what it may take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from honing.learn.scoring.trie import Trie

Route = Callable[[Sequence[int | None]], None]
"""Is told which adapter each row of the coming forward pass belongs to; None is the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One prompt and what may follow it."""

    prompt: tuple[int, ...]
    """Token ids, at least one."""
    trie: Trie
    """The continuations."""
    adapter: int | None = None

    @property
    def options(self) -> tuple[tuple[int, ...], ...]:
        """Token ids of each continuation."""
        return self.trie.options


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much one forward pass may hold. It decides speed and memory, and results only up to 1e-5."""

    tokens: int = 1024
    """Positions, padding included. On a CPU more do not fit into its caches; a GPU takes many more."""
    rows: int = 256
    logits: int = 64 * 1024 * 1024
    """Numbers of the output layer: positions that are looked at, times the vocabulary."""


GPU_ROOM = Room(tokens=32_768, rows=512, logits=256 * 1024 * 1024)


class Scorer(Protocol):
    """Scores queries with a model."""

    def __call__(
        self, model: Any, queries: Sequence[Query], *, room: Room, route: Route | None
    ) -> list[tuple[float, ...]]:
        """The log-probability of each continuation given its prompt: the sum over its tokens, in nats.

        Args:
            model: A Hugging Face causal language model, in evaluation mode.
            queries: In any order; the results keep it.
            room: Limits of a forward pass.
            route: For a model with several adapters.
        """
        ...


def normalised(scores: Sequence[float]) -> tuple[float, ...]:
    """Log-probabilities over the options alone: scores less their log-sum-exp.

    Raises:
        ValueError: Every score is -inf or one is not a number, so no distribution exists.
    """
    best = max(scores)
    if not math.isfinite(best) or any(math.isnan(score) for score in scores):
        raise ValueError(f"no distribution over scores {list(scores)}")
    whole = best + math.log(math.fsum(math.exp(score - best) for score in scores))
    return tuple(score - whole for score in scores)


def batches(widths: Sequence[int], fits: Callable[[int, int], bool]) -> Iterator[list[int]]:
    """Indices in batches of rows of about the same width, each as large as it may be.

    Args:
        widths: Of each row.
        fits: Whether so many rows of such a width go into one forward pass; a single row always does.
    """
    batch: list[int] = []
    for index in sorted(range(len(widths)), key=lambda index: widths[index]):
        if batch and not fits(len(batch) + 1, widths[index]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def in_order(found: Iterable[tuple[int, tuple[float, ...]]]) -> list[tuple[float, ...]]:
    """Results by their index, the first first."""
    return [scores for _, scores in sorted(found)]
