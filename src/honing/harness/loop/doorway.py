"""The way from agents to their model, with the run's budget of tokens and money on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from honing.agents import AgentRun, Trouble
from honing.errors import ModelUnreachableError
from honing.harness.project import Spending
from honing.llm import Budget, Channel, Gateway, GatewayConfig, Source, shown_cost
from honing.store import Run

CALLS = "logs/calls.jsonl"
"""Every call of every agent of the run, one line each."""
_MOST_UNREACHABLE = 3
"""Proposals in a row that found nobody at the model's server, before the session ends."""


def call_budget(spending: Spending) -> Budget:
    """What the agents of a run may spend on their model together, all sessions of the run included."""
    money = spending.cost_usd
    return Budget(tokens=spending.tokens, cost_usd=None if money is None else Decimal(str(money)))


@dataclass(slots=True, kw_only=True)
class Doorway:
    """Channels of one gateway, which is opened when the first is asked for. Safe to use from several
    threads."""

    run: Run
    budget: Budget
    model: str
    """By the name the agent asks for; empty for an agent that asks none."""
    source: Callable[[], Source] | None
    """Makes what answers; None for an agent that asks no model."""
    stack: ExitStack
    """What is opened here is closed with it."""
    _gateway: Gateway | None = None
    _unreachable: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def channel(self, name: str) -> Iterator[Channel | None]:
        """A channel of its own for one proposal; None where the agent asks no model."""
        if self.source is None:
            yield None
            return
        channel = self._opened().channel(name, self.source(), models=(self.model,))
        try:
            yield channel
        finally:
            channel.close()

    def heard(self, run: AgentRun) -> None:
        """Take note of how an agent's run ended.

        Raises:
            ModelUnreachableError: It is one of several in a row that found nobody at the model's server: to
                go on would spend every proposal on nothing.
        """
        with self._guard:
            self._unreachable = self._unreachable + 1 if run.trouble is Trouble.UNREACHABLE else 0
            if self._unreachable >= _MOST_UNREACHABLE:
                count = self._unreachable
                raise ModelUnreachableError(
                    f"{count} proposals in a row found nobody at the model's server: {run.reason}."
                )

    def spend(self) -> str:
        """Calls, tokens and money so far, as words; empty where nothing was asked."""
        if self._gateway is None:
            return ""
        counts = self._gateway.counts()
        tokens = counts.input_tokens + counts.output_tokens
        return f"{counts.calls} calls, {tokens:,} tokens, {shown_cost(counts.cost_usd)}"

    def _opened(self) -> Gateway:
        with self._guard:
            if self._gateway is None:
                config = GatewayConfig(
                    budget=self.budget,
                    log_path=self.run.artifact(CALLS),
                    socket_path=self.run.artifact("logs/gateway.sock"),
                )
                self._gateway = self.stack.enter_context(Gateway(config))
            return self._gateway
