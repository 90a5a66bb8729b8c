"""How far a coding agent works here: it launches, it writes, it makes a harness better.

The first costs nothing, the second one short session, the third one proposal on a tiny project of ours, which
is judged as every candidate is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.agents import (
    Agent,
    AgentSettings,
    AgentTask,
    Launch,
    Probe,
    Support,
    Trouble,
    agent_named,
    launched,
    needs_model,
    next_step,
    package_of,
    probe,
    served_by,
)
from honing.errors import HoningError, ModelAuthenticationError, ModelUnreachableError, UsageError
from honing.harness.optimize import optimize_project
from honing.harness.project import AgentChoice, Control
from honing.harness.project_file import load_project
from honing.harness.request import Asked, OptimizeOptions
from honing.harness.scaffold.profiles import write_scaffold
from honing.llm import Gateway, GatewayConfig, Resolved, Upstream
from honing.sandbox import Limits, Sandbox, choose

PROFILE = "local-oss-smoke"
"""The project of the third level: two texts and one script."""
_LEVELS = tuple(Support)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRequest:
    """Who is tried, with which model, how far."""

    agent: str
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the agent itself."""
    level: Support = Support.VALIDATED
    """The highest level that is tried."""
    timeout_s: float = 240.0
    """Wall-clock limit of each of its sessions."""
    sandbox: str = "auto"
    installed: AgentSettings = field(default_factory=AgentSettings)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What one proposal made of a harness."""

    improved: bool
    before: float | None = None
    after: float | None = None
    outcome: str = ""
    sentence: str = ""
    trouble: Trouble = Trouble.NONE
    """What kept the agent from its work; none where it worked and the harness is no better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportReport:
    """What was found."""

    request: SupportRequest
    launch: Launch
    probe: Probe | None = None
    """None where it was not tried: the program does not start, there is no model, or it plays a script."""
    validation: Validation | None = None
    """None where it was not tried."""
    trouble: Trouble = Trouble.NONE
    reason: str = ""
    sandbox: str = ""
    writes_nothing: bool = False
    """Whether it is an agent that does not read its brief, so that it cannot be asked for a file."""

    @property
    def support(self) -> Support:
        """The highest level that was shown."""
        if self.validation is not None and self.validation.improved:
            return Support.VALIDATED
        if self.probe is not None and self.probe.writes:
            return Support.WRITES
        launches = self.launch.ok and (self.probe is None or self.probe.launches)
        return Support.LAUNCHES if launches else Support.NONE

    @property
    def ok(self) -> bool:
        """Whether it works as far as it was to be tried."""
        return _LEVELS.index(self.support) >= _LEVELS.index(self.request.level)

    @property
    def next_step(self) -> str:
        """What to do about the trouble; empty where there is none."""
        if self.validation is not None and self.trouble is Trouble.OTHER and self.validation.outcome:
            return "The agent works; its proposal did not help. Try a stronger model, or more time."
        return next_step(self.request.agent, self.trouble)

    def as_document(self) -> dict[str, Any]:
        """As plain data, the agent's own words included."""
        package, tried, validation = package_of(self.request.agent), self.probe, self.validation
        return {
            "agent": self.request.agent,
            "model": self.request.model or None,
            "support": self.support.value,
            "ok": self.ok,
            "version": self.launch.version or (tried.run.version if tried is not None else "") or None,
            "tested_version": package.version if package is not None else None,
            "launches": self.launch.ok and (tried is None or tried.launches),
            "answers": None if tried is None else tried.answers,
            "writes": None if tried is None else tried.writes,
            "validated": None if validation is None else validation.improved,
            "score_before": None if validation is None else validation.before,
            "score_after": None if validation is None else validation.after,
            "outcome": None if validation is None else validation.outcome,
            "trouble": self.trouble.value or None,
            "reason": self.reason or None,
            "next_step": self.next_step or None,
            "sandbox": self.sandbox,
            "run": None if tried is None else tried.run.as_document(),
        }


