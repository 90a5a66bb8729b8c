"""Who can act: each a `Policy`. See docs/policies.md.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.learn.policies.chat import Asks, ChatCounts, ChatOptions, ChatPolicy
    from honing.learn.policies.expert import Expert
    from honing.learn.policies.random import RandomPolicy
    from honing.learn.policies.registry import KINDS, policy_from
    from honing.learn.policies.scripted import MockPolicy

_HOMES = {
    "Asks": "chat",
    "ChatCounts": "chat",
    "ChatOptions": "chat",
    "ChatPolicy": "chat",
    "Expert": "expert",
    "KINDS": "registry",
    "MockPolicy": "scripted",
    "RandomPolicy": "random",
    "policy_from": "registry",
}

__all__ = [
    "KINDS",
    "Asks",
    "ChatCounts",
    "ChatOptions",
    "ChatPolicy",
    "Expert",
    "MockPolicy",
    "RandomPolicy",
    "policy_from",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
