"""The phases by name, and the order in which a study runs them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from honing.errors import StudyError
from honing.teach.phase import Phase

_HOMES: Mapping[str, str] = {
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

ORDER: tuple[str, ...] = tuple(_HOMES)
"""As a study runs them."""

_BESIDE: Mapping[str, str] = {"lessons": "lessons"}
"""Phases of no study: they are run by name alone (`StudyOptions.only`)."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "prepare": ("seed", "environment", "student"),
    "collect": ("collect", "expert"),
    "mine": ("mine", "cpt.succeeding"),
    "advise": ("teacher",),
    "uncertainty": ("uncertainty",),
    "leverage": ("leverage",),
    "cpt": ("cpt",),
    "quadrants": ("quadrants",),
    "micro-train": ("micro_training", "training.lora_rank", "training.lora_alpha"),
    "train": ("training",),
    "evaluate": ("evaluation",),
    "predictor": ("predictor", "selection.budget"),
    "select": ("selection",),
    "report": (),
}
"""Sections and single settings of a study that decide a phase, beside those that decide the phases before
it."""

LABELLING: tuple[str, ...] = ("advise", "uncertainty", "leverage", "cpt", "quadrants")
"""The phases that `hone teach label` runs in one go."""


def phase_named(name: str) -> Phase:
    """One phase.

    Raises:
        StudyError: There is none of that name.
    """
    homes = {**_HOMES, **_BESIDE}
    if name not in homes:
        raise StudyError(f"There is no phase {name!r}. There are {', '.join(homes)}.")
    found: Phase = import_module(f"honing.teach.phases.{homes[name]}").PHASE
    return found
