"""What holds for every agent, and how endings are told apart that a real program shows only by chance.

The programs here are small shell scripts with an agent's name on PATH: process, parser and limits are real.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import ASK, replaying, scene

from honing.agents import (
    Agent,
    AgentOutcome,
    AgentSettings,
    AgentTask,
    ClaudeCodeAgent,
    CodexAgent,
    NopAgent,
    ScriptedAgent,
    Trouble,
    probe,
)
from honing.errors import AgentError, MissingToolError
from honing.sandbox import Capability, Scripted, ScriptedSandbox

WRITE = "printf 'ready\\n' > honing-probe.txt"


def agents(folder: Path) -> dict[str, Agent]:
    codex = replaying(folder, "codex", f"{ASK}\n{WRITE}")
    claude = replaying(folder, "claude", f"{ASK}\n{WRITE}")
    return {
        "scripted": ScriptedAgent({"honing-probe.txt": "ready\n"}),
        "codex": CodexAgent(codex),
        "claude_code": ClaudeCodeAgent(claude),
    }


@pytest.mark.parametrize("name", ["scripted", "codex", "claude_code"])
def test_every_agent_writes_what_it_is_asked_for_and_says_how_it_ended(tmp_path: Path, name: str) -> None:
    with scene(tmp_path) as here:
        agent = agents(tmp_path / "bin")[name]

        found = probe(agent, here.task)

        assert (agent.name, found.run.agent, found.ok) == (name, name, True)
        assert (found.run.outcome, found.run.ok, here.left) == (
            AgentOutcome.FINISHED, True, {"honing-probe.txt": "ready\n"},
        )  # fmt: skip
        assert json.loads(json.dumps(found.run.as_document()))["outcome"] == "finished"


@pytest.mark.parametrize("name", ["scripted", "codex", "claude_code"])
def test_every_agent_stops_when_it_is_asked_to(tmp_path: Path, name: str) -> None:
    asked = threading.Event()
    asked.set()
    with scene(tmp_path) as here:
        run = agents(tmp_path / "bin")[name].run(here.task, cancel=asked)

        assert (run.outcome, here.left) == (AgentOutcome.STOPPED, {})


def test_an_agent_that_does_nothing_finishes_and_is_found_out_by_a_probe(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        found = probe(NopAgent(), here.task)

        assert (found.run.outcome, found.ok, found.launches, found.answers) == (
            AgentOutcome.FINISHED, False, True, False,
        )  # fmt: skip
        assert "honing-probe.txt is not there" in found.reason


@pytest.mark.parametrize(
    ("program", "script", "expected", "said"),
    [
        ("codex", "exit 0", (AgentOutcome.CRASH, Trouble.OTHER), "without asking its model anything"),
        ("codex", "echo broken >&2; exit 3", (AgentOutcome.CRASH, Trouble.OTHER), "ended with 3: broken"),
        (
            "codex",
            f"""{ASK}\necho '{{"type":"turn.failed","error":{{"message":"no sense"}}}}'""",
            (AgentOutcome.CRASH, Trouble.OTHER),
            "no sense",
        ),
        ("codex", "kill -9 $$", (AgentOutcome.CRASH, Trouble.OTHER), "ended by a signal"),
        (
            "claude",
            f"""{ASK}\necho '{{"type":"result","is_error":true,"result":"Not logged in"}}'""",
            (AgentOutcome.CRASH, Trouble.AUTHENTICATION),
            "Not logged in",
        ),
        (
            "claude",
            f"""{ASK}\necho '{{"type":"result","result":"I could not.","permission_denials":"""
            """[{"tool_name":"Write"},{"tool_name":"Write"}]}'""",
            (AgentOutcome.REFUSED, Trouble.PERMISSION),
            "not permitted to use Write",
        ),
    ],
    ids=["asks nothing", "exits with 3", "turn failed", "killed", "no log-in", "denied"],
)
def test_endings_are_told_apart(
    tmp_path: Path, program: str, script: str, expected: tuple[AgentOutcome, Trouble], said: str
) -> None:
    settings = replaying(tmp_path / "bin", program, script)
    agent = CodexAgent(settings) if program == "codex" else ClaudeCodeAgent(settings)
    with scene(tmp_path) as here:
        run = agent.run(here.task)

        assert (run.outcome, run.trouble) == expected
        assert said in run.reason


def test_a_program_that_is_not_there_says_how_to_install_it(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        found = probe(CodexAgent(AgentSettings(path=str(tmp_path))), here.task)

        assert (found.run.outcome, found.trouble, found.launches) == (
            AgentOutcome.CRASH, Trouble.PROGRAM, False,
        )  # fmt: skip
        assert "make agents" in found.reason
        assert "npm install -g @openai/codex@0.169.0" in found.reason


def test_a_program_that_names_no_version_is_not_used(tmp_path: Path) -> None:
    settings = replaying(tmp_path / "bin", "codex", WRITE)
    program = tmp_path / "bin" / "codex"
    program.write_text(program.read_text().replace("codex 9.8.7", "hello"))
    with scene(tmp_path) as here:
        found = probe(CodexAgent(settings), here.task)

        assert (found.run.outcome, found.trouble, found.launches, here.left) == (
            AgentOutcome.CRASH, Trouble.VERSION, False, {},
        )  # fmt: skip


def test_the_version_that_ran_is_recorded(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        run = CodexAgent(replaying(tmp_path / "bin", "codex", ASK)).run(here.task)

        assert run.version == "9.8.7"


def test_no_program_starts_without_the_protections_it_needs(tmp_path: Path) -> None:
    weak = ScriptedSandbox({}, default=Scripted(), capabilities=frozenset({Capability.ENV_CLEAN}))
    agent = CodexAgent(replaying(tmp_path / "bin", "codex", ASK))
    with scene(tmp_path) as here, pytest.raises(MissingToolError, match="agent codex needs"):
        agent.run(replace(here.task, sandbox=weak))
    assert weak.commands == []


def test_a_task_without_a_model_is_the_callers_mistake(tmp_path: Path) -> None:
    agent = CodexAgent(replaying(tmp_path / "bin", "codex", ASK))
    with scene(tmp_path) as here, pytest.raises(AgentError, match="needs a model"):
        agent.run(replace(here.task, model=""))


def test_a_scripted_agent_writes_removes_and_stays_inside(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        (here.workspace / "old.txt").write_text("old")

        run = ScriptedAgent({"old.txt": None, "a/run.sh": "#!/bin/sh\n"}).run(here.task)
        escaped = ScriptedAgent({"../out.txt": "x"}).run(here.task)

        assert (run.outcome, here.left) == (AgentOutcome.FINISHED, {"a/run.sh": "#!/bin/sh\n"})
        assert (here.workspace / "a/run.sh").stat().st_mode & 0o100
        assert (escaped.outcome, (tmp_path / "out.txt").exists()) == (AgentOutcome.CRASH, False)


def test_a_scripted_agent_may_decide_by_the_task(tmp_path: Path) -> None:
    def edits(task: AgentTask) -> dict[str, str]:
        if "please" not in task.brief:
            raise AgentError("ask politely")
        return {"done.txt": task.brief}

    with scene(tmp_path) as here:
        rude = ScriptedAgent(edits).run(here.task)
        polite = ScriptedAgent(edits).run(replace(here.task, brief="please"))

        assert (rude.outcome, rude.reason) == (AgentOutcome.CRASH, "ask politely")
        assert (polite.outcome, here.left) == (AgentOutcome.FINISHED, {"done.txt": "please"})
