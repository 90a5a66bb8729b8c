"""A world as the subject of the closed loop: a student's harness is rewritten, its weights are taught. Start
reading in `subject.py`; see docs/demo.md.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.improve.worlds.options import WorldOptions
    from honing.experiments.improve.worlds.subject import WorldSubject, world_subject

_HOMES = {"WorldOptions": "options", "WorldSubject": "subject", "world_subject": "subject"}

__all__ = ["WorldOptions", "WorldSubject", "world_subject"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
