"""The source that asks a live model server.

A call in the server's own wire goes on as it came, fields we do not know included, and its reply comes back
byte for byte, a stream while it arrives. A call in another wire is carried over through the neutral form. The
key is added here and nowhere else, and taken out of everything that comes back.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from honing.errors import ModelReplyError
from honing.llm.base import ModelReply, ModelRequest
from honing.llm.client import ClientConfig
from honing.llm.endpoint import Endpoint
from honing.llm.exchange import Exchange, ExchangeLimits, Incoming
from honing.llm.failures import CallFailedError, ErrorKind, as_call_failed
from honing.llm.outgoing import Lessons, Outgoing, estimated_tokens, outgoing
from honing.llm.relay import StreamRelay
from honing.llm.retrying import asked_wait_s, worth_retrying
from honing.llm.sources import Answer, Call, Host, Quiet
from honing.llm.wires import redact
from honing.llm.wires.fields import strict_json
from honing.llm.wires.refusals import Refusal, named, read_refusal

_RETRIED_KINDS = frozenset({ErrorKind.UNREACHABLE, ErrorKind.TRUNCATED, ErrorKind.TIMEOUT})
_REFUSAL_BYTES = 64 * 1024
_SHORTEST_SECRET = 16
"""A header's value shorter than this is no key, and taking it out of replies could damage them."""


class _RefusedError(CallFailedError):
    """The server answered with an error status."""

    def __init__(self, refusal: Refusal, headers: Mapping[str, str]) -> None:
        known = as_call_failed(named(refusal))
        asked_s = asked_wait_s(headers, time.time)
        super().__init__(known.kind, str(known), status=refusal.status, retry_after_s=asked_s)
        self.refusal = refusal
        self.may_pass = worth_retrying(refusal.status, refusal.code, headers)
        """Whether another attempt may help."""


