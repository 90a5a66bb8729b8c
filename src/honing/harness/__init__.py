"""Rewriting a harness: coding agents edit the files around an agent, candidates are judged where they cannot
cheat, and only gains that hold are kept. Start reading in `optimize.py`; see docs/harness.md.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.harness.benchmarks.examples import EXAMPLES, write_example
    from honing.harness.onboarding.onboard import Onboarded, onboard_folder
    from honing.harness.project import Project
    from honing.harness.project_file import find_project, load_project
    from honing.harness.project_spec import project_schema
    from honing.harness.scaffold.profiles import PROFILES, write_scaffold

_HOMES = {
    "EXAMPLES": "benchmarks.examples",
    "Onboarded": "onboarding.onboard",
    "PROFILES": "scaffold.profiles",
    "Project": "project",
    "find_project": "project_file",
    "load_project": "project_file",
    "onboard_folder": "onboarding.onboard",
    "project_schema": "project_spec",
    "write_example": "benchmarks.examples",
    "write_scaffold": "scaffold.profiles",
}
"""Which file of this package defines a name."""

__all__ = [
    "EXAMPLES",
    "PROFILES",
    "Onboarded",
    "Project",
    "find_project",
    "load_project",
    "onboard_folder",
    "project_schema",
    "write_example",
    "write_scaffold",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.harness.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
