"""Asking an agent: what it is given, what is taken from what it left, and what its calls count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from harness_words import RIGHT, WordsTask, guesser, words_project

from honing.agents import AgentOutcome, AgentRun, AgentTask, ScriptedAgent, Trouble
from honing.errors import BudgetExhaustedError, ModelAuthenticationError, UsageError
from honing.harness import Asked, OptimizeOptions, OptimizeResult, Project, optimize_project
from honing.harness.candidate import Arm
from honing.harness.project import Control
from honing.llm import ScriptedModel, ScriptedServer
from honing.sandbox import Cancel
from honing.store import Run, RunStatus

UNCONFINED = Asked(sandbox="unconfined")
PROGRAM = """#!/usr/bin/python3
import json, os, sys, urllib.request
brief = sys.stdin.read()
body = {"model": "any", "messages": [{"role": "user", "content": brief}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "Content-Type": "application/json"})
word = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
with open("prompt.md", "a") as prompt:
    prompt.write(word + " " + os.environ["HONING_SLOT"] + "\\n")
if os.fork() == 0:
    os.setsid()
    while True:
        open("late.md", "a").write("still here")
"""


def run(project: Project, agent: Any, **changes: Any) -> OptimizeResult:
    options = OptimizeOptions(
        agent=agent, asked=UNCONFINED, home=project.folder.parent / "runs", run_name="r"
    )
    return optimize_project(project, replace(options, **changes))


@dataclass(slots=True)
class Watching:
    """Keeps what it is given, and what lies where it works."""

    name: str = "watching"
    tasks: list[AgentTask] = field(default_factory=list)
    found: list[dict[str, str]] = field(default_factory=list)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        self.tasks.append(task)
        files = (path for path in sorted(task.workspace.rglob("*")) if path.is_file())
        self.found.append({str(path.relative_to(task.workspace)): path.read_text() for path in files})
        return guesser().run(task, cancel=cancel)


def test_an_agent_is_given_the_parent_a_brief_and_numbers_of_its_own(tmp_path: Path) -> None:
    agent = Watching()

    run(words_project(tmp_path / "p", proposals=2), agent, workers=1)

    assert agent.found[0] == {"prompt.md": "right0\n"}
    assert "hold the right words" in agent.tasks[0].brief
    given = [(task.env["HONING_ARM"], task.env["HONING_SLOT"], task.slot) for task in agent.tasks]
    assert given == [("search", "1", 1), ("control", "1", 1), ("search", "2", 2), ("control", "2", 2)]
    assert len({task.env["HONING_PROPOSAL_SEED"] for task in agent.tasks}) == 4
    assert {task.limits.wall_s for task in agent.tasks} == {240.0}


def test_nothing_of_a_proposals_folders_is_left(tmp_path: Path) -> None:
    agent = Watching()

    run(words_project(tmp_path / "p", proposals=1), agent)

    assert [task.workspace.exists() for task in agent.tasks] == [False, False]
    assert [mount.source.exists() for task in agent.tasks for mount in task.mounts] == [False, False]


def test_the_brief_and_what_the_agent_said_are_evidence(tmp_path: Path) -> None:
    result = run(words_project(tmp_path / "p", proposals=1, control=Control.NONE), Watching())

    (record,) = [each for each in result.run.evidence().read() if each.kind == "agent"]
    assert (record.body["id"], record.body["agent"], record.body["outcome"]) == (
        "c0001",
        "guesser",
        "finished",
    )
    assert "hold the right words" in record.body["brief"]


def test_an_agent_that_reads_no_brief_is_made_no_history(tmp_path: Path) -> None:
    class Deaf(Watching):
        reads_brief = False

    agent = Deaf()
    run(words_project(tmp_path / "p", proposals=1), agent)

    assert [(task.brief, task.mounts) for task in agent.tasks] == [("hold the right words", ())] * 2


def test_what_programs_leave_behind_is_no_change(tmp_path: Path) -> None:
    edits = {"__pycache__/x.pyc": "x", ".venv/bin/python": "x", ".git/HEAD": "ref"}
    result = run(words_project(tmp_path / "p", proposals=1, control=Control.NONE), ScriptedAgent(edits))

    assert [each.outcome.value for each in result.ledger.arm(Arm.SEARCH)] == ["no-change"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Says what it changed, and changes it."""

    name: str = "honest"

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        change = {"id": "1", "description": "all words", "files": ["prompt.md"], "predicted_fixes": ["words"]}
        (task.workspace / ".honing").mkdir()
        (task.workspace / ".honing" / "change_manifest.json").write_text(json.dumps({"changes": [change]}))
        (task.workspace / "prompt.md").write_text(" ".join(RIGHT))
        return AgentRun(agent=self.name, outcome=AgentOutcome.FINISHED)


