"""A chat model as a policy: it is shown the valid actions and has to choose one of them, strictly."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from honing.errors import ModelRequestError
from honing.learn.policies.chat_choice import choice_schema, labels_for, read_choice, read_logprobs
from honing.learn.policy import Situation, Turn
from honing.learn.prompt import Prompt
from honing.llm import Message, ModelReply, ModelRequest, Role, Sampling, Usage, cost

CHAT_TEMPLATE = "{patch}Goal: {goal}\nActions so far: {history}\nYou see: {observation}"
"""What a chat model is shown before the list of actions."""


class Asks(Protocol):
    """Completes requests, from several threads at once: a `llm.Client`, say at a gateway's address."""

    def complete(self, request: ModelRequest, *, tags: Mapping[str, str] | None = None) -> ModelReply:
        """The model's reply.

        Raises:
            ModelError: There is none.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How a chat model is asked."""

    prompt: Prompt = field(default_factory=lambda: Prompt(template=CHAT_TEMPLATE, chat=False))
    alternatives: int = 20
    """Alternatives whose log-probabilities are asked for, where the server gives them; 0 never asks."""
    samples: int = 1
    """Replies per decision where there are no log-probabilities: their shares are the distribution."""
    temperature: float = 0.0
    """Of those replies. Several only differ above 0."""
    asked_again: int = 2
    """How often a reply that names no valid action is followed by another question."""
    structured: bool = True
    """Whether a schema that allows nothing but the valid actions is sent where no log-probabilities are
    asked for. A server that refuses it is asked in words from then on."""
    max_tokens: int = 64
    """Of a reply."""
    parallel: int = 8
    """Decisions asked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCounts:
    """What a chat policy has asked so far."""

    decisions: int = 0
    """Different situations."""
    calls: int = 0
    invalid_replies: int = 0
    """Replies that named no valid action."""
    undecided: int = 0
    """Situations in which no valid action was named in the end."""
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    """Calls whose server did not count tokens."""
    cost_usd: Decimal | None = Decimal(0)
    """None as soon as the price of one call is unknown."""


class ChatPolicy:
    """A `Policy` on a chat model. A situation is asked once and its distribution remembered, so the same
    situation always has the same. Safe to use from several threads.

    Args:
        client: What completes requests. Keys stay with it.
        model: Name of the model.
        options: How it is asked.
        price: What a call costs, in dollars; None where it is not known.
    """

    def __init__(
        self,
        client: Asks,
        model: str,
        *,
        options: ChatOptions | None = None,
        price: Callable[[str, Usage], Decimal | None] = cost,
    ) -> None:
        self.name = model
        self._client = client
        self._options = options or ChatOptions()
        self._price = price
        self._lock = threading.Lock()
        self._counts = ChatCounts()
        self._known: dict[Any, tuple[float, ...]] = {}
        self._gives_logprobs = self._options.alternatives > 0
        self._takes_schema = self._options.structured

    @property
    def counts(self) -> ChatCounts:
        """What was asked so far."""
        with self._lock:
            return self._counts

    def identity(self) -> str:
        """Hash of the model's name and of all options that decide what it is asked."""
        options = {name: value for name, value in asdict(self._options).items() if name != "parallel"}
        content = json.dumps([self.name, options], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`. All are -inf where the model named no valid action, asked again and again.

        Raises:
            ModelError: The model cannot be asked.
        """
        keys = [self._key(turn.situation) for turn in turns]
        with self._lock:
            fresh = {
                key: turn.situation for key, turn in zip(keys, turns, strict=True) if key not in self._known
            }
        if fresh:
            with ThreadPoolExecutor(max_workers=min(self._options.parallel, len(fresh))) as threads:
                found = list(threads.map(self._decide, fresh.values()))
            with self._lock:
                # Another thread may have asked the same meanwhile: what was known first stays.
                for key, given in zip(fresh, found, strict=True):
                    self._known.setdefault(key, given)
        return [self._known[key] for key in keys]

    def _key(self, situation: Situation) -> Any:
        return self._options.prompt.text(situation), situation.actions

    def _decide(self, situation: Situation) -> tuple[float, ...]:
        """Ask about one situation until there is a distribution."""
        if len(situation.actions) == 1:
            return (0.0,)
        given = self._by_logprobs(situation) if self._gives_logprobs else None
        if given is None:
            given = self._by_samples(situation)
        with self._lock:
            undecided = self._counts.undecided + (max(given) == -math.inf)
            self._counts = replace(self._counts, decisions=self._counts.decisions + 1, undecided=undecided)
        return given

    def _by_logprobs(self, situation: Situation) -> tuple[float, ...] | None:
        """From the alternatives to the first token; None where the server gives none, or none that fits."""
        if len(labels_for(situation.actions)) < len(situation.actions):
            return None
        sampling = Sampling(
            temperature=1.0, max_tokens=self._options.max_tokens, logprobs=self._options.alternatives
        )
        reply = self._ask(
            ModelRequest(model=self.name, messages=self._messages(situation), sampling=sampling)
        )
        if reply.logprobs is None:
            self._gives_logprobs = False
            return None
        return read_logprobs(reply.logprobs, situation.actions)

    def _by_samples(self, situation: Situation) -> tuple[float, ...]:
        """From the shares of several replies."""
        chosen = [self._one_choice(situation) for _ in range(self._options.samples)]
        shares = Counter(choice for choice in chosen if choice is not None)
        whole = shares.total()
        return tuple(
            math.log(shares[index] / whole) if shares[index] else -math.inf
            for index in range(len(situation.actions))
        )

    def _one_choice(self, situation: Situation) -> int | None:
        """Index of the action that one reply names; None where none does, however often it is asked."""
        messages = self._messages(situation)
        for _ in range(1 + self._options.asked_again):
            reply = self._chosen(messages, situation.actions)
            choice = read_choice(reply.text, situation.actions)
            if choice is not None:
                return choice
            with self._lock:
                self._counts = replace(self._counts, invalid_replies=self._counts.invalid_replies + 1)
            again = "That is none of the actions. Answer with one of them, exactly as it is written, alone."
            messages = [*messages, Message(Role.ASSISTANT, reply.text), Message(Role.USER, again)]
        return None

    def _chosen(self, messages: Sequence[Message], actions: Sequence[str]) -> ModelReply:
        """One reply, under a schema where the server takes one."""
        sampling = Sampling(temperature=self._options.temperature, max_tokens=self._options.max_tokens)
        plain = ModelRequest(model=self.name, messages=messages, sampling=sampling)
        if not self._takes_schema:
            return self._ask(plain)
        try:
            return self._ask(replace(plain, response_format=choice_schema(actions)))
        except ModelRequestError:
            # Where the request is at fault in another way, the plain one fails as well and says so.
            reply = self._ask(plain)
            self._takes_schema = False
            return reply

    def _ask(self, request: ModelRequest) -> ModelReply:
        reply = self._client.complete(request)
        usage = reply.usage
        price = self._price(request.model, usage)
        with self._lock:
            found = self._counts
            known = found.cost_usd is not None and price is not None
            self._counts = replace(
                found,
                calls=found.calls + 1,
                input_tokens=found.input_tokens + (usage.input_tokens or 0),
                output_tokens=found.output_tokens + (usage.output_tokens or 0),
                uncounted=found.uncounted + (usage.input_tokens is None or usage.output_tokens is None),
                cost_usd=found.cost_usd + price if known else None,  # type: ignore[operator]
            )
        return reply

    def _messages(self, situation: Situation) -> list[Message]:
        labels = labels_for(situation.actions)
        if labels:
            listed = [f"{label}. {action}" for label, action in zip(labels, situation.actions, strict=True)]
            how = "Answer with the letter of one of these actions, alone:"
        else:
            listed = [f"- {action}" for action in situation.actions]
            how = "Answer with one of these actions, exactly as it is written, alone:"
        shown = self._options.prompt.text(situation)
        return [
            Message(Role.SYSTEM, "You act step by step towards a goal. At each step you choose one action."),
            Message(Role.USER, "\n".join([shown, "", how, *listed])),
        ]
