"""What a probe tells apart: the launch, the version, the key, the model, a permission, the server."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import replaying, scene
from recorded_sessions import playing

from honing.agents import (
    AgentOutcome,
    AgentSettings,
    AgentTask,
    CodexAgent,
    FoundAgent,
    Launch,
    ScriptedAgent,
    Support,
    Trouble,
    agent_named,
    find_agents,
    launched,
    next_step,
    package_of,
    probe,
)
from honing.agents.inventory import COMMAND_LINE

SITUATIONS = {
    "missing key": (
        "gemini_cli",
        "echo 'When using Gemini API, you must specify the GEMINI_API_KEY environment variable.' >&2; false",
        (AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        "GEMINI_API_KEY",
        "Set the key",
    ),
    "no model configured": (
        "pi",
        "echo 'No models available. Set an API key, or create ~/.pi/agent/models.json' >&2; exit 1",
        (AgentOutcome.CRASH, Trouble.MODEL),
        "No models available",
        "--agent-model MODEL",
    ),
    "a log folder that cannot be written": (
        "opencode",
        "mkdir -p /usr/share/opencode/log; echo \"EROFS: mkdir '~/.local/share/opencode/log'\" >&2; exit 1",
        (AgentOutcome.CRASH, Trouble.PERMISSION),
        "opencode/log",
        "a folder that it may not write",
    ),
    "a permission that was rejected in the user's name": (
        "opencode",
        "echo 'permission requested: external_directory (/src/*); auto-rejecting' >&2; exit 0",
        (AgentOutcome.REFUSED, Trouble.PERMISSION),
        "it was not permitted to use external_directory (/src/*)",
        "a tool that it is not let use",
    ),
    "options that this version does not know": (
        "codex",
        "echo \"error: unexpected argument '--ephemeral' found\" >&2; exit 2",
        (AgentOutcome.CRASH, Trouble.VERSION),
        "unexpected argument",
        "make agents",
    ),
    "a server that nobody answers at": (
        "codex",
        "echo 'stream error: connect ECONNREFUSED 127.0.0.1:11434' >&2; exit 1",
        (AgentOutcome.CRASH, Trouble.UNREACHABLE),
        "ECONNREFUSED",
        "ollama serve",
    ),
    "a key that is not logged in": (
        "claude_code",
        """echo '{"type":"result","is_error":true,"result":"Not logged in"}'; exit 1""",
        (AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        "Not logged in",
        "ANTHROPIC_API_KEY",
    ),
}
"""The first four are the predecessor's published smoke runs, in the programs' words where these are known."""


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_in_an_agents_way_is_named_with_the_next_step(tmp_path: Path, situation: str) -> None:
    name, script, expected, said, step = SITUATIONS[situation]
    package = package_of(name)
    assert package is not None
    settings = replaying(tmp_path / "bin", package.command, script)
    with scene(tmp_path) as here:
        found = probe(agent_named(name, settings), here.task)

        assert ((found.run.outcome, found.trouble), found.writes) == (expected, False)
        assert found.launches is (found.trouble is not Trouble.VERSION)
        assert said in found.reason
        assert step in next_step(name, found.trouble)


def test_every_trouble_has_a_next_step() -> None:
    without = [trouble for trouble in Trouble if not next_step("codex", trouble)]

    assert without == [Trouble.NONE]
    assert "npm install -g @openai/codex@0.169.0" in next_step("codex", Trouble.PROGRAM)
    assert "npm" not in next_step("command", Trouble.PROGRAM)


@pytest.mark.parametrize(
    ("session", "trouble", "said"),
    [
        ("codex_edit", Trouble.PERMISSION, "it used its tools, which may not write there"),
        ("codex_unsupported", Trouble.MODEL, "its model answered and used no tool that writes"),
    ],
)
def test_a_file_that_is_not_there_is_the_tools_fault_or_the_models(
    tmp_path: Path, session: str, trouble: Trouble, said: str
) -> None:
    with scene(tmp_path) as here:
        found = probe(CodexAgent(playing(tmp_path / "bin", session)), here.task)

        assert (found.launches, found.answers, found.writes, found.trouble) == (True, True, False, trouble)
        assert said in found.reason


def test_another_content_or_a_link_is_not_what_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("ready\n")

    class Linking(ScriptedAgent):
        def run(self, task: AgentTask, *, cancel: threading.Event | None = None) -> object:  # type: ignore[override]
            (task.workspace / "honing-probe.txt").symlink_to(tmp_path / "elsewhere")
            return super().run(task, cancel=cancel)

    with scene(tmp_path / "a") as here:
        other = probe(ScriptedAgent({"honing-probe.txt": "already"}), here.task)
    with scene(tmp_path / "b") as here:
        linked = probe(Linking({}), here.task)

    assert (other.writes, linked.writes) == (False, False)


def test_a_launch_asks_no_model_and_says_the_version(tmp_path: Path) -> None:
    settings = replaying(tmp_path / "bin", "codex", "touch /workspace/was-started")
    with scene(tmp_path) as here:
        task = replace(here.task, channel=None, model="")
        found = launched("codex", settings, task)

        assert found == Launch(ok=True, version="9.8.7")
        assert (here.left, here.server.requests, task.home.exists()) == ({}, [], False)


def test_a_launch_that_fails_is_the_programs_or_the_versions_fault(tmp_path: Path) -> None:
    silent = replaying(tmp_path / "bin", "codex", "")
    program = tmp_path / "bin" / "codex"
    program.write_text(program.read_text().replace("codex 9.8.7", "hello"))
    with scene(tmp_path) as here:
        gone = launched("codex", AgentSettings(path=str(tmp_path)), here.task)
        mute = launched("codex", silent, here.task)
        played = launched("nop", AgentSettings(), here.task)

    assert gone == Launch(ok=False, trouble=Trouble.PROGRAM, reason="the program 'codex' was not found")
    assert (mute.ok, mute.trouble, "names no version" in mute.reason) == (False, Trouble.VERSION, True)
    assert played == Launch(ok=True)


def test_the_levels_of_support_are_in_order() -> None:
    assert [level.value for level in Support] == ["none", "launches", "writes", "validated"]


def test_agents_are_listed_with_the_version_that_their_package_says(tmp_path: Path) -> None:
    package = tmp_path / "node_modules/@openai/codex-linux-x64"
    native = package / "vendor/x/bin/codex"
    native.parent.mkdir(parents=True)
    native.write_text("#!/bin/sh\nexit 9\n")
    native.chmod(0o755)
    (package / "package.json").write_text(json.dumps({"version": "0.169.0-linux-x64"}))

    found = {each.package.agent: each for each in find_agents(AgentSettings(folder=tmp_path))}

    codex = package_of("codex")
    assert codex is not None
    assert tuple(found) == COMMAND_LINE
    assert found["codex"] == FoundAgent(package=codex, program=native, version="0.169.0")
    assert (found["codex"].fits, found["pi"].program, found["pi"].fits) == (True, None, False)


@pytest.mark.parametrize("text", ["{", '"text"', '{"version": 7}', "{}"])
def test_a_package_that_says_no_version_has_none(tmp_path: Path, text: str) -> None:
    settings = replaying(tmp_path / "bin", "codex", "")
    (tmp_path / "package.json").write_text(text)

    assert {each.version for each in find_agents(settings)} == {""}
