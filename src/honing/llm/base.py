"""The neutral form of a model call, which every wire maps to and from.

A *wire* is one provider's request and reply shape (OpenAI chat, OpenAI responses, Anthropic messages,
Gemini). The client, the gateway and the scripted model all speak through the same four wires, so a shape is
written down once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Finish(StrEnum):
    """Why a reply ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asks for. `arguments` is JSON text as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, text only in `text`; parts that are not text are kept in `parts` as given.

    Text given in several parts is joined by a line break, except an assistant's, which is joined by nothing.
    """

    role: Role
    text: str
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str | None = None
    """For role TOOL: which call this answers."""
    parts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Sampling parameters. None means: not set by the caller, so not sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | None = None
    seed: int | None = None
    logprobs: int | None = None
    """Alternatives to return per token; 0 returns the chosen token's alone."""

    def as_dict(self) -> dict[str, Any]:
        """The parameters that are set, by name."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(v) if name == "stop" else v for name, v in values.items() if v is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What is asked of a model, independent of any wire."""

    model: str
    messages: Sequence[Message]
    sampling: Sampling = field(default_factory=Sampling)
    tools: Sequence[Mapping[str, Any]] = ()
    """Tool definitions as {"name", "description", "parameters"} (JSON Schema)."""
    tool_choice: str | Mapping[str, str] | None = None
    """"auto", "none", "required", or {"name": tool}; None where the caller did not choose."""
    response_format: Mapping[str, Any] | None = None
    """{"type": "json_object"} or {"type": "json_schema", "name", "schema", "strict"}; None for plain text."""
    stream: bool = False
    stream_usage: bool = True
    """Whether a streamed reply ends with its usage. OpenAI chat sends it on request only; the others
    always."""
    uncarried: Sequence[str] = ()
    """Fields of the body this was parsed from that could change the answer and have no place here, by path
    ("frequency_penalty", "messages[2].content[1] (image_url)"). They reach the model only where the body
    itself is passed on; `render_request` leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call; None where the server did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """Part of `input_tokens` served from a cache."""
    cache_written_tokens: int | None = None
    """Part of `input_tokens` written to a cache, which some servers charge more for."""
    reasoning_tokens: int | None = None
    """Part of `output_tokens` not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What a model answered."""

    text: str
    finish: Finish = Finish.STOP
    tool_calls: Sequence[ToolCall] = ()
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    """The name the server gave, which may be more exact than the one requested."""
    logprobs: Sequence[Mapping[str, Any]] | None = None
    """One entry per output token: {"token", "logprob", "top": {token: logprob}}; None where not given."""
    requested: Mapping[str, Any] = field(default_factory=dict)
    """Sampling parameters the caller set."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """Sampling parameters that went out; a difference means the server refused one and it was dropped."""


class Answerer(Protocol):
    """Answers a request without any server: a scripted model, an oracle, a null control.

    Called from several threads at once. Raises a `ModelError` to act as a server that fails.
    """

    def answer(self, request: ModelRequest) -> ModelReply: ...
