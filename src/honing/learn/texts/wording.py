"""From rows of text to token rows, by the code that serves the model: what is trained is what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from honing.errors import TrainingError
from honing.learn.serving.local_model import context_of, ends_of
from honing.learn.serving.prompting import Prompter
from honing.learn.texts.text_row import TextRow
from honing.learn.training.rows import Row
from honing.llm import Message, ModelRequest
from honing.llm import Role as Speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Rows as tokens."""

    rows: tuple[TextRow, ...]
    """Those that fit, in their order."""
    tokens: tuple[Row, ...]
    """One for each of them."""
    too_long: int
    """Rows that were left out: prompt and completion do not fit into the model's context together."""


def encoded(model: Any, tokenizer: Any, rows: Sequence[TextRow]) -> Encoded:
    """Every row that fits into the model's context. The last token of a completion is the one that ends a
    reply when the model is served, where it has one.

    Raises:
        TrainingError: None fits.
        ModelRequestError: The model's chat template refuses a row.
    """
    prompter, room = Prompter(tokenizer), context_of(model.config)
    end = _end(model, tokenizer)
    fitting: list[tuple[TextRow, Row]] = []
    for row in rows:
        prompt = prompter.tokens(ModelRequest(model="", messages=_turns(row)))
        said: list[int] = tokenizer(row.completion, add_special_tokens=False)["input_ids"]
        tokens = (*prompt, *said, *end)
        if len(tokens) <= room:
            fitting.append((row, Row(tokens=tokens, n_prompt=len(prompt))))
    if not fitting:
        raise TrainingError(
            f"None of {len(rows)} rows fits into the model's context of {room} tokens. Give shorter rows, or "
            "a model with a longer context."
        )
    return Encoded(
        rows=tuple(row for row, _ in fitting),
        tokens=tuple(tokens for _, tokens in fitting),
        too_long=len(rows) - len(fitting),
    )


def _turns(row: TextRow) -> list[Message]:
    system = [Message(Speaker.SYSTEM, row.system)] if row.system else []
    return [*system, Message(Speaker.USER, row.prompt)]


def _end(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """The token that ends a reply: the tokenizer's own where it ends one, else the first that does."""
    ends = ends_of(model, tokenizer)
    if tokenizer.eos_token_id in ends:
        return (int(tokenizer.eos_token_id),)
    return (min(ends),) if ends else ()
