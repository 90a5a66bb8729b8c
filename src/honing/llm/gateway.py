"""The one place every model call goes through: it holds the keys, counts, stops at budgets, records and
replays.

A gateway serves OpenAI chat and responses, Anthropic messages and Gemini on one loopback port and one Unix
socket. Each caller has a `Channel` with a token of its own; what answers a channel is its `Source`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Self

from honing.errors import HoningError, UsageError, boundary
from honing.llm.base import Usage
from honing.llm.budget import Account, Budget, RateWindow
from honing.llm.channel import Channel
from honing.llm.failures import CallFailedError, ErrorKind, as_call_failed
from honing.llm.http import HttpLimits, HttpRequest, HttpResponse, HttpServer
from honing.llm.ledger import CallLedger
from honing.llm.opencall import TAG_HEADER, Books, OpenCall, Price, describe, read_call
from honing.llm.records import CallRecord, Counts
from honing.llm.replying import as_json, caller_gone, refusal, relaying, whole
from honing.llm.routes import Job, Route, find_route, given_token, render_models, render_token_count
from honing.llm.sources import Host, Source
from honing.llm.wires import Wire


def bundled_price(model: str, usage: Usage) -> Decimal | None:
    """What the bundled price table says (`honing.llm.prices`), which is read on first use."""
    from honing.llm.prices import cost

    return cost(model, usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """How one run's gateway serves and what it may spend."""

    budget: Budget = field(default_factory=Budget)
    """For all channels together; a channel may have its own besides."""
    max_connections: int = 16
    """Calls under way to model servers at once; more wait."""
    requests_per_minute: int | None = None
    """Calls to model servers; more wait."""
    tokens_per_minute: int | None = None
    """Tokens to and from model servers, estimated before a call and corrected after it; more wait."""
    log_path: Path | None = None
    """Where the call records go, one JSON line each. An existing file is continued: ordinals, totals and
    budgets go
    on where they stood. None keeps the records in memory."""
    socket_path: Path | None = None
    """A Unix socket to serve as well."""
    sync_interval_s: float = 1.0
    """How often the log and recordings are forced onto the disk."""
    http: HttpLimits = field(default_factory=HttpLimits)
    price: Price = bundled_price
    """Price of a call; the bundled table by default."""


