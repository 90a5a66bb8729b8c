"""A student's harness: everything around the weights that decides how it acts, as a folder of two files.
See docs/demo.md.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.learn.acting.acts import Harnessed, harnessed, noted_examples, student_inside
    from honing.learn.acting.folder import (
        HARNESS_FILES,
        RULES_FILE,
        TEMPLATE_FILE,
        acting_files,
        acting_from_files,
        read_acting,
    )
    from honing.learn.acting.harness import ActingHarness, Note

_HOMES = {
    "ActingHarness": "harness",
    "HARNESS_FILES": "folder",
    "Harnessed": "acts",
    "Note": "harness",
    "RULES_FILE": "folder",
    "TEMPLATE_FILE": "folder",
    "acting_files": "folder",
    "acting_from_files": "folder",
    "harnessed": "acts",
    "noted_examples": "acts",
    "read_acting": "folder",
    "student_inside": "acts",
}

__all__ = [
    "HARNESS_FILES",
    "RULES_FILE",
    "TEMPLATE_FILE",
    "ActingHarness",
    "Harnessed",
    "Note",
    "acting_files",
    "acting_from_files",
    "harnessed",
    "noted_examples",
    "read_acting",
    "student_inside",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
