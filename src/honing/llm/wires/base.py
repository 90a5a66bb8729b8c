"""What a wire is: one provider's shape of request, reply, stream and error, to and from the neutral form.

A wire is pure: it opens no connection and reads no clock. The same object serves all threads. `parse` reads
what a stranger wrote and is strict about everything the answer depends on; fields it does not know are left
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from honing.errors import ModelError
from honing.llm.base import ModelReply, ModelRequest, Sampling


class StreamParser(Protocol):
    """Reads one streamed reply as its bytes arrive.

    `feed` never raises: what went wrong is kept, the rest of the stream is ignored, and `finish` raises it.
    So the bytes can be relayed to a reader while they are parsed.
    """

    @property
    def complete(self) -> bool:
        """Nothing that could follow matters: the terminal event was seen, or the stream is beyond repair.

        Gemini has no terminal event, so there only the end of the bytes tells.
        """
        ...

    def feed(self, data: bytes) -> Sequence[str]:
        """Take the next bytes, cut anywhere, and return the pieces of answer text they finished."""
        ...

    def finish(self) -> ModelReply:
        """The whole reply, the same as the unstreamed one would be.

        Raises:
            CutReplyError: The stream ended before its terminal event. It is a ModelReplyError.
            ModelReplyError: It held malformed JSON or an error event, or assembles to no known answer.
        """
        ...


class Wire(Protocol):
    """One provider's shapes. `parse_x(render_x(value)) == value` for everything the wire can carry."""

    @property
    def name(self) -> str:
        """ "openai_chat", "openai_responses", "anthropic_messages" or "gemini"."""
        ...

    def matches(self, method: str, path: str) -> bool:
        """Whether a request line is a model call of this wire, with or without a prefix such as /v1."""
        ...

    def parse_request(self, path: str, body: Mapping[str, Any]) -> ModelRequest:
        """Read a request.

        What cannot be carried to another wire is listed in `ModelRequest.uncarried`.

        Raises:
            ModelRequestError: A field is missing or has a value that no server of this wire accepts; the text
                names the field.
        """
        ...

    def request_path(self, request: ModelRequest) -> str:
        """Where to send it, below the endpoint's base address; may hold a query."""
        ...

    def render_request(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body. Sampling parameters that are None, or that `sendable` removes, are left out.

        Raises:
            ModelRequestError: A part that is not text, or a response format, has no shape on this wire.
        """
        ...

    def sendable(self, sampling: Sampling) -> Sampling:
        """What `render_request` sends of these sampling parameters, including what this wire insists on."""
        ...

    def sampling_fields(self, name: str) -> Sequence[str]:
        """Names of the body's fields that carry a sampling parameter; empty where this wire has none."""
        ...

    def auth_headers(self, key: str) -> dict[str, str]:
        """The headers that carry the key and the wire's version."""
        ...

    def parse_reply(self, body: Mapping[str, Any]) -> ModelReply:
        """Read a reply that was not streamed.

        Raises:
            ModelReplyError: No answer can be found in the fields this wire promises, or a value is of the
                wrong kind or absurd (negative or impossible usage, an unknown way to finish, an unknown kind
                of content).
        """
        ...

    def render_reply(self, reply: ModelReply, request: ModelRequest) -> dict[str, Any]:
        """The JSON body of an unstreamed reply.

        Ids are digests of request and reply, so equal calls give equal bytes.
        """
        ...

    def render_stream(self, reply: ModelReply, request: ModelRequest) -> Iterator[bytes]:
        """The same reply as server-sent events, one per element, terminal event included."""
        ...

    def stream_parser(self) -> StreamParser:
        """A parser for one streamed reply."""
        ...

    def render_error(self, status: int, message: str) -> dict[str, Any]:
        """The JSON body that this wire's clients expect with an error status."""
        ...

    def render_stream_error(self, status: int, message: str) -> bytes:
        """An event that makes this wire's clients fail a stream that has already begun."""
        ...

    def parse_error(self, status: int, body: bytes, *, secrets: Sequence[str] = ()) -> ModelError:
        """Name a refusal by its status. The server's text is bounded, printable, and holds no key.

        Args:
            status: HTTP status, 300 or more.
            body: What the server sent, of any shape.
            secrets: Keys that must not be repeated, in whole or in part.
        """
        ...
