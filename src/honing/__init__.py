"""Honing makes an LLM agent better at any benchmark and proves it.

The public names load lazily, so `import honing` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from honing._version import __version__

__all__ = ["__version__", "load_run", "setup"]

_HOMES = {"setup": "honing.contract", "load_run": "honing.store"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'honing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
