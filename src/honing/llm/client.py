"""The client: one call to a model server, to a reply or to a typed error, within its time limit."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from honing.errors import (
    ModelError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
    SettingsError,
    boundary,
)
from honing.llm.base import ModelReply, ModelRequest, Sampling
from honing.llm.deadline import Clock, Deadline
from honing.llm.endpoint import Endpoint
from honing.llm.retrying import Backoff, Pace, TryAgainError, asked_wait_s, worth_retrying
from honing.llm.unsupported import refused_sampling, wants_completion_limit
from honing.llm.wires import CutReplyError, redact
from honing.llm.wires.fields import strict_json
from honing.llm.wires.refusals import Refusal, named, read_refusal

if TYPE_CHECKING:
    import ssl

    import httpx2

__all__ = ["TAG_HEADER", "Client", "ClientConfig", "Endpoint"]

_ERROR_BYTES = 64 * 1024
TAG_HEADER = "x-honing-tag"
"""The header that carries a call's tags to the gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """What calls through one client may take.

    Raises:
        SettingsError: A limit is not greater than 0.
    """

    connect_s: float = 10.0
    """Until a connection stands."""
    read_s: float = 120.0
    """The longest silence before a reply begins or between two pieces of it."""
    attempt_s: float = 300.0
    """One attempt, from its request to the end of its reply, however steadily the server trickles."""
    total_s: float = 900.0
    """One call: all attempts and the waits between them."""
    backoff: Backoff = field(default_factory=Backoff)
    """When to try again."""
    max_connections: int = 32
    """Calls under way at once; one more waits."""
    requests_per_minute: float | None = None
    """Attempts are spread evenly below this rate; None where nothing limits it."""
    reply_bytes: int = 32 * 1024 * 1024
    """A longer reply is refused."""
    proxy_url: str | None = None
    """A forward proxy. None: none, whatever the environment says."""

    def __post_init__(self) -> None:
        """Refuse limits under which no call could be made."""
        limits = ("connect_s", "read_s", "attempt_s", "total_s", "max_connections", "reply_bytes")
        for name in (*limits, "requests_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingsError(f"{name} must be greater than 0, got {value}")


class RefusedError(Exception):
    """The server answered a request with an error that another attempt will not cure."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Learned:
    """What a server was found to refuse of one model's requests."""

    dropped: frozenset[str] = frozenset()
    completion_limit: bool = False
    """The limit of tokens goes by its newer name."""

    def of(self, sampling: Sampling) -> Sampling:
        return replace(sampling, **dict.fromkeys(self.dropped))