class Gateway:
    """A context manager; every method may be called from any thread.

    Args:
        config: How it serves and what it may spend.
        clock: Unix time, seconds.
        make_token: A new channel's token; unguessable by default.
    """

    def __init__(
        self,
        config: GatewayConfig | None = None,
        *,
        clock: Callable[[], float] = time.time,
        make_token: Callable[[], str] | None = None,
    ) -> None:
        self.config = config or GatewayConfig()
        self._clock = clock
        self._make_token = make_token or (lambda: f"sk-honing-{secrets.token_hex(20)}")
        self._ledger = CallLedger(self.config.log_path)
        self._account = Account(self.config.budget, "the gateway", self._ledger.spent())
        self._channels: dict[str, Channel] = {}
        self._server = HttpServer(self._handle, limits=self.config.http, socket_path=self.config.socket_path)
        self._host = Host(
            workers=self._server.workers,
            slots=asyncio.Semaphore(self.config.max_connections),
            requests=RateWindow(self.config.requests_per_minute),
            tokens=RateWindow(self.config.tokens_per_minute),
        )
        self._server.on_start(self._keep_synced)
        self._server.on_close(self._close_sources)

    def __enter__(self) -> Self:
        """Begin to serve.

        Raises:
            HoningError: The socket cannot be made.
        """
        try:
            with boundary(HoningError, "starting the gateway"):
                self._server.start()
        except HoningError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; calls under way are recorded as `caller_gone`. Safe to repeat."""
        self._server.close()
        self._ledger.close()

    def channel(
        self, name: str, source: Source, *, budget: Budget | None = None, models: Sequence[str] = ("default",)
    ) -> Channel:
        """Open a way in for one caller.

        Args:
            name: Stands in every record. A closed channel's name may be used again; its totals go on.
            source: What answers.
            budget: For this channel alone, besides the gateway's.
            models: What /v1/models lists.

        Raises:
            UsageError: An open channel has this name, or the name is empty.
        """
        taken = any(c.name == name and not c.closed for c in list(self._channels.values()))
        if taken or not name:
            raise UsageError(
                f"a channel needs a name of its own, got {name!r}; close the other one or rename it"
            )
        channel = Channel(
            name=name,
            source=source,
            token=self._make_token(),
            account=Account(budget or Budget(), f"channel {name!r}", self._ledger.spent(name)),
            models=models,
            server=self._server,
            ledger=self._ledger,
        )
        source.open(self._host)
        self._channels[channel.token] = channel
        return channel

    @property
    def base_url(self) -> str:
        return self._server.base_url

    @property
    def socket(self) -> Path | None:
        return self._server.socket

    @property
    def exhausted(self) -> str | None:
        """Which budget, the gateway's or a channel's, has refused a call; None as long as none has."""
        accounts = [self._account, *(channel.account for channel in list(self._channels.values()))]
        return next((account.exhausted for account in accounts if account.exhausted), None)

    def counts(self) -> Counts:
        """Totals of all channels, and of calls without a valid token."""
        return self._ledger.counts()

    def calls(self) -> list[CallRecord]:
        """All calls that have ended, by ordinal."""
        return self._ledger.records()

    async def _handle(self, http: HttpRequest) -> HttpResponse:
        route = find_route(http.method, http.path, http.headers)
        if route.job is Job.HEALTH:
            return as_json(200, {"status": "ok"})
        channel = self._channels.get(given_token(http.headers, http.query))
        blank = self._begin(http, route, channel)
        if channel is None:
            return self._refuse(blank, route, ErrorKind.BAD_TOKEN, "no valid token of this gateway was shown")
        if channel.closed:
            return self._refuse(blank, route, ErrorKind.CLOSED, f"channel {channel.name!r} is closed")
        if route.job is Job.CALL:
            return await self._serve(channel, route.wire, http, blank)
        return self._inform(channel, route, http, blank)

    def _begin(self, http: HttpRequest, route: Route, channel: Channel | None) -> CallRecord:
        is_counted = channel is None or channel.closed or route.job in {Job.CALL, Job.UNKNOWN}
        return CallRecord(
            ordinal=self._ledger.next_ordinal() if is_counted else 0,
            channel="" if channel is None else channel.name,
            wire=route.wire.name,
            model="",
            tag=http.headers.get(TAG_HEADER, ""),
            started=self._clock(),
        )

    def _inform(self, channel: Channel, route: Route, http: HttpRequest, blank: CallRecord) -> HttpResponse:
        """Answer what is no model call: the list of models, a token count, or nothing known."""
        if route.job is Job.COUNT_TOKENS:
            try:
                return as_json(200, render_token_count(route.wire, json.loads(http.body)))
            except (ValueError, RecursionError):
                return as_json(400, route.wire.render_error(400, "the request body is not JSON"))
        if route.job is Job.MODELS:
            found = render_models(route.wire, channel.models, route.model)
            if found is None:
                return as_json(404, route.wire.render_error(404, f"no model {route.model!r} here"))
            return as_json(200, found)
        return self._refuse(blank, route, ErrorKind.NOT_FOUND, f"no endpoint {http.method} {http.path} here")

    def _refuse(self, blank: CallRecord, route: Route, kind: ErrorKind, detail: str) -> HttpResponse:
        return self._turn_down(blank, route.wire, CallFailedError(kind, detail))

    def _turn_down(self, record: CallRecord, wire: Wire, error: CallFailedError) -> HttpResponse:
        """Record a call that is not forwarded, and answer it."""
        self._ledger.add(
            replace(
                record,
                forwarded=False,
                status=error.status,
                error_kind=error.kind.value,
                error=str(error),
                ended=self._clock(),
            )
        )
        return refusal(wire, error)

    async def _serve(
        self, channel: Channel, wire: Wire, http: HttpRequest, blank: CallRecord
    ) -> HttpResponse:
        """One model call: read it, admit it, have it answered, record it, answer it."""
        record = blank
        try:
            call = read_call(http, wire, blank)
            record = describe(blank, call, channel.source)
            opened = OpenCall(call, record, channel.source, self._books(channel))
        except CallFailedError as error:
            return self._turn_down(record, wire, error)
        try:
            answer = await channel.source.answer(call)
            return whole(opened, answer) if answer.relay is None else relaying(opened, answer.relay)
        except asyncio.CancelledError:
            opened.failed(caller_gone())
            raise
        except Exception as error:  # noqa: BLE001 - no call may end without a record, whatever a source does
            failure = as_call_failed(error)
            opened.failed(failure)
            return refusal(wire, failure)

    def _books(self, channel: Channel) -> Books:
        return Books(
            ledger=self._ledger,
            accounts=(channel.account, self._account),
            price=self.config.price,
            clock=self._clock,
        )

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(self.config.sync_interval_s)
            await self._server.workers.run(self._sync)

    def _sync(self) -> None:
        self._ledger.sync()
        for source in self._sources():
            source.sync()

    async def _close_sources(self) -> None:
        for source in self._sources():
            await source.close()

    def _sources(self) -> list[Source]:
        channels = list(self._channels.values())
        return list({id(channel.source): channel.source for channel in channels}.values())
