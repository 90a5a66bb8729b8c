"""The student: a causal language model of this machine that says how likely each valid action is."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from honing.errors import ModelError, UsageError, boundary
from honing.learn.checkpoints import Checkpoint, load_checkpoint, read_checkpoint
from honing.learn.folder import folder_digest
from honing.learn.policy import Situation, Turn
from honing.learn.prompt import Prompt
from honing.learn.scoring.base import GPU_ROOM, Query, Room, Route, normalised
from honing.learn.scoring.choice import Choice, Method, scorer_for, window_of
from honing.learn.scoring.trie import Trie
from honing.learn.tokens import Wording

_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentOptions:
    """How a student is asked. Nothing here has an influence on what it answers beyond 1e-5."""

    method: Method | None = None
    """Way of scoring; None tries which ones the model supports and takes the fastest."""
    room: Room | None = None
    """What one forward pass may hold; None goes by the device."""
    remembered: int = _REMEMBERED
    """Situations whose scores are kept; the oldest are forgotten. 0 keeps none."""


class Student:
    """A `Policy` on a Hugging Face causal language model. Not safe to use from several threads.

    The log-probability of an action is the sum over its tokens, an end token included, given the prompt, then
    normalised over the valid actions.

    Args:
        model: In evaluation mode.
        tokenizer: Its tokenizer.
        prompt: How situations become text.
        name: For tables.
        identity: Hash of the weights.
        options: How it is asked.
        route: For a model with several adapters: is told which adapter each row belongs to.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        prompt: Prompt,
        name: str,
        identity: str,
        options: StudentOptions | None = None,
        route: Route | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.name = name
        self.options = options or StudentOptions()
        self._weights = identity
        self._route = route
        self._wording = Wording(tokenizer, model.config, prompt)
        self._scores: OrderedDict[Any, tuple[float, ...]] = OrderedDict()
        self._tries: dict[tuple[str, ...], Trie] = {}

    @cached_property
    def scoring(self) -> Choice:
        """The way of scoring that is used, and why no faster one is."""
        if self.options.method is not None:
            return Choice(method=self.options.method, window=window_of(self.model))
        return scorer_for(self.model)

    def with_prompt(self, prompt: Prompt) -> Student:
        """The same weights, asked in other words; nothing is loaded or tried anew."""
        other = Student(
            self.model,
            self.tokenizer,
            prompt=prompt,
            name=self.name,
            identity=self._weights,
            options=self.options,
            route=self._route,
        )
        other.__dict__["scoring"] = self.scoring
        return other

    def identity(self) -> str:
        """Hash of weights and prompt."""
        content = json.dumps([self._weights, self.prompt.identity()])
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def shortened(self) -> int:
        """Prompts that lost their beginning so far, because they did not fit into the model's context."""
        return self._wording.shortened

    def encode(self, situation: Situation) -> list[int]:
        """Token ids of the prompt; for scoring and for training."""
        return self._wording.prompt(situation)

    def encode_action(self, action: str) -> list[int]:
        """Token ids of an action, the end token included; for scoring and for training."""
        return list(self._wording.action(action))

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`.

        Raises:
            UsageError: Two actions of a turn are the same tokens.
            ModelError: The model's numbers are no distribution.
        """
        with boundary(ModelError, self.name):
            return [normalised(scores) for scores in self.scores(turns)]

    def per_token(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """Length-normalised log-probability of each action's text: nats per token, the end token included.

        Not normalised over the actions. Shape as of `logprobs`.
        """
        return [
            tuple(
                score / len(self._wording.action(action))
                for score, action in zip(scores, turn.situation.actions, strict=True)
            )
            for scores, turn in zip(self.scores(turns), turns, strict=True)
        ]

    def scores(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """Log-probability of each action's text given the prompt, in nats; not normalised over the actions.

        Identical situations are scored once.
        """
        keys = [(self.prompt.text(turn.situation), turn.situation.actions, turn.adapter) for turn in turns]
        known = {key: self._scores[key] for key in keys if key in self._scores}
        fresh = {key: turn for key, turn in zip(keys, turns, strict=True) if key not in known}
        if fresh:
            known.update(zip(fresh, self._scored(list(fresh.values())), strict=True))
            self._remember({key: known[key] for key in fresh})
        return [known[key] for key in keys]

    def forget(self) -> None:
        """Drop remembered scores: after the weights have changed, and where results must not depend on what
        was asked before."""
        self._scores.clear()

    def _scored(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        queries = [
            Query(
                prompt=tuple(self.encode(turn.situation)),
                trie=self._trie(turn.situation.actions),
                adapter=turn.adapter,
            )
            for turn in turns
        ]
        room = self.options.room or (Room() if self.model.device.type == "cpu" else GPU_ROOM)
        return self.scoring.score(self.model, queries, room=room, route=self._route)

    def _trie(self, actions: tuple[str, ...]) -> Trie:
        found = self._tries.get(actions)
        if found is None:
            if len(self._tries) >= self.options.remembered:
                self._tries.clear()
            try:
                found = Trie([self._wording.action(action) for action in actions])
            except UsageError as error:
                raise UsageError(f"{self.name}: the actions {list(actions)}: {error}") from error
            self._tries[actions] = found
        return found

    def _remember(self, found: dict[Any, tuple[float, ...]]) -> None:
        self._scores.update(found)
        while len(self._scores) > self.options.remembered:
            self._scores.popitem(last=False)


def load_student(
    checkpoint: str | Path,
    *,
    adapter: str | Path | None = None,
    history: int = 4,
    device: str = "cpu",
    prompt: Prompt | None = None,
    options: StudentOptions | None = None,
) -> Student:
    """A student from a folder as Hugging Face libraries save one, or from a hub id.

    Args:
        checkpoint: Model folder, adapter folder (its base is the one it names), or hub id.
        adapter: Folder of a LoRA adapter, merged into the weights.
        history: How many past actions the prompt shows, where `prompt` is None.
        device: `cpu`, `cuda`, `cuda:1`; `auto` takes a GPU where there is one.
        prompt: How situations become text.
        options: How it is asked.

    Raises:
        MissingToolError: torch, transformers or, for an adapter, peft is not installed.
        UsageError: The folder cannot be loaded.
    """
    named = read_checkpoint(checkpoint, adapter)
    # Half precision is slow and coarse on a CPU.
    model, tokenizer = load_checkpoint(named, device=device, dtype="float32" if device == "cpu" else "auto")
    weights = [_digest(named, model), "" if named.adapter is None else folder_digest(named.adapter)]
    return Student(
        model,
        tokenizer,
        prompt=prompt or Prompt(history=history),
        name=(named.adapter or Path(named.base)).name,
        identity=hashlib.sha256(json.dumps(weights).encode()).hexdigest(),
        options=options,
    )


def _digest(checkpoint: Checkpoint, model: Any) -> str:
    if checkpoint.is_local:
        return folder_digest(Path(checkpoint.base))
    return f"{checkpoint.base}@{getattr(model.config, '_commit_hash', None)}"
