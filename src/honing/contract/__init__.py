"""A target becomes a runnable contract: setup -> rollout -> evaluate -> teardown, calibrated before it may
score.

Start reading in `session.py`.
"""

from honing.contract.asked_rows import AskedRow, AskedRows, asked_rows
from honing.contract.asking.answerers import Tape
from honing.contract.asking.rollout import ShownFolder
from honing.contract.asking.samples_file import columns_asked
from honing.contract.audit.examination import Audit
from honing.contract.controls.calibrate import Calibration, ControlScore, Level
from honing.contract.derivation.at_target import derive_target
from honing.contract.derive import GapError
from honing.contract.earlier_names import Translated, translated
from honing.contract.examine import Examination, examine, write_initial
from honing.contract.exports import Exported, Form, export_run
from honing.contract.forecast import forecast
from honing.contract.hints import Hint, Role, survey_target
from honing.contract.options import Mode, RolloutOptions, SetupOptions
from honing.contract.repair.base import Iteration as RepairIteration
from honing.contract.repair.base import RepairOptions
from honing.contract.repair.request import RepairRequest
from honing.contract.results.compare import RunComparison, compare_runs
from honing.contract.results.outputs import intent_of
from honing.contract.results.report import report_of
from honing.contract.results.result import Result
from honing.contract.results.reverify import Reverified, reverify
from honing.contract.results.unmeasured import unmeasured
from honing.contract.samples.sample import Sample, SampleStatus, outcomes
from honing.contract.session import EvaluationResult, RolloutResult, Session, setup
from honing.contract.spec import ContractSpec, MetricSpec, json_schema
from honing.contract.spec_file import CONTRACT_PATH, dump_contract, load_contract
from honing.contract.suite import Asked as SuiteRequest
from honing.contract.suite import ModelSummary, TargetSummary, ask_all, measure_targets
from honing.contract.suite import Watcher as SuiteWatcher
from honing.contract.target import (
    AGENT_FILES,
    SourceOptions,
    Target,
    TargetKind,
    agent_files,
    origin_to_repeat,
    resolve,
    without_secrets,
)

__all__ = [
    "AGENT_FILES",
    "CONTRACT_PATH",
    "AskedRow",
    "AskedRows",
    "Audit",
    "Calibration",
    "ContractSpec",
    "ControlScore",
    "EvaluationResult",
    "Examination",
    "Exported",
    "Form",
    "GapError",
    "Hint",
    "Level",
    "MetricSpec",
    "Mode",
    "ModelSummary",
    "RepairIteration",
    "RepairOptions",
    "RepairRequest",
    "Result",
    "Reverified",
    "Role",
    "RolloutOptions",
    "RolloutResult",
    "RunComparison",
    "Sample",
    "SampleStatus",
    "Session",
    "SetupOptions",
    "ShownFolder",
    "SourceOptions",
    "SuiteRequest",
    "SuiteWatcher",
    "Tape",
    "Target",
    "TargetKind",
    "TargetSummary",
    "Translated",
    "agent_files",
    "ask_all",
    "asked_rows",
    "columns_asked",
    "compare_runs",
    "derive_target",
    "dump_contract",
    "examine",
    "export_run",
    "forecast",
    "intent_of",
    "json_schema",
    "load_contract",
    "measure_targets",
    "origin_to_repeat",
    "outcomes",
    "report_of",
    "resolve",
    "reverify",
    "setup",
    "survey_target",
    "translated",
    "unmeasured",
    "without_secrets",
    "write_initial",
]
