"""Coding agents behind one Protocol: given a folder and a brief, they change files. See docs/agents.md.

What an agent changed is never taken from its word: the caller compares the folder before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing.agents.base import Agent, AgentEvent, AgentOutcome, AgentRun, AgentTask, AgentUsage, Trouble

if TYPE_CHECKING:
    from honing.agents.claude_code import ClaudeCodeAgent
    from honing.agents.codex import CodexAgent
    from honing.agents.command import CommandAgent
    from honing.agents.controls.cheat import CheatAgent
    from honing.agents.controls.nop import NopAgent
    from honing.agents.controls.oracle import OracleAgent
    from honing.agents.controls.scripted import ScriptedAgent
    from honing.agents.gemini_cli import GeminiCliAgent
    from honing.agents.installed import AgentSettings, Installed
    from honing.agents.inventory import FoundAgent, find_agents, package_of
    from honing.agents.model_server import served_by
    from honing.agents.opencode import OpenCodeAgent
    from honing.agents.pi import PiAgent
    from honing.agents.probing import Launch, Probe, Support, launched, next_step, probe
    from honing.agents.registry import AGENT_NAMES, agent_named, needs_model

_HOMES = {
    "AGENT_NAMES": "registry",
    "AgentSettings": "installed",
    "CheatAgent": "controls.cheat",
    "ClaudeCodeAgent": "claude_code",
    "CodexAgent": "codex",
    "CommandAgent": "command",
    "FoundAgent": "inventory",
    "GeminiCliAgent": "gemini_cli",
    "Installed": "installed",
    "Launch": "probing",
    "NopAgent": "controls.nop",
    "OpenCodeAgent": "opencode",
    "OracleAgent": "controls.oracle",
    "PiAgent": "pi",
    "Probe": "probing",
    "ScriptedAgent": "controls.scripted",
    "Support": "probing",
    "agent_named": "registry",
    "find_agents": "inventory",
    "launched": "probing",
    "needs_model": "registry",
    "next_step": "probing",
    "package_of": "inventory",
    "probe": "probing",
    "served_by": "model_server",
}
"""Which file of this package defines a name that is loaded on first use."""

__all__ = [
    "AGENT_NAMES",
    "Agent",
    "AgentEvent",
    "AgentOutcome",
    "AgentRun",
    "AgentSettings",
    "AgentTask",
    "AgentUsage",
    "CheatAgent",
    "ClaudeCodeAgent",
    "CodexAgent",
    "CommandAgent",
    "FoundAgent",
    "GeminiCliAgent",
    "Installed",
    "Launch",
    "NopAgent",
    "OpenCodeAgent",
    "OracleAgent",
    "PiAgent",
    "Probe",
    "ScriptedAgent",
    "Support",
    "Trouble",
    "agent_named",
    "find_agents",
    "launched",
    "needs_model",
    "next_step",
    "package_of",
    "probe",
    "served_by",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"honing.agents.{_HOMES[name]}"), name)
