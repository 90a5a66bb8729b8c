"""A model is trained segment by segment, and measured on the same tasks after each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.sweep.segments import SegmentOptions, SegmentTraining, train_segment

_HOMES = {
    "SegmentOptions": "segments",
    "SegmentTraining": "segments",
    "train_segment": "segments",
}

__all__ = ["SegmentOptions", "SegmentTraining", "train_segment"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