def support_of(request: SupportRequest) -> SupportReport:
    """Try an agent, level by level, as far as it goes.

    Args:
        request: Who, with which model.

    Raises:
        UsageError: There is no such agent, or its options cannot be used.
        MissingToolError: No sandbox with the protections that an agent's program needs.
        SandboxError: The sandbox itself failed.
    """
    agent = agent_named(request.agent, _settings(request))
    sandbox = choose(request.sandbox)
    with tempfile.TemporaryDirectory(prefix="honing-probe-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        launch = launched(request.agent, request.installed, _task(request, sandbox, place / "launch"))
        report = SupportReport(request=request, launch=launch, sandbox=sandbox.name)
        if not launch.ok:
            return replace(report, trouble=launch.trouble, reason=launch.reason)
        if request.level in (Support.NONE, Support.LAUNCHES):
            return report
        found, trouble, reason = _model(request)
        if trouble is not Trouble.NONE:
            return replace(report, trouble=trouble, reason=reason)
        report = _with_probe(report, agent, _task(request, sandbox, place / "probe"), found)
        if request.level is not Support.VALIDATED or (report.probe is not None and not report.probe.writes):
            return report
        return _with_validation(report, place)


def _settings(request: SupportRequest) -> AgentSettings:
    return replace(request.installed, options={**request.installed.options, **request.options})


def _task(request: SupportRequest, sandbox: Sandbox, folder: Path) -> AgentTask:
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    return AgentTask(
        workspace=workspace,
        brief="",
        home=folder / "home",
        sandbox=sandbox,
        limits=Limits(wall_s=request.timeout_s),
        slot=1,
    )


def _model(request: SupportRequest) -> tuple[Resolved | None, Trouble, str]:
    """The server of the agent's model, or what is missing to ask it."""
    if not request.model and not request.options.get("oss"):
        if needs_model(request.agent):
            return None, Trouble.MODEL, "no model is configured for it"
        return None, Trouble.NONE, ""
    try:
        return served_by(request.model, request.options, request.endpoints), Trouble.NONE, ""
    except ModelAuthenticationError as error:
        return None, Trouble.AUTHENTICATION, str(error)
    except UsageError as error:
        return None, Trouble.MODEL, str(error)


def _with_probe(
    report: SupportReport, agent: Agent, task: AgentTask, found: Resolved | None
) -> SupportReport:
    """Ask it for one small file. An agent that does not read its brief is not asked."""
    if not getattr(agent, "reads_brief", True):
        return replace(report, writes_nothing=True)
    if found is None:
        tried = probe(agent, task)
    else:
        config = GatewayConfig(socket_path=task.home.parent / "gateway.sock")
        with Gateway(config) as gateway:
            channel = gateway.channel("probe", Upstream(found.endpoint, model=found.model))
            tried = probe(agent, replace(task, model=report.request.model or found.model, channel=channel))
    return replace(report, probe=tried, trouble=tried.trouble, reason=tried.reason)


def _with_validation(report: SupportReport, folder: Path) -> SupportReport:
    validation = _validation(report.request, folder)
    if validation.improved:
        return replace(report, validation=validation)
    trouble = validation.trouble if validation.trouble is not Trouble.NONE else Trouble.OTHER
    made = f"{validation.outcome}: " if validation.outcome else ""
    reason = f"one proposal made the project {PROFILE} no better; {made}{validation.sentence}"
    return replace(report, validation=validation, trouble=trouble, reason=reason)


def _validation(request: SupportRequest, folder: Path) -> Validation:
    """One proposal on the tiny project, gated and judged as in every run."""
    write_scaffold(folder / "project", PROFILE)
    project = load_project(folder / "project")
    choice = AgentChoice(
        name=request.agent, model=request.model, timeout_s=request.timeout_s, options=request.options
    )
    project = replace(project, agent=choice)
    asked = Asked(proposals=1, control=Control.NONE.value, sandbox=request.sandbox)
    options = OptimizeOptions(
        asked=asked,
        home=folder / "runs",
        workers=1,
        installed=request.installed,
        endpoints=request.endpoints,
    )
    try:
        result = optimize_project(project, options)
    except ModelUnreachableError as error:
        return Validation(improved=False, sentence=str(error), trouble=Trouble.UNREACHABLE)
    except HoningError as error:
        return Validation(improved=False, sentence=str(error), trouble=Trouble.OTHER)
    made = next(one for one in result.ledger.candidates if one.slot == 1)
    told = made.proposal.agent if made.proposal is not None else {}
    return Validation(
        improved=result.improved,
        before=result.baseline.score,
        after=made.score,
        outcome=made.outcome.value,
        sentence=made.sentence,
        trouble=Trouble(told.get("trouble", "")),
    )
