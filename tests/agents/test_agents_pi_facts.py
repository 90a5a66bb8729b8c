"""What was measured of Pi 0.73.1 and what its adapter rests on, with the real program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import real, scene
from further_agents import PATIENT_S, altered, command

from honing.agents import AgentOutcome, Trouble
from honing.agents.launch import Invocation

pytestmark = pytest.mark.agent_cli
NAME = "pi"


def unconfigured(made: Invocation) -> Invocation:
    return replace(made, files={})


def test_a_model_of_no_configured_provider_is_told_apart(tmp_path: Path) -> None:
    with scene(tmp_path, limit_s=PATIENT_S) as here:
        run = altered(NAME, unconfigured).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (AgentOutcome.CRASH, Trouble.MODEL, 0)
        assert 'Unknown provider "honing"' in run.reason


@pytest.mark.slow
def test_no_provider_at_all_is_a_missing_key(tmp_path: Path) -> None:
    def bare(made: Invocation) -> Invocation:
        return replace(unconfigured(made), arguments=("-p", "--mode", "json", "--no-session", "--offline"))

    with scene(tmp_path, limit_s=PATIENT_S) as here:
        run = altered(NAME, bare).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (
            AgentOutcome.CRASH, Trouble.AUTHENTICATION, 0,
        )  # fmt: skip
        assert "No API key found" in run.reason


@pytest.mark.slow
def test_it_asks_for_no_permission_and_repeats_no_unfinished_answer(tmp_path: Path) -> None:
    steps = [
        command(NAME, "echo x > /home/agent/x.txt; cat /home/agent/x.txt > out.txt"),
        "A long answer. " * 99,
    ]
    with scene(tmp_path, steps, limit_s=PATIENT_S) as here:
        run = real(NAME).run(here.task)

        assert (run.outcome, here.left, run.message) == (
            AgentOutcome.FINISHED, {"out.txt": "x\n"}, "A long answer. " * 99,
        )  # fmt: skip
        assert "message_update" not in run.stdout
