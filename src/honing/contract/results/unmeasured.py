"""How a measurement that stopped is told: the shape of metrics.json without a score, for every ending."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.contract.controls.calibrate import Level
from honing.contract.derive import GapError
from honing.contract.spec_file import load_contract
from honing.contract.stages.failures import Failure, failure_of
from honing.contract.workbench.environment import LOCK_FILE
from honing.errors import (
    BudgetExhaustedError,
    ContractError,
    HoningError,
    MissingToolError,
    ModelError,
    StoppedError,
    TargetError,
    UsageError,
)
from honing.store import Run

METRICS = "metrics.json"
GAP = "contract_gap.json"
CONTRACT = "contract.yaml"
CALIBRATION = "calibration.json"
FINDINGS = "metric_discovery.json"
UNMEASURED = "unmeasured"
"""The label of a document that no evaluation wrote."""
REASON_CHARACTERS = 1500
"""Of a message; contract_gap.json holds the whole of it."""


class Stop(StrEnum):
    """Why a measurement stopped, where no stage of the target failed. Beside these: `FailureKind`."""

    NO_CONTRACT = "no_contract"
    """The target has no contract and none can be derived."""
    CONTRACT = "contract"
    """Its contract is invalid."""
    TARGET = "target"
    """It cannot be found, fetched or read."""
    BUDGET = "budget"
    """A stated budget is spent; the same command goes on."""
    STOPPED = "stopped"
    """Somebody asked to stop; the same command goes on."""
    MODEL = "model"
    """The model or its server failed."""
    USAGE = "usage"
    """What was asked cannot be done."""
    MISSING_TOOL = "missing_tool"
    """This machine lacks something that Honing needs."""
    DEFECT = "defect"
    """Honing itself is at fault."""


_STOPS: tuple[tuple[type[BaseException], Stop, str], ...] = (
    (GapError, Stop.NO_CONTRACT, "contract"),
    (TargetError, Stop.TARGET, "target"),
    (ContractError, Stop.CONTRACT, "contract"),
    (BudgetExhaustedError, Stop.BUDGET, ""),
    (StoppedError, Stop.STOPPED, ""),
    (KeyboardInterrupt, Stop.STOPPED, ""),
    (ModelError, Stop.MODEL, "rollout"),
    (UsageError, Stop.USAGE, ""),
    (MissingToolError, Stop.MISSING_TOOL, ""),
)
"""The first that fits; a stage that the error itself does not tell is read from the run."""


def unmeasured(error: BaseException, run: Run | None = None, *, target: str = "") -> dict[str, Any]:
    """What metrics.json says of a measurement that stopped.

    Args:
        error: What stopped it.
        run: Where it stopped; None where no run was made or none was kept.
        target: As the user named it; empty takes the run's.

    Returns:
        Plain data with every key of metrics.json; `ok` is false, `score` is None.
    """
    level = _level(error, run)
    return {
        "ok": False,
        "score": None,
        "reason": shortened(str(error) or type(error).__name__),
        "level": level,
        "label": UNMEASURED,
        "failure": _failure(error, run),
        "target": target or (str(run.config.get("target", "")) if run is not None else ""),
        **_unknown(run),
        "run_id": run.id if run is not None else None,
        "ts": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def telling(run: Run) -> Callable[[type[BaseException] | None, BaseException | None, Any], None]:
    """For an exit stack: whatever ends a session early stands in the run's metrics.json, and what would close
    it in contract_gap.json."""

    def leave(kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if error is None:
            return
        gap = getattr(error, "document", None)
        if isinstance(error, HoningError) and isinstance(gap, dict):
            run.write_json(GAP, gap)
        run.write_json(METRICS, unmeasured(error, run))

    return leave


@contextmanager
def spoken_of(folder: Path, name: str) -> Iterator[None]:
    """Errors of the block name the target as its reader knows it, not the copy in `folder`."""
    try:
        yield
    except HoningError as error:
        error.args = tuple(_renamed(one, str(folder), name) for one in error.args)
        document = getattr(error, "document", None)
        if isinstance(document, dict):
            document.update(_renamed(document, str(folder), name))
        raise


def shortened(text: str) -> str:
    """A message that can be read at a glance: its beginning and its end."""
    if len(text) <= REASON_CHARACTERS:
        return text
    ends = 400
    left_out = len(text) - REASON_CHARACTERS
    kept = REASON_CHARACTERS - ends - 40
    return f"{text[:kept]} [... {left_out} characters ...] {text[-ends:]}"


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {key: _renamed(one, old, new) for key, one in value.items()}
    return [_renamed(one, old, new) for one in value] if isinstance(value, list) else value


def _level(error: BaseException, run: Run | None) -> str | None:
    """The highest level that was really reached; None where not even the target is known to be there."""
    document = getattr(error, "document", None)
    if isinstance(document, dict) and "level" in document:
        return str(document["level"])
    if run is None:
        return None
    if (run.path / CALIBRATION).is_file():
        return _calibrated(run.read_json(CALIBRATION)).value
    if (run.path / FINDINGS).is_file():
        return Level.RUNS.value
    if not (run.path / CONTRACT).is_file():
        return Level.RESOLVED.value
    try:
        environment = load_contract(run.path / CONTRACT).environment
    except ContractError:
        return Level.RESOLVED.value
    built = environment is None or (run.path / LOCK_FILE).is_file()
    return Level.COMMANDS_FOUND.value if built else Level.RESOLVED.value


def _calibrated(document: Mapping[str, Any]) -> Level:
    if document["ok"]:
        return Level.CALIBRATED
    return Level.RUNS if document["oracle"] is None else Level.METRIC_DECLARED


def _failure(error: BaseException, run: Run | None) -> dict[str, Any]:
    stage = str(getattr(error, "stage", "")) or _stage(run)
    if not isinstance(getattr(error, "failure", None), Failure):
        for kind, stop, where in _STOPS:
            if isinstance(error, kind):
                return _untyped(stop, where or stage, error)
        if not isinstance(error, HoningError):
            return _untyped(Stop.DEFECT, stage, error)
    found = failure_of(error, stage).as_document()
    return {**found, "text": shortened(str(found["text"]))}


def _untyped(stop: Stop, stage: str, error: BaseException) -> dict[str, Any]:
    closes = getattr(error, "document", None)
    step = str(closes.get("closes", "")) if isinstance(closes, dict) else ""
    text = shortened(str(error) or type(error).__name__)
    kinds = {"kind": stop.value, "stage": stage, "text": text}
    return {**kinds, "names": [], "command": "", "next_step": step or _NEXT.get(stop, "")}


_NEXT = {
    Stop.BUDGET: "run the same command again with a larger budget",
    Stop.STOPPED: "run the same command again",
    Stop.MODEL: "look at the model's server, then run the same command again",
    Stop.TARGET: "give a folder or an address that can be read",
    Stop.CONTRACT: "correct the contract where the message says",
}


def _stage(run: Run | None) -> str:
    """Where a run stands, by what it holds."""
    if run is None:
        return "target"
    if not (run.path / CONTRACT).is_file():
        return "contract"
    return "rollout" if (run.path / CALIBRATION).is_file() else "setup"


def _unknown(run: Run | None) -> dict[str, Any]:
    """Every further key of metrics.json, without a figure where none was found."""
    calibrated = run is not None and (run.path / CALIBRATION).is_file()
    calibration = run.read_json(CALIBRATION) if run is not None and calibrated else None
    names = (
        "model", "mode", "metric", "ci95", "n_planned", "n_scored", "coverage", "population", "epochs",
        "judged_by", "judge", "results", "calls", "cost_usd", "contract_hash", "commit", "sandbox",
    )  # fmt: skip
    found: dict[str, Any] = dict.fromkeys(names)
    empty = {"interval_method": "", "counts": {}, "pass_at": {}, "outcomes": {}, "tokens": {}, "audit": []}
    return {**found, **empty, "calibration": calibration, **_asked(run)}


def _asked(run: Run | None) -> dict[str, Any]:
    """The model and mode that the run was made for."""
    intent = run.config.get("intent") if run is not None else None
    if not isinstance(intent, Mapping):
        return {}
    models = intent.get("models")
    first: Any = models[0] if isinstance(models, list) and models else intent
    return {name: first.get(name) for name in ("model", "mode", "epochs")}
