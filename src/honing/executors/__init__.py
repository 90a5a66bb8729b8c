"""Many units of work: where they run, and the one resumable map over them."""

from honing.executors.base import Completed, Executor, Json, Unit, UnitFunction, UnitStatus
from honing.executors.budget import Budget, Observation, Observe
from honing.executors.local import LocalExecutor
from honing.executors.memo import Memo
from honing.executors.progress import (
    BarProgress,
    LineProgress,
    OneBar,
    Progress,
    SilentProgress,
    Tally,
    choose_progress,
    describe,
)
from honing.executors.resident import ResidentExecutor
from honing.executors.resumable import MapOptions, UnitResult, plan, run_map
from honing.executors.scripted import ScriptedExecutor
from honing.executors.stopping import StopWatch
from honing.executors.threads import InlineExecutor, ThreadsExecutor, inline

__all__ = [
    "BarProgress",
    "Budget",
    "Completed",
    "Executor",
    "InlineExecutor",
    "Json",
    "LineProgress",
    "LocalExecutor",
    "MapOptions",
    "Memo",
    "Observation",
    "Observe",
    "OneBar",
    "Progress",
    "ResidentExecutor",
    "ScriptedExecutor",
    "SilentProgress",
    "StopWatch",
    "Tally",
    "ThreadsExecutor",
    "Unit",
    "UnitFunction",
    "UnitResult",
    "UnitStatus",
    "choose_progress",
    "describe",
    "inline",
    "plan",
    "run_map",
]
