"""The closed loop: measure, rewrite the harness, teach the weights, measure again on tasks never seen.

Start reading in `loop.py`; see docs/improve.md. Names load on first use, so importing this package costs next
to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.improve.base import (
        Measurement,
        Panel,
        PanelTask,
        Part,
        Proposal,
        Sized,
        Sizes,
        Spending,
        StepName,
        Subject,
        TaskScore,
        Version,
    )
    from honing.experiments.improve.desk import Allowance, Desk
    from honing.experiments.improve.loop import improve_subject, plan_improvement
    from honing.experiments.improve.panels import split_tasks
    from honing.experiments.improve.result import ImproveResult
    from honing.experiments.improve.scripted import ScriptedSubject, Skill
    from honing.experiments.improve.spec import ImproveLimits, ImproveOptions, ImproveSpec
    from honing.experiments.improve.split import BudgetSplit

_HOMES = {
    "Allowance": "desk",
    "BudgetSplit": "split",
    "Desk": "desk",
    "ImproveOptions": "spec",
    "ImproveResult": "result",
    "ImproveSpec": "spec",
    "ImproveLimits": "spec",
    "Measurement": "base",
    "Panel": "base",
    "PanelTask": "base",
    "Part": "base",
    "Proposal": "base",
    "ScriptedSubject": "scripted",
    "Sized": "base",
    "Sizes": "base",
    "Skill": "scripted",
    "Spending": "base",
    "StepName": "base",
    "Subject": "base",
    "TaskScore": "base",
    "Version": "base",
    "improve_subject": "loop",
    "plan_improvement": "loop",
    "split_tasks": "panels",
}
"""Which file of this package defines a name."""

__all__ = [
    "Allowance",
    "BudgetSplit",
    "Desk",
    "ImproveLimits",
    "ImproveOptions",
    "ImproveResult",
    "ImproveSpec",
    "Measurement",
    "Panel",
    "PanelTask",
    "Part",
    "Proposal",
    "ScriptedSubject",
    "Sized",
    "Sizes",
    "Skill",
    "Spending",
    "StepName",
    "Subject",
    "TaskScore",
    "Version",
    "improve_subject",
    "plan_improvement",
    "split_tasks",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.experiments.improve.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.experiments.improve' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
