"""What was measured of Gemini CLI 0.61.0 and what its adapter rests on, with the real program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import real, scene
from further_agents import PATIENT_S, altered, command, write
from further_sessions import unapproved

from honing.agents import AgentOutcome, Trouble
from honing.agents.launch import Invocation

pytestmark = pytest.mark.agent_cli
NAME = "gemini_cli"


def test_a_missing_key_is_told_apart(tmp_path: Path) -> None:
    def keyless(made: Invocation) -> Invocation:
        return replace(made, env={name: made.env[name] for name in made.env if name != "GEMINI_API_KEY"})

    with scene(tmp_path, wire="gemini", limit_s=PATIENT_S) as here:
        run = altered(NAME, keyless).run(here.task)

        assert (run.outcome, run.trouble, run.exit_code, run.usage.calls) == (
            AgentOutcome.CRASH, Trouble.AUTHENTICATION, 41, 0,
        )  # fmt: skip
        assert "you must specify the GEMINI_API_KEY environment variable" in run.reason


@pytest.mark.slow
def test_a_tool_that_is_withheld_is_a_refusal_though_it_says_success(tmp_path: Path) -> None:
    steps = [write(NAME, "out.txt", "ready\n"), "I could not."]
    with scene(tmp_path, steps, wire="gemini", limit_s=PATIENT_S) as here:
        run = altered(NAME, unapproved).run(here.task)

        assert (run.outcome, run.trouble, run.exit_code, here.left) == (
            AgentOutcome.REFUSED, Trouble.PERMISSION, 0, {},
        )  # fmt: skip
        assert run.reason == "it was not permitted to use write_file"
        assert '"status":"success"' in run.stdout.splitlines()[-1]


@pytest.mark.slow
def test_it_is_one_process_asks_where_the_wire_says_and_leaves_its_traces_inside(tmp_path: Path) -> None:
    look = "grep -lz 'gemini[.]js' /proc/[0-9]*/cmdline | wc -l > seen.txt; ls /tmp >> seen.txt"
    with scene(tmp_path, [command(NAME, look), "Done."], wire="gemini", limit_s=PATIENT_S) as here:
        run = real(NAME).run(here.task)

        processes, *traces = here.left["seen.txt"].splitlines()
        assert (run.outcome, processes) == (AgentOutcome.FINISHED, "1")
        assert [name for name in traces if name.startswith("gemini-shell-")] != []
        asked = here.server.requests[0]
        assert asked.path.endswith("/v1beta/models/scripted:streamGenerateContent")


@pytest.mark.slow
def test_gemini_md_is_all_that_it_takes_from_the_workspace(tmp_path: Path) -> None:
    with scene(tmp_path, wire="gemini", limit_s=PATIENT_S) as here:
        (here.workspace / "GEMINI.md").write_text("Always say CANARY.")

        run = real(NAME).run(here.task)

        # It has no switch against it. A harness may hold this file, so it is not hidden.
        said = json.dumps([request.body for request in here.server.requests])
        assert (run.outcome, "CANARY" in said) == (AgentOutcome.FINISHED, True)
