"""Model calls: the neutral form, the gateway every call goes through, and models that play a script.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from honing.llm.base import (
    Answerer,
    Finish,
    Message,
    ModelReply,
    ModelRequest,
    Role,
    Sampling,
    ToolCall,
    Usage,
)

if TYPE_CHECKING:
    from honing.llm.budget import Budget
    from honing.llm.canonical import last_user_text, prompt_text, request_key
    from honing.llm.channel import Channel
    from honing.llm.failures import CallFailedError, ErrorKind
    from honing.llm.faults import Fault, FaultKind
    from honing.llm.gateway import Gateway, GatewayConfig
    from honing.llm.ledger import read_calls
    from honing.llm.records import CallRecord, Counts
    from honing.llm.scripted import (
        EchoModel,
        EmptyModel,
        ScriptedModel,
        SkilledModel,
        ToolScript,
        ToolStep,
        load_script,
        plausible_wrong,
    )
    from honing.llm.scripted_server import Received, ScriptedServer
    from honing.llm.sources import Answering, Recording, Replay, Source
    from honing.llm.upstream import Upstream

_HOMES = {
    "Answering": "sources",
    "Budget": "budget",
    "CallFailedError": "failures",
    "CallRecord": "records",
    "Channel": "channel",
    "Counts": "records",
    "EchoModel": "scripted",
    "EmptyModel": "scripted",
    "ErrorKind": "failures",
    "Fault": "faults",
    "FaultKind": "faults",
    "Gateway": "gateway",
    "GatewayConfig": "gateway",
    "Received": "scripted_server",
    "Recording": "sources",
    "Replay": "sources",
    "ScriptedModel": "scripted",
    "ScriptedServer": "scripted_server",
    "SkilledModel": "scripted",
    "Source": "sources",
    "ToolScript": "scripted",
    "ToolStep": "scripted",
    "Upstream": "upstream",
    "last_user_text": "canonical",
    "load_script": "scripted",
    "plausible_wrong": "scripted",
    "prompt_text": "canonical",
    "read_calls": "ledger",
    "request_key": "canonical",
}
"""Which file of this package defines a name."""

__all__ = [
    "Answerer",
    "Answering",
    "Budget",
    "CallFailedError",
    "CallRecord",
    "Channel",
    "Counts",
    "EchoModel",
    "EmptyModel",
    "ErrorKind",
    "Fault",
    "FaultKind",
    "Finish",
    "Gateway",
    "GatewayConfig",
    "Message",
    "ModelReply",
    "ModelRequest",
    "Received",
    "Recording",
    "Replay",
    "Role",
    "Sampling",
    "ScriptedModel",
    "ScriptedServer",
    "SkilledModel",
    "Source",
    "ToolCall",
    "ToolScript",
    "ToolStep",
    "Upstream",
    "Usage",
    "last_user_text",
    "load_script",
    "plausible_wrong",
    "prompt_text",
    "read_calls",
    "request_key",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.llm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.llm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
