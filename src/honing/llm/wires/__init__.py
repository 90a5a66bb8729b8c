"""The four wires: each provider's request and reply shape, written down once.

`wire_for` finds the wire of a request line, `wire_named` the one with a name.
"""

from __future__ import annotations

from honing.errors import UsageError
from honing.llm.wires.anthropic_messages import AnthropicMessages
from honing.llm.wires.base import StreamParser, Wire
from honing.llm.wires.events import CutReplyError
from honing.llm.wires.gemini import Gemini
from honing.llm.wires.openai_chat import OpenAIChat
from honing.llm.wires.openai_responses import OpenAIResponses
from honing.llm.wires.refusals import redact

WIRES: tuple[Wire, ...] = (OpenAIChat(), OpenAIResponses(), AnthropicMessages(), Gemini())


def wire_named(name: str) -> Wire:
    """The wire with this name.

    Raises:
        UsageError: There is none; the text lists those there are.
    """
    for wire in WIRES:
        if wire.name == name:
            return wire
    raise UsageError(f"no wire is called {name!r}; there are {', '.join(wire.name for wire in WIRES)}")


def wire_for(method: str, path: str) -> Wire | None:
    """The wire whose model calls look like this request line; None where it is no model call."""
    return next((wire for wire in WIRES if wire.matches(method, path)), None)


__all__ = [
    "WIRES",
    "AnthropicMessages",
    "CutReplyError",
    "Gemini",
    "OpenAIChat",
    "OpenAIResponses",
    "StreamParser",
    "Wire",
    "redact",
    "wire_for",
    "wire_named",
]
