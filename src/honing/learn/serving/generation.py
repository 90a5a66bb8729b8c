"""Continuing a batch of prompts, each row by its own sampling: what one row gets does not depend on which
others it shares a batch with, but for the rounding of sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from honing.llm import Finish


@dataclass(slots=True, kw_only=True)
class Row:
    """One prompt and what has been said to it so far."""

    prompt: list[int]
    limit: int
    """Tokens to say at most."""
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    stop: Sequence[str] = ()
    seed: int = 0
    """Of the draws; without effect at temperature 0."""
    alternatives: int | None = None
    """Log-probabilities of this many likely tokens beside the chosen one's; None keeps none."""
    said: list[int] = field(default_factory=list)
    logprobs: list[tuple[float, dict[int, float]]] = field(default_factory=list)
    """Per token said: its log-probability, and those of the likeliest by token id. Natural logarithm, of the
    model's own distribution (before temperature and top_p)."""
    finish: Finish | None = None
    """How it ended; None while it goes on."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A loaded model with its tokenizer."""

    model: Any
    tokenizer: Any
    ends: frozenset[int]
    """Tokens that end a reply."""

    def speak(self, rows: Sequence[Row]) -> None:
        """Continue every row to its end, in place."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        width = max(len(row.prompt) for row in rows)
        pad = next(iter(self.ends), 0)
        ids = torch.tensor([[pad] * (width - len(row.prompt)) + row.prompt for row in rows])
        mask = torch.tensor([[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in rows])
        choose = _Choose(rows, self)
        config = GenerationConfig(
            do_sample=False, max_new_tokens=max(row.limit for row in rows), pad_token_id=pad
        )
        with torch.inference_mode():
            self.model.generate(
                inputs=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                generation_config=config,
                logits_processor=LogitsProcessorList([choose]),
                stopping_criteria=StoppingCriteriaList([choose.ended]),
            )

    def text(self, tokens: Sequence[int]) -> str:
        found: str = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return found


class _Choose:
    """Chooses each row's next token and leaves the model's own search no other."""

    def __init__(self, rows: Sequence[Row], voice: Voice) -> None:
        import torch

        self._rows = rows
        self._voice = voice
        self._draws = [torch.Generator().manual_seed(row.seed) for row in rows]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        only = torch.full_like(scores, float("-inf"))
        # On the processor, so that a seed draws the same on every device.
        known = torch.log_softmax(scores.float(), dim=-1).cpu()
        for index, row in enumerate(self._rows):
            token = 0
            if row.finish is None:
                token = self._token(row, known[index], self._draws[index])
                self._say(row, token, known[index])
            only[index, token] = 0.0
        return only

    def ended(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Which rows have ended, as the model's search asks after every token."""
        import torch

        ended = [row.finish is not None for row in self._rows]
        return torch.tensor(ended, device=input_ids.device)

    def _token(self, row: Row, known: Any, draws: Any) -> int:
        import torch

        if row.temperature <= 0:
            return int(known.argmax())
        likely, order = torch.softmax(known / row.temperature, dim=-1).sort(descending=True)
        # The likeliest is always kept; of the rest those before which less than top_p is gathered.
        outside = likely.cumsum(-1) - likely >= row.top_p
        outside[0] = False
        likely = likely.masked_fill(outside, 0.0)
        return int(order[torch.multinomial(likely, 1, generator=draws)])

    def _say(self, row: Row, token: int, known: Any) -> None:
        row.said.append(token)
        if row.alternatives is not None:
            values, tokens = known.topk(min(row.alternatives, known.numel()))
            top = dict(zip(tokens.tolist(), values.tolist(), strict=True))
            row.logprobs.append((float(known[token]), top))
        if token in self._voice.ends or self._stops(row):
            row.finish = Finish.STOP
        elif len(row.said) >= row.limit:
            row.finish = Finish.LENGTH

    def _stops(self, row: Row) -> bool:
        return bool(row.stop) and first_stop(self._voice.text(row.said), row.stop) is not None


def first_stop(text: str, stops: Sequence[str]) -> int | None:
    """Where the first of the stop texts begins; None where none stands in the text."""
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return min(places, default=None)
