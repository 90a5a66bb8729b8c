"""A back end written for the predecessor: `prepare`, `invoke` and `collect` in place of `run`.

Its code runs in our own process, uncontained, as every plugin's does; what it starts is its own affair. At
the time limit it is no longer waited for.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from honing.agents.base import AgentEvent, AgentOutcome, AgentRun, AgentTask, Trouble
from honing.agents.transcript import MOST_EVENTS, short
from honing.sandbox import Cancel, remove_tree

_POLL_S = 0.05
_TAIL = 8000


class BackEnd(Protocol):
    """What the predecessor asks of a plugin."""

    name: str

    def prepare(self, request: Any) -> Any: ...

    def invoke(self, request: Any) -> Any: ...

    def collect(self, execution: Any) -> Any: ...


@dataclass(slots=True, kw_only=True)
class Instructions:
    """The brief, as the predecessor's plugins look for it."""

    objective: str
    constraints: list[str] = field(default_factory=list)
    workspace_layout: str = ""
    allowed_actions: list[str] = field(default_factory=list)
    forbidden_actions: list[str] = field(default_factory=list)
    evaluation_contract: str = ""


@dataclass(slots=True, kw_only=True)
class Request:
    """What `prepare` and `invoke` are given; the names are the predecessor's."""

    run_id: str
    candidate_id: str
    workspace_dir: Path
    candidate_dir: Path
    """For its own files; gone when the run ends."""
    experience_dir: Path
    bootstrap_dir: Path
    bootstrap_summary_path: Path
    bootstrap_snapshot_path: Path
    bootstrap_summary_text: str
    evidence_dir: Path
    trace_evidence_path: Path | None
    trace_evidence_text: str
    instructions_path: Path
    prompt_path: Path
    """The brief, as a file."""
    instructions: Instructions
    parent_candidate_ids: list[str]


class PredecessorAgent:
    """Runs a back end of the predecessor as an agent."""

    def __init__(self, back_end: BackEnd) -> None:
        self.name = back_end.name
        self._back_end = back_end

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        if cancel is not None and cancel.is_set():
            return _stopped(self.name)
        ended: list[AgentRun] = []
        worker = threading.Thread(target=lambda: ended.append(self._proposed(task)), daemon=True)
        worker.start()
        try:
            return self._awaited(worker, ended, task.limits.wall_s, cancel)
        finally:
            remove_tree(task.home)

    def _awaited(
        self, worker: threading.Thread, ended: list[AgentRun], limit_s: float, cancel: Cancel | None
    ) -> AgentRun:
        waited = 0.0
        while waited < limit_s:
            worker.join(_POLL_S)
            if not worker.is_alive():
                return ended[0]
            if cancel is not None and cancel.is_set():
                return _stopped(self.name)
            waited += _POLL_S
        return AgentRun(
            agent=self.name,
            outcome=AgentOutcome.TIMEOUT,
            trouble=Trouble.TIME,
            reason=f"the plugin did not return within its time limit ({limit_s:.0f} s)",
        )

    def _proposed(self, task: AgentTask) -> AgentRun:
        try:
            request = self._back_end.prepare(_request(task))
            execution = self._back_end.invoke(request)
            return _run(self.name, execution, self._back_end.collect(execution))
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is its crash
            return AgentRun(
                agent=self.name,
                outcome=AgentOutcome.CRASH,
                trouble=Trouble.OTHER,
                reason=f"the plugin raised {type(error).__name__}: {short(error)}",
            )


def _stopped(name: str) -> AgentRun:
    return AgentRun(agent=name, outcome=AgentOutcome.STOPPED, reason="it was asked to stop")


def _request(task: AgentTask) -> Request:
    shown = task.workspace / ".metaharness"
    own = task.home / "candidate"
    (own / "proposal").mkdir(parents=True, exist_ok=True)
    prompt = own / "proposal" / "prompt.txt"
    prompt.write_text(task.brief, encoding="utf-8")
    summary = shown / "bootstrap" / "summary.md"
    return Request(
        run_id=task.home.name,
        candidate_id=f"c{task.slot:04d}",
        workspace_dir=task.workspace,
        candidate_dir=own,
        experience_dir=shown / "experience",
        bootstrap_dir=shown / "bootstrap",
        bootstrap_summary_path=summary,
        bootstrap_snapshot_path=shown / "bootstrap" / "snapshot.json",
        bootstrap_summary_text=summary.read_text(encoding="utf-8") if summary.is_file() else "",
        evidence_dir=shown / "evidence",
        trace_evidence_path=None,
        trace_evidence_text="",
        instructions_path=shown / "INSTRUCTIONS.md",
        prompt_path=prompt,
        instructions=Instructions(objective=task.brief),
        parent_candidate_ids=[],
    )


def _run(name: str, execution: Any, result: Any) -> AgentRun:
    """Its ending from its own words, the only ones there are: its model calls do not pass the gateway."""
    code = getattr(execution, "returncode", None)
    summary = str(getattr(result, "summary", "") or "")
    failed = code not in (None, 0)
    late = bool(dict(getattr(execution, "metadata", None) or {}).get("timed_out"))
    outcome = AgentOutcome.TIMEOUT if late else AgentOutcome.CRASH if failed else AgentOutcome.FINISHED
    trouble = Trouble.TIME if late else Trouble.OTHER if failed else Trouble.NONE
    events = [
        AgentEvent(
            "tool" if getattr(event, "command", None) or getattr(event, "tool_name", None) else "note",
            short(getattr(event, "command", None) or getattr(event, "text", None) or event),
        )
        for event in getattr(result, "events", None) or ()
    ]
    return AgentRun(
        agent=name,
        outcome=outcome,
        trouble=trouble,
        reason="" if outcome is AgentOutcome.FINISHED else short(summary or f"it ended with {code}"),
        message=str(getattr(result, "final_text", "") or summary),
        events=tuple(events[:MOST_EVENTS]),
        exit_code=code,
        stdout=_end(getattr(execution, "stdout_path", None)),
        stderr=_end(getattr(execution, "stderr_path", None)),
    )


def _end(path: object) -> str:
    if not isinstance(path, (str, Path)) or not Path(path).is_file():
        return ""
    return Path(path).read_text(encoding="utf-8", errors="replace")[-_TAIL:]
