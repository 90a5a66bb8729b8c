"""What was measured of Claude Code and what our adapter rests on, against the real program."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import INSTALLED, real, scene, shell
from agent_variants import Arguments, variant
from recorded_sessions import HeardClaude

from honing.agents import AgentOutcome, AgentSettings, Trouble
from honing.llm import Fault, FaultKind, ToolStep
from honing.sandbox import LandlockSandbox

pytestmark = pytest.mark.agent_cli
WRITE = ToolStep([("Write", {"file_path": "/workspace/made.txt", "content": "x\n"})])


def unpermitted(given: Arguments) -> Arguments:
    """Ours without what permits tools; that stands last, since --allowedTools takes every word after it."""
    return given[: given.index("--permission-mode")]


def test_its_own_price_is_invented_and_its_count_of_tokens_is_the_gateways(tmp_path: Path) -> None:
    agent = HeardClaude(AgentSettings(folder=INSTALLED))
    with scene(tmp_path, [WRITE, "Done."]) as here:
        run = agent.run(here.task)

        claimed = json.loads(agent.printed.splitlines()[-1])
        assert (claimed["total_cost_usd"] > 0, run.usage.cost_usd) == (True, None)
        assert (run.usage.calls, run.usage.input_tokens, run.usage.output_tokens) == (
            2, claimed["usage"]["input_tokens"], claimed["usage"]["output_tokens"],
        )  # fmt: skip


def test_without_permission_it_ends_well_writes_nothing_and_we_say_refused(tmp_path: Path) -> None:
    steps = [WRITE, shell("claude_code", "touch made.txt"), "I could not."]
    with scene(tmp_path, steps) as here:
        run = variant("claude_code", arguments=unpermitted).run(here.task)

        assert (run.outcome, run.trouble, run.exit_code, here.left) == (
            AgentOutcome.REFUSED, Trouble.PERMISSION, 0, {},
        )  # fmt: skip
        assert run.reason == "it was not permitted to use Write, Bash"


def test_as_root_it_refuses_to_skip_permissions_so_each_tool_is_allowed_by_name(tmp_path: Path) -> None:
    skipping = variant(
        "claude_code", arguments=lambda given: (*unpermitted(given), "--dangerously-skip-permissions")
    )
    # This sandbox keeps the user's id, which the other one hides.
    with scene(tmp_path, [WRITE, "Done."]) as here:
        run = skipping.run(replace(here.task, sandbox=LandlockSandbox()))

        refused = "cannot be used with root/sudo privileges" in run.reason
        assert (refused, run.usage.calls == 0) == ((os.geteuid() == 0,) * 2)


def test_success_is_its_word_for_a_failure_of_the_server_and_it_asks_once(tmp_path: Path) -> None:
    agent = HeardClaude(AgentSettings(folder=INSTALLED))
    with scene(tmp_path, faults=[Fault(kind=FaultKind.SERVER_ERROR, text="disk full")] * 20) as here:
        run = agent.run(here.task)

        last = json.loads(agent.printed.splitlines()[-1])
        assert (last["subtype"], last["is_error"], last["api_error_status"]) == ("success", True, 500)
        assert (run.outcome, run.trouble, len(here.server.requests)) == (
            AgentOutcome.INFRA_ERROR, Trouble.SERVER, 1,
        )  # fmt: skip
        assert "disk full" in run.reason


@pytest.mark.slow
def test_left_alone_it_tries_again_and_again(tmp_path: Path) -> None:
    faults = [Fault(kind=FaultKind.SERVER_ERROR)] * 50
    with scene(tmp_path, faults=faults, limit_s=12) as here:
        variant("claude_code", without=("CLAUDE_CODE_MAX_RETRIES",)).run(here.task)

        assert len(here.server.requests) > 1


def test_a_command_that_only_sleeps_is_refused_by_itself(tmp_path: Path) -> None:
    with scene(tmp_path, [shell("claude_code", "sleep 97"), "Done."]) as here:
        run = real("claude_code").run(here.task)

        said = json.dumps(here.server.requests[-1].body)
        assert (run.outcome, "Blocked: standalone sleep" in said) == (AgentOutcome.FINISHED, True)


def test_without_a_key_it_is_not_logged_in(tmp_path: Path) -> None:
    with scene(tmp_path, ["Done."]) as here:
        run = variant("claude_code", without=("ANTHROPIC_API_KEY",)).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (
            AgentOutcome.CRASH, Trouble.AUTHENTICATION, 0,
        )  # fmt: skip
        assert "Not logged in" in run.reason


def test_options_of_another_version_are_told_apart(tmp_path: Path) -> None:
    with scene(tmp_path, ["Done."]) as here:
        run = variant("claude_code", arguments=lambda _: ("-p", "--frobnicate")).run(here.task)

        assert (run.outcome, run.trouble) == (AgentOutcome.CRASH, Trouble.VERSION)
        assert "unknown option '--frobnicate'" in run.reason


@pytest.mark.slow
def test_a_home_that_cannot_be_written_does_not_keep_it_from_its_work(tmp_path: Path) -> None:
    with scene(tmp_path, [WRITE, "Done."]) as here:
        run = variant("claude_code", env={"CLAUDE_CONFIG_DIR": "/usr/share"}).run(here.task)

        assert (run.outcome, here.left) == (AgentOutcome.FINISHED, {"made.txt": "x\n"})