def test_a_change_manifest_is_kept_and_is_no_part_of_the_candidate(tmp_path: Path) -> None:
    result = run(words_project(tmp_path / "p", proposals=1, control=Control.NONE), Manifest())

    (candidate,) = result.ledger.arm(Arm.SEARCH)
    assert (candidate.outcome.value, candidate.changed) == ("keep", ("prompt.md",))
    assert candidate.proposal is not None
    assert candidate.proposal.manifest is not None
    assert candidate.proposal.manifest["changes"][0]["predicted_fixes"] == ["words"]
    assert not (result.run.path / "best" / ".honing").exists()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(ScriptedModel(lambda _: "right1")) as serving:
        yield serving


def asking(project: Project, server: ScriptedServer, **asked: Any) -> OptimizeOptions:
    """The request of a program that asks its model once and leaves a process behind."""
    program = project.folder / "agent.py"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return OptimizeOptions(
        asked=Asked(agent="command", model="any", agent_options={"argv": "./agent.py"}, **asked),
        home=project.folder.parent / "runs",
        run_name="r",
        endpoints={"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "sk-0123456789abcdef"},
    )


def test_a_program_asks_its_model_through_the_gateway_and_is_dead_before_it_is_read(
    tmp_path: Path, server: ScriptedServer
) -> None:
    project = words_project(tmp_path / "p", proposals=2)

    result = optimize_project(project, asking(project, server))

    candidates = [*result.ledger.arm(Arm.SEARCH), *result.ledger.arm(Arm.CONTROL)]
    assert [each.outcome.value for each in candidates] == ["keep", "discard", "keep", "keep"]
    usages = [each.proposal.agent["usage"] for each in candidates if each.proposal is not None]
    assert [usage["calls"] for usage in usages] == [1, 1, 1, 1]
    assert result.ledger.spend.calls == 4
    assert result.ledger.spend.tokens == sum(
        usage["input_tokens"] + usage["output_tokens"] for usage in usages
    )
    key = b"sk-0123456789abcdef"
    assert not [path for path in result.run.path.rglob("*") if path.is_file() and key in path.read_bytes()]


def test_a_token_budget_ends_the_session_and_a_larger_one_goes_on(
    tmp_path: Path, server: ScriptedServer
) -> None:
    project = words_project(tmp_path / "p", proposals=3, control=Control.NONE)
    with pytest.raises(BudgetExhaustedError, match="tokens"):
        optimize_project(project, asking(project, server, tokens=1))
    assert Run.open(tmp_path / "runs" / "r").status is RunStatus.EXHAUSTED
    asked = len(server.requests)

    result = optimize_project(project, asking(project, server, tokens=10_000_000))

    assert asked == 1
    assert len(server.requests) == 3
    assert [each.outcome.value for each in result.ledger.arm(Arm.SEARCH)] == ["keep", "discard", "discard"]


def test_an_agent_that_needs_a_model_is_not_started_without_one(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    options = OptimizeOptions(asked=Asked(agent="codex", sandbox="unconfined"), home=tmp_path / "runs")

    with pytest.raises(UsageError, match="which model is it to use"):
        optimize_project(project, options)
    with pytest.raises(ModelAuthenticationError):
        optimize_project(
            project, replace(options, asked=Asked(agent="codex", model="gpt-5", sandbox="unconfined"))
        )
    assert not (tmp_path / "runs").exists()


def test_a_crash_says_what_the_agent_said(tmp_path: Path) -> None:
    @dataclass(frozen=True, slots=True)
    class Broken:
        name: str = "broken"

        def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
            return AgentRun(
                agent=self.name,
                outcome=AgentOutcome.CRASH,
                trouble=Trouble.AUTHENTICATION,
                reason="no key is set",
            )

    result = run(
        words_project(tmp_path / "p", proposals=1, control=Control.NONE, tasks=(WordsTask(),)), Broken()
    )

    (candidate,) = result.ledger.arm(Arm.SEARCH)
    assert (candidate.outcome.value, candidate.sentence) == ("crash", "no key is set")
