"""Texts as vectors: hashed words by default, a sentence-transformers model where one is named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from honing.errors import MissingToolError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HASHING = "hashing"
_WORD = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?")


class Embedder(Protocol):
    """Gives texts a place in a space. Deterministic; a text's place does not depend on its neighbours."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Floats:
        """Vectors of length one, shape (T, dim); zero for a text without words."""
        ...


@dataclass(frozen=True, slots=True)
class HashingEmbedder:
    """Words and pairs of neighbouring words, each hashed to one signed coordinate (Weinberger and others
    2009)."""

    dim: int = 256

    @property
    def name(self) -> str:
        return HASHING

    def embed(self, texts: Sequence[str]) -> Floats:
        """See `Embedder.embed`."""
        import numpy as np

        found = np.zeros((len(texts), self.dim))
        for row, text in zip(found, texts, strict=True):
            words = _WORD.findall(text.lower())
            pairs = [f"{first} {second}" for first, second in pairwise(words)]
            for gram in words + pairs:
                place, sign = _coordinate(gram, self.dim)
                row[place] += sign
        return unit_rows(found)


@dataclass(frozen=True, slots=True)
class SentenceEmbedder:
    """A sentence-transformers model; its own dimension."""

    name: str
    model: object

    @property
    def dim(self) -> int:
        return int(self.model.get_sentence_embedding_dimension())  # type: ignore[attr-defined]

    def embed(self, texts: Sequence[str]) -> Floats:
        """See `Embedder.embed`."""
        import numpy as np

        found = self.model.encode(list(texts), show_progress_bar=False)  # type: ignore[attr-defined]
        return unit_rows(np.asarray(found, dtype=np.float64))


def embedder_named(name: str, dim: int) -> Embedder:
    """The embedder of a study.

    Args:
        name: `hashing`, or the hub id or folder of a sentence-transformers model.
        dim: Coordinates of the hashing; a model has its own.

    Raises:
        MissingToolError: A model is named and sentence-transformers is not installed.
        UsageError: There is no such model here.
    """
    if name == HASHING:
        return HashingEmbedder(dim)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingToolError(
            f"--embedder {name}: needs sentence-transformers, which is not installed: pip install "
            "sentence-transformers, or leave the option out for `hashing`."
        ) from error
    try:
        return SentenceEmbedder(name, SentenceTransformer(name))
    except (OSError, ValueError) as error:
        raise UsageError(f"--embedder {name}: cannot be loaded: {error} `hashing` needs no model.") from error


def unit_rows(rows: Floats) -> Floats:
    """Every row scaled to length one; rows of zeros stay."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return found


def _coordinate(gram: str, dim: int) -> tuple[int, float]:
    number = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "big")
    return (number >> 1) % dim, 1.0 if number & 1 else -1.0
