"""A line to a chat model: through the gateway, counted, with what it refuses remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from honing.errors import (
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from honing.llm import (
    Backoff,
    Channel,
    Client,
    ClientConfig,
    Endpoint,
    Gateway,
    GatewayConfig,
    ModelReply,
    ModelRequest,
    Upstream,
    cost,
    resolve,
)
from honing.store import Run

_CALL_LIMIT_S = 3600.0
"""The gateway keeps the time limits of calls; this one only ends what hangs without it."""
_CONNECTIONS = 64
_FAILURES_IN_A_ROW = 5
"""Calls that found no working server, one after the other, each with all its retries."""
_FORMAT_WORDS = ("response_format", "json_schema", "output_config", "responseJsonSchema", "text.format")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a line deals with a server that fails."""

    upstream: ClientConfig | None = None
    """Time limits and retries of one call; those of the client where None."""
    failures_in_a_row: int = _FAILURES_IN_A_ROW


class Line:
    """Asks one model. Safe to use from several threads.

    Args:
        name: The model as the user named it.
        model: The model as its server knows it.
        channel: Of the gateway.
        client: Speaks to the channel.
        limit: Failures in a row after which nobody is asked any more.
        server: Address of who answers: a model of the same name elsewhere may be another one.
    """

    def __init__(
        self, name: str, model: str, channel: Channel, client: Client, limit: int, *, server: str = ""
    ) -> None:
        self.name = name
        self.server = server
        self.model = model
        self._channel = channel
        self._client = client
        self._limit = limit
        self._lock = threading.Lock()
        self._failures = 0
        self._dead: ModelError | None = None
        self._takes_format = True
        self._refused: tuple[str, ...] | None = None

    def ask(self, request: ModelRequest, tag: str) -> ModelReply:
        """One reply. A server that refuses the shape asked for is asked without it, from then on.

        Args:
            request: Its model is this line's, whatever it says.
            tag: Labels the call in the gateway's log.

        Raises:
            ModelRequestError: The server rejects this request.
            ModelAuthenticationError: It refuses the key; nobody is asked after that.
            ModelUnreachableError: It failed several times in a row; nobody is asked after that.
            ModelError: It failed this time, or what it sent is no reply of its wire.
        """
        if self._dead is not None:
            raise self._dead
        request = replace(request, model=self.model)
        try:
            reply = self._formed(request, tag)
        except (ModelServerError, ModelTimeoutError, ModelRateLimitError) as error:
            self._count_failure(error)
            raise
        except ModelAuthenticationError as error:
            self._dead = error
            raise
        with self._lock:
            self._failures = 0
        return reply

    def _formed(self, request: ModelRequest, tag: str) -> ModelReply:
        if not self._takes_format:
            request = replace(request, response_format=None)
        try:
            return self._client.complete(request, tags={"snapshot": tag})
        except ModelRequestError as error:
            named = any(word in str(error) for word in _FORMAT_WORDS)
            if request.response_format is None or not named:
                raise
            self._takes_format = False
            return self._client.complete(replace(request, response_format=None), tags={"snapshot": tag})

    def _count_failure(self, error: ModelError) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._dead = ModelUnreachableError(
                    f"{self.name}: {self._failures} calls in a row failed, the last with: {error}. What was "
                    "answered is kept; the same command goes on once the server works."
                )
                raise self._dead from error

    def words_of(self, error: Exception) -> str:
        """What the model's server said, without the gateway's own address, which is another one each time."""
        return str(error).removeprefix(f"{self.model} at {self._client.endpoint.host}: ")

    def raise_if_dead(self, error: Exception) -> None:
        """Say why nobody is asked any more, if that is so.

        Args:
            error: What it led to.
        """
        if self._dead is not None:
            raise self._dead from error

    def cost(self, reply: ModelReply) -> Decimal | None:
        """US dollars of a reply; None where the price or the count is not known."""
        return cost(self.model, reply.usage)

    def refused(self) -> tuple[str, ...]:
        """What this model's server did not take of what was asked: sampling parameters, `response_format`."""
        with self._lock:
            if self._refused is None:
                self._refused = self._look_up_refused()
            return self._refused or ()

    def _look_up_refused(self) -> tuple[str, ...] | None:
        # Whatever a server refuses it refuses before its first answer, so the log is read once only.
        last = next((call for call in reversed(self._channel.calls()) if call.ok), None)
        if last is None:
            return None
        dropped = set(last.requested) - set(last.sent)
        return tuple(sorted(dropped | (set() if self._takes_format else {"response_format"})))


@contextmanager
def open_lines(
    run: Run,
    models: Sequence[str],
    endpoints: Mapping[str, str],
    *,
    label: str,
    patience: Patience | None = None,
) -> Iterator[list[Line]]:
    """A line to each model, through one gateway whose log lies in the run's `logs`.

    Args:
        run: Of the study.
        models: As the user named them.
        endpoints: Addresses and keys by their usual variable names.
        label: Of the log.
        patience: With servers that fail.

    Raises:
        ModelAuthenticationError: A model's key is not set.
    """
    patience = patience or Patience()
    found = [(name, resolve(name, endpoints)) for name in models]
    config = GatewayConfig(log_path=run.artifact(f"logs/{label}_calls.jsonl"))
    with ExitStack() as held:
        gateway = held.enter_context(Gateway(config))
        lines = []
        for name, resolved in found:
            source = Upstream(resolved.endpoint, patience.upstream, model=resolved.model)
            channel = gateway.channel(f"{label}:{name}", source, models=(resolved.model,))
            client = held.enter_context(_client(channel))
            server, limit = resolved.endpoint.base_url, patience.failures_in_a_row
            lines.append(Line(name, resolved.model, channel, client, limit, server=server))
        yield lines


def _client(channel: Channel) -> Client:
    # Retries and waits are the gateway's: a second layer would multiply them.
    config = ClientConfig(
        read_s=_CALL_LIMIT_S,
        attempt_s=_CALL_LIMIT_S,
        total_s=_CALL_LIMIT_S,
        backoff=Backoff(retries=0),
        max_connections=_CONNECTIONS,
    )
    endpoint = Endpoint(base_url=f"{channel.base_url}/v1", key=channel.token, wire="openai_chat")
    return Client(endpoint, config)
