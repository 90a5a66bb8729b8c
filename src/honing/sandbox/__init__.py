"""One contained command: what it may touch, what it may use, how it ended. See docs/sandbox.md.

The implementations are loaded when they are first named, so that importing this module costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing.sandbox.base import (
    Cancel,
    Capability,
    Command,
    Ending,
    Finished,
    Forward,
    Limits,
    Mount,
    Network,
    Sandbox,
    Trace,
    require,
)

if TYPE_CHECKING:
    from honing.sandbox.bubblewrap import BubblewrapSandbox
    from honing.sandbox.landlock import LandlockSandbox
    from honing.sandbox.mounts import python_mounts
    from honing.sandbox.probe import SandboxStatus, choose, describe
    from honing.sandbox.removal import remove_tree
    from honing.sandbox.scripted import Scripted, ScriptedSandbox
    from honing.sandbox.streams import sanitise
    from honing.sandbox.unconfined import UnconfinedSandbox

_LAZY = {
    "BubblewrapSandbox": "bubblewrap",
    "LandlockSandbox": "landlock",
    "SandboxStatus": "probe",
    "Scripted": "scripted",
    "ScriptedSandbox": "scripted",
    "UnconfinedSandbox": "unconfined",
    "choose": "probe",
    "describe": "probe",
    "python_mounts": "mounts",
    "remove_tree": "removal",
    "sanitise": "streams",
}

__all__ = [
    "BubblewrapSandbox",
    "Cancel",
    "Capability",
    "Command",
    "Ending",
    "Finished",
    "Forward",
    "LandlockSandbox",
    "Limits",
    "Mount",
    "Network",
    "Sandbox",
    "SandboxStatus",
    "Scripted",
    "ScriptedSandbox",
    "Trace",
    "UnconfinedSandbox",
    "choose",
    "describe",
    "python_mounts",
    "remove_tree",
    "require",
    "sanitise",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"honing.sandbox.{_LAZY[name]}"), name)
