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
    from honing.llm.client import Client, ClientConfig
    from honing.llm.deadline import Clock
    from honing.llm.endpoint import Endpoint
    from honing.llm.failures import CallFailedError, ErrorKind
    from honing.llm.faults import Fault, FaultKind
    from honing.llm.gateway import Gateway, GatewayConfig
    from honing.llm.ledger import read_calls
    from honing.llm.prices import ModelPrice, PriceTable, Rates, cost, shown_cost
    from honing.llm.providers import Resolved, resolve
    from honing.llm.records import CallRecord, Counts
    from honing.llm.retrying import Backoff
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
    from honing.llm.wires import WIRES, StreamParser, Wire, redact, wire_for, wire_named

_HOMES = {
    "Answering": "sources",
    "Backoff": "retrying",
    "Budget": "budget",
    "CallFailedError": "failures",
    "CallRecord": "records",
    "Channel": "channel",
    "Client": "client",
    "ClientConfig": "client",
    "Clock": "deadline",
    "Counts": "records",
    "EchoModel": "scripted",
    "EmptyModel": "scripted",
    "Endpoint": "endpoint",
    "ErrorKind": "failures",
    "Fault": "faults",
    "FaultKind": "faults",
    "Gateway": "gateway",
    "GatewayConfig": "gateway",
    "ModelPrice": "prices",
    "PriceTable": "prices",
    "Rates": "prices",
    "Received": "scripted_server",
    "Recording": "sources",
    "Replay": "sources",
    "Resolved": "providers",
    "ScriptedModel": "scripted",
    "ScriptedServer": "scripted_server",
    "SkilledModel": "scripted",
    "Source": "sources",
    "StreamParser": "wires",
    "ToolScript": "scripted",
    "ToolStep": "scripted",
    "Upstream": "upstream",
    "WIRES": "wires",
    "Wire": "wires",
    "cost": "prices",
    "last_user_text": "canonical",
    "load_script": "scripted",
    "plausible_wrong": "scripted",
    "prompt_text": "canonical",
    "read_calls": "ledger",
    "redact": "wires",
    "request_key": "canonical",
    "resolve": "providers",
    "shown_cost": "prices",
    "wire_for": "wires",
    "wire_named": "wires",
}
"""Which file of this package defines a name."""

__all__ = [
    "WIRES",
    "Answerer",
    "Answering",
    "Backoff",
    "Budget",
    "CallFailedError",
    "CallRecord",
    "Channel",
    "Client",
    "ClientConfig",
    "Clock",
    "Counts",
    "EchoModel",
    "EmptyModel",
    "Endpoint",
    "ErrorKind",
    "Fault",
    "FaultKind",
    "Finish",
    "Gateway",
    "GatewayConfig",
    "Message",
    "ModelPrice",
    "ModelReply",
    "ModelRequest",
    "PriceTable",
    "Rates",
    "Received",
    "Recording",
    "Replay",
    "Resolved",
    "Role",
    "Sampling",
    "ScriptedModel",
    "ScriptedServer",
    "SkilledModel",
    "Source",
    "StreamParser",
    "ToolCall",
    "ToolScript",
    "ToolStep",
    "Upstream",
    "Usage",
    "Wire",
    "cost",
    "last_user_text",
    "load_script",
    "plausible_wrong",
    "prompt_text",
    "read_calls",
    "redact",
    "request_key",
    "resolve",
    "shown_cost",
    "wire_for",
    "wire_named",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.llm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.llm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
