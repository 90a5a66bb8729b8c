"""One model call between its arrival and its record: read, admitted, charged, written down exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from honing.errors import ModelRequestError, StoreError
from honing.llm.base import ModelReply, Usage
from honing.llm.budget import Account
from honing.llm.canonical import estimate_tokens, message_dict, prompt_text
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.http import HttpRequest
from honing.llm.ledger import CallLedger
from honing.llm.records import CallRecord
from honing.llm.sources import Call, Source
from honing.llm.wires import Wire

TAG_HEADER = "x-honing-tag"
Price = Callable[[str, Usage], Decimal | None]
"""What a model's tokens cost in US dollars; None where its price, or the number of tokens, is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where calls are charged and written down."""

    ledger: CallLedger
    accounts: tuple[Account, ...]
    """The channel's and the gateway's."""
    price: Price
    clock: Callable[[], float]
    """Unix time, seconds."""


def read_call(http: HttpRequest, wire: Wire, blank: CallRecord) -> Call:
    """Read a caller's request.

    Args:
        http: The request.
        wire: Its wire.
        blank: The record begun for it: ordinal, channel, time and tag.

    Raises:
        CallFailedError: Of kind `bad_request`; the text says what is wrong with the body.
    """
    if http.headers.get("content-encoding", "identity") != "identity":
        raise CallFailedError(
            ErrorKind.BAD_REQUEST, "a request body must not be compressed: leave content-encoding away"
        )
    try:
        body = json.loads(http.body)
    except (ValueError, RecursionError) as error:
        raise CallFailedError(ErrorKind.BAD_REQUEST, f"the request body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise CallFailedError(ErrorKind.BAD_REQUEST, "the request body must be a JSON object")
    try:
        request = wire.parse_request(http.path, body)
    except ModelRequestError as error:
        raise CallFailedError(ErrorKind.BAD_REQUEST, str(error)) from error
    return Call(
        ordinal=blank.ordinal,
        channel=blank.channel,
        wire=wire,
        query=http.query,
        headers=http.headers,
        body=body,
        raw_body=http.body,
        request=request,
        tag=blank.tag,
        started=blank.started,
    )


def describe(blank: CallRecord, call: Call, source: Source) -> CallRecord:
    """The record of a call that has been read, its ending still open."""
    request = call.request
    return replace(
        blank,
        model=request.model,
        source=source.name,
        prompt=prompt_text(request),
        messages=[message_dict(message) for message in request.messages],
        requested=request.sampling.as_dict(),
        stream=request.stream,
    )


class OpenCall:
    """A call that was admitted. The first of `succeeded` and `failed` writes its record; later ones do
    nothing.

    Raises:
        CallFailedError: Of kind `budget`: it is not admitted.
    """

    def __init__(self, call: Call, record: CallRecord, source: Source, books: Books) -> None:
        self.call = call
        self.source = source
        self.open = True
        self._record = record
        self._books = books
        self._billed = source.billed_model(call.request)
        known = (
            not source.live or books.price(self._billed, Usage(input_tokens=1, output_tokens=1)) is not None
        )
        for account in books.accounts:
            account.check(price_known=known, model=self._billed)
        for account in books.accounts:
            account.admit()

    def succeeded(self, reply: ModelReply, raw: bytes = b"", *, streamed: bool = False) -> None:
        """The caller gets this reply, or these bytes of the server where there are any.

        Raises:
            CallFailedError: The source could not keep the reply; the call has failed.
        """
        if not self.open:
            return
        try:
            self.source.settled(self.call, reply, raw, streamed=streamed)
        except StoreError as error:
            failure = CallFailedError(ErrorKind.RECORDING, str(error))
            self.failed(failure)
            raise failure from error
        counted = reply.usage.input_tokens is not None and reply.usage.output_tokens is not None
        self._end(
            reply.usage if counted else self._estimate(reply.text),
            text=reply.text,
            tool_calls=[_call_dict(call) for call in reply.tool_calls],
            finish=reply.finish.value,
            reply_model=reply.model,
            usage=reply.usage,
            usage_estimated=not counted,
            cost_usd=self._cost(reply.usage),
            requested=reply.requested or self._record.requested,
            sent=reply.sent or self._record.requested,
        )

    def failed(self, error: CallFailedError, *, relayed: bytes = b"") -> None:
        """The caller gets an error; what of the answer had been `relayed` before is charged by an
        estimate."""
        if not self.open:
            return
        self._end(
            self._estimate(relayed.decode("utf-8", "replace")) if relayed else Usage(),
            status=error.status,
            error_kind=error.kind.value,
            error=str(error),
            usage_estimated=bool(relayed),
        )

    def _end(self, charged: Usage, **ending: Any) -> None:
        self.open = False
        tokens = (charged.input_tokens or 0) + (charged.output_tokens or 0)
        usd = self._cost(charged) or Decimal(0)
        for account in self._books.accounts:
            account.settle(tokens=tokens, cost_usd=usd)
        record = replace(
            self._record, **ending, charged_tokens=tokens, charged_usd=usd, ended=self._books.clock()
        )
        self._books.ledger.add(record)

    def _cost(self, usage: Usage) -> Decimal | None:
        return self._books.price(self._billed, usage) if self.source.live else Decimal(0)

    def _estimate(self, said: str) -> Usage:
        return Usage(input_tokens=estimate_tokens(self._record.prompt), output_tokens=estimate_tokens(said))


def _call_dict(call: Any) -> Mapping[str, str]:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}
