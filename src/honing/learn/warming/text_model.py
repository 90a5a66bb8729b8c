"""A tiny language model from scratch that learns rows of text: for machines without weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from honing.learn.checkpoints import without_bars
from honing.learn.texts.text_row import TextRow, check_rows
from honing.learn.texts.wording import encoded
from honing.learn.warming.cloning import clone
from honing.learn.warming.making import kept_student, package_versions
from honing.learn.warming.options import WarmStartOptions
from honing.learn.warming.shapes import blank_model
from honing.learn.warming.words import word_tokenizer

_VERSION = 1
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
"""Chat template of the model that is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModelOptions:
    """How a tiny model is made. With the rows it decides every weight."""

    hidden: int = 64
    """Width; a multiple of `heads`, and that an even one."""
    layers: int = 2
    heads: int = 4
    context: int = 512
    """Tokens of prompt and reply at most."""
    max_words: int = 2000
    """Words that are one token each; others are spelled."""
    steps: int = 300
    """Of the optimiser."""
    batch_size: int = 32
    learning_rate: float = 3e-3
    seed: int = 0

    def warming(self) -> WarmStartOptions:
        """As the makers of tiny students take them.

        Raises:
            UsageError: A value cannot be used.
        """
        return WarmStartOptions(**asdict(self))


def tiny_text_model(
    rows: Sequence[TextRow],
    options: TextModelOptions,
    cache: Path,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Path:
    """The folder of a tiny model, made once for the same rows and options and kept under `cache`/students.

    Args:
        rows: What it learns; the tokenizer's words are theirs.
        options: How.
        cache: Folder that is kept between runs.
        told: Is told how it goes, one line each.

    Returns:
        A folder as `transformers` saves a model and its tokenizer, with a chat template.

    Raises:
        MissingToolError: torch or transformers is not installed.
        TrainingError: There is no row, none fits into the context, or the loss is no number.
        StoreError: The cache cannot be written.
    """
    check_rows(rows)
    content = json.dumps([row.as_document() for row in rows], sort_keys=True)
    recipe = {
        "version": _VERSION,
        "rows": hashlib.sha256(content.encode()).hexdigest(),
        "options": asdict(options),
        "packages": package_versions(),
    }
    return kept_student(cache, recipe, lambda draft: _make(draft, rows, options, told), told)


def _make(
    draft: Path, rows: Sequence[TextRow], options: TextModelOptions, told: Callable[[str], None]
) -> dict[str, Any]:
    """Train and save. Figures of the training."""
    told(f"tiny model: {len(rows)} rows of text, {options.steps} steps")
    warming = options.warming()
    tokenizer = word_tokenizer(_texts(rows), max_words=options.max_words)
    tokenizer.chat_template = TEMPLATE
    model = blank_model(warming, tokenizer)
    found = encoded(model, tokenizer, rows)
    repeated = [
        tokens for row, tokens in zip(found.rows, found.tokens, strict=True) for _ in range(row.weight)
    ]
    losses = clone(model, repeated, warming, told)
    with without_bars():
        model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    last = losses[-max(1, len(losses) // 10) :]
    return {
        "examples": len(found.rows),
        "too_long": found.too_long,
        "vocabulary": len(tokenizer),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "first_loss": round(losses[0], 6),
        "final_loss": round(sum(last) / len(last), 6),
    }


def _texts(rows: Sequence[TextRow]) -> Iterator[str]:
    yield "system: \nuser: \nassistant:"
    for row in rows:
        yield f"user: {row.prompt}\n"
        yield row.system
        yield row.completion