class Upstream(Quiet):
    """Asks the server at `endpoint`.

    Args:
        endpoint: Address, key and wire.
        config: Time limits, retries and proxy. Its limits on rate and connections are not used: the gateway
            has its own for all sources together.
        model: Asked for instead of whatever model the caller names; None leaves the caller's.
        tls: Verifies the server; the system's trusted authorities by default.
        rng: Draws the waits between attempts.
    """

    live = True

    def __init__(
        self,
        endpoint: Endpoint,
        config: ClientConfig | None = None,
        *,
        model: str | None = None,
        tls: ssl.SSLContext | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = f"upstream:{endpoint.host}"
        self._endpoint = endpoint
        self._config = config or ClientConfig()
        self._model = model
        self._rng = rng or random.Random()
        self._secrets = tuple(
            value for value in endpoint.secrets if value == endpoint.key or len(value) >= _SHORTEST_SECRET
        )
        self._lessons: dict[str, Lessons] = {}
        self._host: Host | None = None
        limits = ExchangeLimits(
            connect_s=self._config.connect_s,
            read_s=self._config.read_s,
            total_s=self._config.attempt_s,
            reply_bytes=self._config.reply_bytes,
        )
        self._exchange = Exchange(limits, tls=tls, proxy_url=self._config.proxy_url)

    def open(self, host: Host) -> None:
        self._host = host

    def billed_model(self, request: ModelRequest) -> str:
        return self._model or request.model

    async def close(self) -> None:
        await self._exchange.close()

    async def answer(self, call: Call) -> Answer:
        assert self._host is not None, "a source is opened before it is asked"
        with ExitStack() as held:
            await self._host.slots.acquire()
            held.callback(self._host.slots.release)
            await self._host.tokens.take(estimated_tokens(call.request))
            sent, incoming, body = await self._ask(call)
            if body is not None:
                return self._whole(call, sent, body)
            held.callback(incoming.close)
            parser = self._endpoint.speaks().stream_parser()
            relay = StreamRelay(incoming, parser, self._secrets, sent)
            if not self._passes_on(call, stream=True):
                return Answer(reply=await relay.take_in())
            # Until the first event is in, a failure can still be answered with a status. After it the relay
            # holds the connection and the slot.
            await relay.begin()
            relay.hold(held.pop_all())
            return Answer(relay=relay)

    def settled(self, call: Call, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        assert self._host is not None
        used = (reply.usage.input_tokens or 0) + (reply.usage.output_tokens or 0)
        if used:
            self._host.tokens.correct(used - estimated_tokens(call.request))

    def _whole(self, call: Call, sent: Outgoing, body: bytes) -> Answer:
        """Read an unstreamed reply. A caller that wanted a stream gets it rendered."""
        for secret in self._secrets:
            body = body.replace(secret.encode(), b"[key removed]")
        try:
            reply = self._endpoint.speaks().parse_reply(_object(body))
        except ModelReplyError as error:
            raise CallFailedError(ErrorKind.REPLY, redact(str(error), self._secrets)) from error
        raw = body if self._passes_on(call, stream=False) else b""
        return Answer(reply=sent.dressed(reply), raw=raw)

    async def _ask(self, call: Call) -> tuple[Outgoing, Incoming, bytes | None]:
        """Send the call, without what the server turns out to refuse. The body is None for a stream."""
        model = self.billed_model(call.request)
        lessons = self._lessons.get(model, Lessons())
        while True:
            request = outgoing(call, self._endpoint, model, lessons)
            try:
                incoming, body = await self._until_answered(request)
            except _RefusedError as refused:
                learned = lessons.after(refused.refusal, self._endpoint.speaks(), request.sampling)
                if learned is None:
                    raise
                lessons = learned
            else:
                self._lessons[model] = lessons
                return request, incoming, body

    async def _until_answered(self, request: Outgoing) -> tuple[Incoming, bytes | None]:
        """Try until there is a reply, or a failure that no attempt will cure or no attempt is left for."""
        assert self._host is not None
        deadline = time.monotonic() + self._config.total_s
        retry = 0
        while True:
            await self._host.requests.take()
            try:
                return await self._attempt(request)
            except CallFailedError as error:
                failure = error
            wait_s = self._config.backoff.wait_s(retry, self._rng, failure.retry_after_s)
            retry += 1
            late = time.monotonic() + wait_s > deadline
            if not _may_pass(failure) or late or retry > self._config.backoff.retries:
                # What was retried here must not be retried again by every caller: attempts would multiply.
                failure.final = not _may_pass(failure) or self._config.backoff.retries > 0
                raise failure
            await asyncio.sleep(wait_s)

    async def _attempt(self, request: Outgoing) -> tuple[Incoming, bytes | None]:
        """Send once. The reply's body is read here unless it is a stream."""
        incoming = await self._exchange.send("POST", request.url, request.headers, request.body)
        with ExitStack() as held:
            held.callback(incoming.close)
            if not 200 <= incoming.status < 300:
                raise await self._refused(incoming)
            kind = incoming.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                held.pop_all()
                return incoming, None
            if "json" not in kind:
                raise CallFailedError(
                    ErrorKind.REPLY,
                    f"expected a reply of type json or text/event-stream, found {kind}; "
                    f"is {self._endpoint.host} a model server?",
                )
            return incoming, await incoming.read()

    async def _refused(self, incoming: Incoming) -> Exception:
        """Name a status other than 2xx."""
        status, headers = incoming.status, incoming.headers
        if 300 <= status < 400:
            return CallFailedError(
                ErrorKind.REDIRECT,
                f"{self._endpoint.host} redirects (HTTP {status}). Keys follow no redirect: name the server "
                "that answers itself as the base address",
            )
        body = await incoming.read()
        return _RefusedError(read_refusal(status, body[:_REFUSAL_BYTES], secrets=self._secrets), headers)

    def _passes_on(self, call: Call, *, stream: bool) -> bool:
        """Whether the server's own bytes are what the caller reads."""
        return call.wire.name == self._endpoint.wire and call.request.stream == stream


def _may_pass(failure: CallFailedError) -> bool:
    return failure.may_pass if isinstance(failure, _RefusedError) else failure.kind in _RETRIED_KINDS


def _object(body: bytes) -> Mapping[str, Any]:
    """The reply's JSON object.

    Raises:
        ModelReplyError: It is none.
    """
    try:
        found = strict_json(body)
    except ValueError as error:
        raise ModelReplyError(f"the reply of {len(body)} bytes is malformed JSON: {error}") from None
    if not isinstance(found, Mapping):
        raise ModelReplyError(f"expected the reply to be a JSON object, found {type(found).__name__}")
    return found
