"""What is kept of every call through the gateway, and the totals over many."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from honing.llm.base import Usage

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call, answered or refused."""

    ordinal: int
    """Position in the gateway's log, from 1, in the order of arrival."""
    channel: str
    """The channel's name; "" where the caller showed no valid token."""
    wire: str
    """The caller's wire."""
    model: str
    """The model the caller asked for."""
    source: str = ""
    """What answered: the name of the channel's source."""
    prompt: str = ""
    """The conversation as plain text, the same for every wire (`canonical.prompt_text`)."""
    messages: Sequence[Mapping[str, Any]] = ()
    """The conversation turn by turn: role, text, and where given tool_calls, tool_call_id, parts."""
    text: str = ""
    """What the model answered; "" for a failed call."""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """Calls the model asked for: id, name, arguments."""
    finish: str = ""
    reply_model: str = ""
    """The name the server gave the model."""
    usage: Usage = field(default_factory=Usage)
    usage_estimated: bool = False
    """The server did not count, so budgets were charged by an estimate; `usage` holds what it said."""
    cost_usd: Decimal | None = None
    """None means unknown, never free."""
    forwarded: bool = True
    """Whether the call reached its channel's source."""
    charged_tokens: int = 0
    """What the call took of the token budgets."""
    charged_usd: Decimal = Decimal(0)
    """What the call took of the money budgets."""
    requested: Mapping[str, Any] = field(default_factory=dict)
    """Sampling parameters the caller set."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """Sampling parameters that went on to the server."""
    stream: bool = False
    status: int = 200
    """HTTP status the caller was answered with; for a stream that broke after its start, the status of the
    failure, which the caller saw as an error event and a connection that ended early."""
    error_kind: str = ""
    """An `ErrorKind`, or "" for a call that succeeded."""
    error: str = ""
    """One sentence where it failed."""
    started: float = 0.0
    """Unix time, seconds."""
    ended: float = 0.0
    tag: str = ""
    """What the caller wrote into the header `x-honing-tag`."""

    @property
    def ok(self) -> bool:
        return not self.error_kind

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the log, with its schema number."""
        # By hand: dataclasses.asdict copies every message, which took a fifth of a call's time.
        found = {name: getattr(self, name) for name in self.__slots__}
        found["usage"] = _usage_dict(self.usage)
        found["cost_usd"] = None if self.cost_usd is None else str(self.cost_usd)
        found["charged_usd"] = str(self.charged_usd)
        return {"schema": SCHEMA, **found}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> CallRecord:
        """The record that `as_dict` wrote."""
        values = {name: value for name, value in found.items() if name in cls.__slots__}
        values["usage"] = Usage(**found["usage"])
        cost = found["cost_usd"]
        values["cost_usd"] = None if cost is None else Decimal(cost)
        values["charged_usd"] = Decimal(found["charged_usd"])
        return cls(**values)


def _usage_dict(usage: Usage) -> dict[str, int]:
    counted = {name: getattr(usage, name) for name in usage.__slots__}
    return {name: tokens for name, tokens in counted.items() if tokens is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls took of budgets."""

    calls: int = 0
    """Those that reached a source."""
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Totals over calls."""

    calls: int = 0
    """All of them, refused ones included."""
    ok: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    """Failed calls by `ErrorKind`."""
    failed_last: int = 0
    """How many failed since the last one that did not."""
    input_tokens: int = 0
    """As far as servers counted."""
    output_tokens: int = 0
    uncounted: int = 0
    """Successful calls whose server did not count tokens: they are missing from the two sums."""
    cost_usd: Decimal | None = Decimal(0)
    """None as soon as the cost of one successful call is unknown."""
    wall_s: float = 0.0
    """Sum of the calls' durations."""


class Tally:
    """Adds up records as they come. Safe to read from other threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent = Spent()
        self._calls = self._ok = self._failed_last = self._input = self._output = self._uncounted = 0
        self._failed: Counter[str] = Counter()
        self._cost: Decimal | None = Decimal(0)
        self._wall_s = 0.0

    def add(self, record: CallRecord) -> None:
        with self._lock:
            self._add(record)

    def counts(self) -> Counts:
        with self._lock:
            return self._counts()

    @property
    def spent(self) -> Spent:
        return self._spent

    def _add(self, record: CallRecord) -> None:
        self._spent = Spent(
            calls=self._spent.calls + record.forwarded,
            tokens=self._spent.tokens + record.charged_tokens,
            cost_usd=self._spent.cost_usd + record.charged_usd,
        )
        self._calls += 1
        self._wall_s += record.ended - record.started
        self._input += record.usage.input_tokens or 0
        self._output += record.usage.output_tokens or 0
        if not record.ok:
            self._failed[record.error_kind] += 1
            self._failed_last += 1
            return
        self._ok += 1
        self._failed_last = 0
        self._uncounted += record.usage_estimated
        known = self._cost is not None and record.cost_usd is not None
        self._cost = self._cost + record.cost_usd if known else None  # type: ignore[operator]

    def _counts(self) -> Counts:
        return Counts(
            calls=self._calls,
            ok=self._ok,
            failed=dict(sorted(self._failed.items())),
            failed_last=self._failed_last,
            input_tokens=self._input,
            output_tokens=self._output,
            uncounted=self._uncounted,
            cost_usd=self._cost,
            wall_s=self._wall_s,
        )
