"""The study: its phases in order, each resumable, each leaving its artifacts in one run folder. Start reading
here."""

from __future__ import annotations

from importlib import import_module

from honing.teach.phase import Phase

PHASES: tuple[str, ...] = (
    "prepare",
    "collect",
    "mine",
    "advise",
    "uncertainty",
    "leverage",
    "cpt",
    "quadrants",
    "micro-train",
    "train",
    "evaluate",
    "predictor",
    "select",
    "report",
)
"""In the order in which a study runs them."""

_HOMES = {
    "prepare": "prepare",
    "collect": "collect",
    "mine": "mine",
    "advise": "advise",
    "uncertainty": "uncertainty",
    "leverage": "leverage",
    "cpt": "patch_test",
    "quadrants": "quadrants",
    "micro-train": "micro_training",
    "train": "matrix",
    "evaluate": "evaluate",
    "predictor": "predictor",
    "select": "selection",
    "report": "report",
}
"""Which file of this package defines a phase; each has one `PHASE`."""


def phase_named(name: str) -> Phase:
    """One phase."""
    found: Phase = import_module(f"honing.teach.{_HOMES[name]}").PHASE
    return found
