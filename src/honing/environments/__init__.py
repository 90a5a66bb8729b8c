"""Text worlds that fork and replay: what agents are taught and measured in. See docs/environments.md.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.environments.base import (
        KnowsBest,
        Step,
        Task,
        TextEnvironment,
        Trace,
        World,
        record_trace,
        task_hash,
    )
    from honing.environments.panel import Difference, Panel, make_panel, read_panel, verify_panel
    from honing.environments.registry import WORLDS, world_named
    from honing.environments.replay import ExpertEnvironment, PlayMemory, ReplayedEnvironment
    from honing.environments.scripted import ScriptedWorld
    from honing.environments.scripted_truth import ChainPolicy, ChainTruth, TruthOptions, chain_truth

_HOMES = {
    "ChainPolicy": "scripted_truth",
    "ChainTruth": "scripted_truth",
    "Difference": "panel",
    "ExpertEnvironment": "replay",
    "KnowsBest": "base",
    "Panel": "panel",
    "PlayMemory": "replay",
    "ReplayedEnvironment": "replay",
    "ScriptedWorld": "scripted",
    "Step": "base",
    "Task": "base",
    "TextEnvironment": "base",
    "Trace": "base",
    "TruthOptions": "scripted_truth",
    "WORLDS": "registry",
    "World": "base",
    "chain_truth": "scripted_truth",
    "make_panel": "panel",
    "read_panel": "panel",
    "record_trace": "base",
    "task_hash": "base",
    "verify_panel": "panel",
    "world_named": "registry",
}
"""Which file of this package defines a name."""

__all__ = [
    "WORLDS",
    "ChainPolicy",
    "ChainTruth",
    "Difference",
    "ExpertEnvironment",
    "KnowsBest",
    "Panel",
    "PlayMemory",
    "ReplayedEnvironment",
    "ScriptedWorld",
    "Step",
    "Task",
    "TextEnvironment",
    "Trace",
    "TruthOptions",
    "World",
    "chain_truth",
    "make_panel",
    "read_panel",
    "record_trace",
    "task_hash",
    "verify_panel",
    "world_named",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.environments.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.environments' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