class Client:
    """Calls one endpoint. Safe to use from several threads; a context manager.

    Args:
        endpoint: Where to and with which key.
        config: Limits.
        clock: Time, for tests that do not want to wait.
        rng: Draws the jitter of the waits.
        tls: Which servers to trust; those the system trusts where None.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: ClientConfig | None = None,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.config = config or ClientConfig()
        self._wire = endpoint.speaks()
        self._clock = clock or Clock()
        self._rng = rng or random.Random()
        self._pace = Pace(self.config.requests_per_minute, self._clock)
        self._tls = tls
        self._learned: dict[str, _Learned] = {}
        self._http: httpx2.Client | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Safe to repeat; a later call opens new ones."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()

    def complete(self, request: ModelRequest, *, tags: Mapping[str, str] | None = None) -> ModelReply:
        """Ask the model once, trying again where that may help.

        A sampling parameter that the server names as unsupported is dropped and the request sent again; the
        reply's `requested` and `sent` show the difference. It stays dropped for that model while this client
        lives.

        Args:
            request: What to ask. A request that streams is read as a stream.
            tags: Labels for the gateway's record of the call.

        Raises:
            ModelAuthenticationError: The key is refused.
            ModelRateLimitError: 429 after every retry.
            ModelServerError: 5xx, or no connection, after every retry.
            ModelTimeoutError: No whole reply within the time limits.
            ModelRequestError: Any other refusal, a redirect included.
            ModelReplyError: The reply is cut, too long, or not what its wire promises.
        """
        try:
            return self._until_answered(request, tags or {})
        except ModelError as error:
            clean = redact(f"{request.model} at {self.endpoint.host}: {error}", self.endpoint.secrets)
            raise type(error)(clean) from None

    def _until_answered(self, request: ModelRequest, tags: Mapping[str, str]) -> ModelReply:
        deadline = Deadline.after(self.config.total_s, self._clock)
        learned = self._learned.get(request.model, _Learned())
        retry = 0
        while True:
            self._await_place(deadline)
            try:
                reply = self._attempt(request, learned, tags, deadline)
            except RefusedError as refused:
                learned = self._lesson(refused.refusal, request, learned)
            except TryAgainError as failed:
                self._wait(failed, retry, deadline)
                retry += 1
            else:
                self._learned[request.model] = learned
                sent = self._wire.sendable(learned.of(request.sampling))
                return replace(reply, requested=request.sampling.as_dict(), sent=sent.as_dict())

    def _await_place(self, deadline: Deadline) -> None:
        wait_s = self._pace.take(deadline.left_s())
        if wait_s is None:
            raise ModelTimeoutError(
                f"no place within the limit of {self.config.total_s:g} s at "
                f"{self.config.requests_per_minute:g} requests a minute; allow more time or use fewer threads"
            )
        if wait_s:
            self._clock.sleep(wait_s)

    def _wait(self, failed: TryAgainError, retry: int, deadline: Deadline) -> None:
        """Wait before another attempt, or raise the failure where there is none left."""
        if retry >= self.config.backoff.retries:
            raise failed.error
        wait_s = self.config.backoff.wait_s(retry, self._rng, failed.asked_s)
        if wait_s >= deadline.left_s():
            raise type(failed.error)(
                f"{failed.error}; another attempt in {wait_s:.1f} s would pass the limit of "
                f"{self.config.total_s:g} s for a call"
            )
        self._clock.sleep(wait_s)

    def _lesson(self, refusal: Refusal, request: ModelRequest, learned: _Learned) -> _Learned:
        """What to leave out after a refusal; raises where it names nothing that could be."""
        limited = self._wire.name == "openai_chat" and request.sampling.max_tokens is not None
        if limited and not learned.completion_limit and wants_completion_limit(refusal):
            return replace(learned, completion_limit=True)
        name = refused_sampling(refusal, self._wire, learned.of(request.sampling))
        if name is None:
            raise named(refusal)
        return replace(learned, dropped=learned.dropped | {name})

    def _attempt(
        self, request: ModelRequest, learned: _Learned, tags: Mapping[str, str], deadline: Deadline
    ) -> ModelReply:
        import httpcore2
        import httpx2

        begun = False
        try:
            with self._open(request, learned, tags, deadline) as response:
                begun = True
                return self._read(response, request)
        except httpcore2.TimeoutException as error:
            late = f"no {'whole reply' if begun else 'reply'} in time ({error or type(error).__name__})"
            raise TryAgainError(ModelTimeoutError(late)) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            raise self._broken(error, begun=begun) from error
        except httpx2.DecodingError as error:
            raise ModelReplyError(f"the reply's compression is damaged: {error}") from error

    @staticmethod
    def _broken(error: Exception, *, begun: bool) -> Exception:
        text = str(error) or type(error).__name__
        if begun:
            return TryAgainError(ModelReplyError(f"the reply was cut: {text}"))
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return ModelServerError(
                f"the server's certificate is not trusted here ({text}); "
                "SSL_CERT_FILE names the file of trusted authorities"
            )
        return TryAgainError(ModelServerError(f"the server cannot be reached: {text}"))

    def _open(
        self, request: ModelRequest, learned: _Learned, tags: Mapping[str, str], deadline: Deadline
    ) -> Any:
        """One request under way, as a context manager that gives the response with its body unread."""
        import httpx2

        from honing.llm.transport import EXTENSION

        body = self._wire.render_request(replace(request, sampling=learned.of(request.sampling)))
        if learned.completion_limit and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        limit = deadline.within(self.config.attempt_s)
        return self._connected().stream(
            "POST",
            self.endpoint.url(self._wire.request_path(request)),
            content=json.dumps(body).encode(),
            headers=self._headers(request, tags),
            timeout=httpx2.Timeout(
                connect=self.config.connect_s,
                read=self.config.read_s,
                write=self.config.read_s,
                pool=max(0.0, limit.left_s()),
            ),
            extensions={EXTENSION: limit},
        )

    def _headers(self, request: ModelRequest, tags: Mapping[str, str]) -> dict[str, str]:
        auth = self._wire.auth_headers(self.endpoint.key)
        found = {
            "content-type": "application/json",
            "accept": "text/event-stream" if request.stream else "application/json",
            # A compressed stream arrives in lumps, and a small one can unfold to more than memory holds.
            "accept-encoding": "identity",
            **{name: value for name, value in auth.items() if self.endpoint.key or "version" in name},
            **self.endpoint.headers,
        }
        return {**found, TAG_HEADER: json.dumps(dict(tags))} if tags else found

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._http is None:
                self._http = _http_client(self.endpoint, self.config, self._tls)
            return self._http

    def _read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:
        if response.status_code >= 300:
            raise self._refused(response)
        kind = response.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
        wanted = "text/event-stream" if request.stream else "json"
        if wanted not in kind:
            raise ModelReplyError(f"expected a reply of type {wanted}, found {kind}; is this a model server?")
        chunks = self._bounded(response)
        return self._read_stream(chunks) if request.stream else self._read_whole(chunks)

    def _read_whole(self, chunks: Iterator[bytes]) -> ModelReply:
        body = b"".join(chunks)
        try:
            value = strict_json(body)
        except ValueError as error:
            raise ModelReplyError(f"the reply of {len(body)} bytes is malformed JSON: {error}") from error
        if not isinstance(value, Mapping):
            raise ModelReplyError(f"expected the reply to be a JSON object, found {type(value).__name__}")
        with boundary(ModelReplyError, "reading the reply"):
            return self._wire.parse_reply(value)

    def _read_stream(self, chunks: Iterator[bytes]) -> ModelReply:
        parser = self._wire.stream_parser()
        for chunk in chunks:
            with boundary(ModelReplyError, "reading the streamed reply"):
                parser.feed(chunk)
            if parser.complete:
                break
        try:
            with boundary(ModelReplyError, "reading the streamed reply"):
                return parser.finish()
        except CutReplyError as error:
            raise TryAgainError(ModelReplyError(str(error))) from error

    def _bounded(self, response: httpx2.Response) -> Iterator[bytes]:
        taken = 0
        for chunk in response.iter_bytes():
            taken += len(chunk)
            if taken > self.config.reply_bytes:
                raise ModelReplyError(
                    f"the reply is longer than the limit of {self.config.reply_bytes} bytes"
                )
            yield chunk

    def _refused(self, response: httpx2.Response) -> Exception:
        if response.status_code < 400:
            place = response.headers.get("location", "nowhere")
            return ModelRequestError(
                f"the server redirects to {place[:200]} (HTTP {response.status_code}). Keys follow no "
                "redirect: name the server that answers itself as the base address"
            )
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _ERROR_BYTES:
                break
        refusal = read_refusal(response.status_code, body, secrets=self.endpoint.secrets)
        if worth_retrying(refusal.status, refusal.code, response.headers):
            return TryAgainError(named(refusal), asked_wait_s(response.headers, self._clock.unix))
        return RefusedError(refusal)


def _http_client(endpoint: Endpoint, config: ClientConfig, tls: ssl.SSLContext | None) -> httpx2.Client:
    import httpx2

    from honing.llm.transport import DeadlineTransport

    if tls is None and endpoint.base_url.startswith("https:"):
        tls = httpx2.create_ssl_context()
    transport = DeadlineTransport(
        max_connections=config.max_connections,
        tls=tls,
        proxy_url=config.proxy_url,
    )
    # Without trust_env: a proxy or a .netrc of the surroundings must not decide where a key travels.
    return httpx2.Client(transport=transport, trust_env=False, headers={"user-agent": "honing"})
