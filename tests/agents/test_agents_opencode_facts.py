"""What was measured of OpenCode 1.18.33 and what its adapter rests on, with the real program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import real, scene
from further_agents import PATIENT_S, altered, command, traces_on_this_machine
from further_sessions import OUTSIDE, asking

from honing.agents import AgentOutcome, Trouble
from honing.agents.launch import Invocation

pytestmark = pytest.mark.agent_cli
NAME = "opencode"


def without_provider(made: Invocation) -> Invocation:
    config = json.loads(made.env["OPENCODE_CONFIG_CONTENT"])
    return replace(made, env={**made.env, "OPENCODE_CONFIG_CONTENT": json.dumps({**config, "provider": {}})})


def test_a_folder_of_logs_that_it_cannot_write_is_a_matter_of_permission(tmp_path: Path) -> None:
    def unwritable(made: Invocation) -> Invocation:
        return replace(made, env={**made.env, "XDG_DATA_HOME": "/usr/share"})

    with scene(tmp_path, limit_s=PATIENT_S) as here:
        run = altered(NAME, unwritable).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (AgentOutcome.CRASH, Trouble.PERMISSION, 0)
        assert "read-only file system, mkdir '/usr/share/opencode'" in run.reason


@pytest.mark.slow
def test_a_permission_that_it_refuses_in_the_users_name_is_a_refusal(tmp_path: Path) -> None:
    with scene(tmp_path, [OUTSIDE, "I could not."], limit_s=PATIENT_S) as here:
        run = altered(NAME, asking).run(here.task)

        assert (run.outcome, run.trouble, run.exit_code) == (AgentOutcome.REFUSED, Trouble.PERMISSION, 0)
        assert run.reason == "it was not permitted to use write"
        assert "permission requested: external_directory (/home/agent/src/*); auto-rejecting" in run.stderr


@pytest.mark.slow
def test_started_by_us_it_may_write_wherever_the_sandbox_lets_it(tmp_path: Path) -> None:
    steps = [OUTSIDE, command(NAME, "cat /home/agent/src/x.txt > out.txt"), "Done."]
    with scene(tmp_path, steps, limit_s=PATIENT_S) as here:
        run = real(NAME).run(here.task)

        assert (run.outcome, here.left) == (AgentOutcome.FINISHED, {"out.txt": "x"})


@pytest.mark.slow
def test_a_model_that_it_does_not_know_is_told_apart(tmp_path: Path) -> None:
    with scene(tmp_path, limit_s=PATIENT_S) as here:
        run = altered(NAME, without_provider).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (AgentOutcome.CRASH, Trouble.MODEL, 0)


@pytest.mark.slow
def test_without_a_title_of_ours_it_asks_for_one_without_tools(tmp_path: Path) -> None:
    def untitled(made: Invocation) -> Invocation:
        return replace(made, arguments=tuple(w for w in made.arguments if w not in ("--title", "honing")))

    with scene(tmp_path, ["All done."], limit_s=PATIENT_S) as here:
        run = altered(NAME, untitled).run(here.task)

        asked = sorted(len(request.body.get("tools", ())) for request in here.server.requests)
        assert (run.outcome, run.message, asked) == (AgentOutcome.FINISHED, "All done.", [0, 8])


@pytest.mark.slow
def test_the_library_that_it_leaves_behind_lies_in_a_temporary_folder_of_its_own(tmp_path: Path) -> None:
    look = (
        "ls -A /tmp | grep -c '^[.].*-00000000[.]so$' > seen.txt; ls -d ~/.local/share/opencode >> seen.txt"
    )
    before = traces_on_this_machine()
    with scene(tmp_path, [command(NAME, look), "Done."], limit_s=PATIENT_S) as here:
        run = real(NAME).run(here.task)

        assert (run.outcome, here.left) == (
            AgentOutcome.FINISHED, {"seen.txt": "1\n/home/agent/.local/share/opencode\n"},
        )  # fmt: skip
    assert traces_on_this_machine() == before
