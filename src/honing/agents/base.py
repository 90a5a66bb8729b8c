"""What a coding agent is: a task in a folder, and how its run ended.

An agent runs in our sandbox, in a folder that the caller made for it; its model calls go through a channel of
the gateway, so that calls, tokens and money are counted the same way for every agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from honing.llm import Channel
from honing.sandbox import Cancel, Capability, Limits, Mount, Sandbox


class AgentOutcome(StrEnum):
    """How an agent's run ended. Exactly one holds; none of them says whether anything changed."""

    FINISHED = "finished"
    """It ended by itself and had no complaint."""
    REFUSED = "refused"
    """It ended by itself, and was not permitted to do what it wanted to do."""
    TIMEOUT = "timeout"
    """At its time limit; its whole process tree was killed."""
    CRASH = "crash"
    """It could not be launched, authenticate or find its model, or it broke."""
    EXHAUSTED = "exhausted"
    """A budget of the gateway was spent."""
    STOPPED = "stopped"
    """The caller asked it to stop."""
    INFRA_ERROR = "infra_error"
    """The model's server or our gateway failed, which says nothing about the agent."""


class Trouble(StrEnum):
    """What kept an agent from its work."""

    NONE = ""
    PROGRAM = "program"
    """The program is not installed, or does not start."""
    VERSION = "version"
    """The program does not say which version it is, or does not know our options."""
    AUTHENTICATION = "authentication"
    """The model's server refused the key, or no key is set."""
    MODEL = "model"
    """No such model, or none named."""
    PERMISSION = "permission"
    """A tool was denied, or a folder could not be written."""
    RATE_LIMIT = "rate_limit"
    SERVER = "server"
    """The model's server failed."""
    UNREACHABLE = "unreachable"
    BUDGET = "budget"
    LIMIT = "limit"
    """Memory or disk."""
    TIME = "time"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """One thing to be done by an agent."""

    workspace: Path
    """The folder it may change, and the one it starts in. Made for it: never a user's own."""
    brief: str
    """What is to be done."""
    home: Path
    """A folder for its settings and caches, made for this run and gone when it ends."""
    sandbox: Sandbox
    model: str = ""
    """The model's name, as the agent names it to the gateway."""
    channel: Channel | None = None
    """Its way to the model; None for an agent that asks none."""
    limits: Limits = field(default_factory=Limits)
    """`wall_s` is the time limit of the whole run."""
    mounts: Sequence[Mount] = ()
    """Further folders that it may read."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond its own; PATH is replaced where it is among them."""
    slot: int = 0
    """Which proposal of a search this is, from 1; 0 where there is none. For agents that play a script."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """Something an agent said it did. A summary for people, never evidence."""

    kind: str
    """`tool`, `message` or `note`."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUsage:
    """Its model calls, as the gateway counted them."""

    calls: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None as soon as the cost of one call is unknown."""

    def as_document(self) -> dict[str, int | float | None]:
        """As plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """How an agent's run ended."""

    agent: str
    outcome: AgentOutcome
    trouble: Trouble = Trouble.NONE
    reason: str = ""
    """One sentence where the outcome is not `finished`."""
    version: str = ""
    """What its program says its version is; empty where it has none."""
    message: str = ""
    """The last thing it said."""
    events: tuple[AgentEvent, ...] = ()
    usage: AgentUsage = AgentUsage()
    exit_code: int | None = None
    stdout: str = ""
    """The end of what it printed."""
    stderr: str = ""
    duration_s: float = 0.0
    sandbox: str = ""
    """What contained it."""
    capabilities: frozenset[Capability] = frozenset()
    """The protections that held."""

    @property
    def ok(self) -> bool:
        return self.outcome is AgentOutcome.FINISHED

    def as_document(self) -> dict[str, Any]:
        """For evidence: everything, in plain data."""
        return {
            "agent": self.agent,
            "version": self.version,
            "outcome": self.outcome.value,
            "trouble": self.trouble.value,
            "reason": self.reason,
            "message": self.message,
            "events": [{"kind": event.kind, "text": event.text} for event in self.events],
            "usage": self.usage.as_document(),
            "exit_code": self.exit_code,
            "stdout": self.stdout,
            "stderr": self.stderr,
            "duration_s": round(self.duration_s, 4),
            "sandbox": self.sandbox,
            "capabilities": sorted(self.capabilities),
        }


class Agent(Protocol):
    """Changes files in a folder to do what a brief says.

    `run` returns for everything the agent does, however it ends; it raises `SandboxError` or
    `MissingToolError` only where the sandbox itself failed or lacks a protection (ours).

    An agent may have `reads_brief = False`: its tasks then come without a brief and without history, which
    cost more to make than many a deterministic agent to run.
    """

    @property
    def name(self) -> str: ...

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun: ...
