"""What was measured of Codex and what our adapter rests on, against the real program on a scripted model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import INSTALLED, real, scene, shell
from agent_variants import replacing, variant
from recorded_sessions import PATCH, HeardCodex

from honing.agents import AgentEvent, AgentOutcome, AgentSettings, Trouble, served_by
from honing.llm import Fault, FaultKind, ScriptedServer, ToolScript, ToolStep, Upstream

pytestmark = pytest.mark.agent_cli
TOUCH = shell("codex", "touch made.txt")


def test_its_own_count_of_tokens_is_the_gateways_summed_over_requests(tmp_path: Path) -> None:
    agent = HeardCodex(AgentSettings(folder=INSTALLED))
    with scene(tmp_path, [TOUCH, "Done."]) as here:
        run = agent.run(here.task)

        events = [json.loads(line) for line in agent.printed.splitlines()]
        claimed = next(event["usage"] for event in events if event["type"] == "turn.completed")
        assert (run.usage.calls, run.usage.input_tokens, run.usage.output_tokens) == (
            2, claimed["input_tokens"], claimed["output_tokens"],
        )  # fmt: skip


def test_a_patch_goes_through_the_shell_tool_and_is_told_as_a_change_of_files(tmp_path: Path) -> None:
    with scene(tmp_path, [ToolStep([("exec_command", {"cmd": PATCH})]), "Done."]) as here:
        run = real("codex").run(here.task)

        assert (run.outcome, here.left) == (AgentOutcome.FINISHED, {"hello.txt": "text\n"})
        assert AgentEvent("tool", "change /workspace/hello.txt") in run.events


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("shell", {"command": ["touch", "made.txt"]}), ("apply_patch", {"input": PATCH})],
)
def test_a_tool_it_does_not_have_changes_nothing_and_it_ends_well_all_the_same(
    tmp_path: Path, tool: str, arguments: dict[str, object]
) -> None:
    with scene(tmp_path, [ToolStep([(tool, arguments)]), "Done."]) as here:
        run = real("codex").run(here.task)

        said = json.dumps(here.server.requests[-1].body)
        assert (run.outcome, run.exit_code, here.left) == (AgentOutcome.FINISHED, 0, {})
        assert f"unsupported call: {tool}" in said


def test_an_item_of_type_error_in_a_run_that_succeeds_is_a_note(tmp_path: Path) -> None:
    with scene(tmp_path, [TOUCH, "Done."]) as here:
        run = real("codex").run(here.task)

        notes = [event.text for event in run.events if event.kind == "note"]
        assert (run.outcome, run.reason, here.left) == (AgentOutcome.FINISHED, "", {"made.txt": ""})
        assert ["Model metadata for `scripted` not found" in note for note in notes] == [True]


def test_its_home_lies_outside_the_temporary_folder_where_helpers_are_refused(tmp_path: Path) -> None:
    refused = "Refusing to create helper binaries under temporary dir"
    with scene(tmp_path / "ours", ["Done."]) as here:
        ours = real("codex").run(here.task)
    with scene(tmp_path / "other", ["Done."]) as here:
        other = variant("codex", env={"CODEX_HOME": "/tmp"}).run(here.task)

    assert (refused in ours.stderr, refused in other.stderr) == (False, True)


def test_its_inner_sandbox_is_off_since_within_ours_no_command_would_start(tmp_path: Path) -> None:
    within = replacing("--dangerously-bypass-approvals-and-sandbox", "--sandbox=workspace-write")
    with scene(tmp_path, [TOUCH, "Done."]) as here:
        run = variant("codex", arguments=within).run(here.task)

        # The exit code is 0 all the same: what changed is read from the folder alone.
        assert (run.outcome, run.exit_code, here.left) == (AgentOutcome.FINISHED, 0, {})


def test_the_chat_wire_is_refused_so_responses_it_is(tmp_path: Path) -> None:
    with scene(tmp_path, ["Done."]) as here:
        run = variant("codex", arguments=replacing("wire_api=responses", "wire_api=chat")).run(here.task)

        assert (run.outcome, run.usage.calls) == (AgentOutcome.CRASH, 0)
        assert '`wire_api = "chat"` is no longer supported' in run.reason


@pytest.mark.parametrize(
    ("env", "without", "trouble", "said"),
    [
        ({}, ("HONING_AGENT_KEY",), Trouble.AUTHENTICATION, "Missing environment variable"),
        ({"CODEX_HOME": "/usr/share"}, (), Trouble.PERMISSION, "Read-only file system"),
    ],
    ids=["no key", "a home that cannot be written"],
)
def test_what_keeps_it_from_starting_is_named(
    tmp_path: Path, env: dict[str, str], without: tuple[str, ...], trouble: Trouble, said: str
) -> None:
    with scene(tmp_path, ["Done."]) as here:
        run = variant("codex", env=env, without=without).run(here.task)

        assert (run.outcome, run.trouble, run.usage.calls) == (AgentOutcome.CRASH, trouble, 0)
        assert said in run.reason


def test_options_of_another_version_are_told_apart(tmp_path: Path) -> None:
    with scene(tmp_path, ["Done."]) as here:
        run = variant("codex", arguments=lambda given: (*given, "--frobnicate")).run(here.task)

        assert (run.outcome, run.trouble) == (AgentOutcome.CRASH, Trouble.VERSION)
        assert "unexpected argument '--frobnicate'" in run.reason


def test_one_request_is_made_where_the_server_fails_and_its_words_are_kept(tmp_path: Path) -> None:
    fault = Fault(kind=FaultKind.SERVER_ERROR, text="disk of the server is full")
    with scene(tmp_path, faults=[fault] * 9) as here:
        run = real("codex").run(here.task)

        # Codex itself says "high demand" in place of what the server said.
        assert (run.outcome, run.trouble, len(here.server.requests)) == (
            AgentOutcome.INFRA_ERROR, Trouble.SERVER, 1,
        )  # fmt: skip
        assert "disk of the server is full" in run.reason


def test_how_much_it_thinks_can_be_told(tmp_path: Path) -> None:
    options = {"effort": "high"}
    with scene(tmp_path, ["Done."], wire="openai_responses") as here:
        agent = HeardCodex(AgentSettings(folder=INSTALLED, options=options))

        run = agent.run(here.task)

        # It sends no effort for a model it knows nothing of, and does not fail for it.
        assert (run.outcome, run.reason) == (AgentOutcome.FINISHED, "")


def test_a_local_server_answers_it_through_the_gateway_alone(tmp_path: Path) -> None:
    with ScriptedServer(ToolScript([TOUCH, "Done."])) as local, scene(tmp_path) as here:
        found = served_by("", {"oss": local.base_url}, {})
        channel = here.gateway.channel("local", Upstream(found.endpoint, model=found.model))

        run = real("codex").run(replace(here.task, model=found.model, channel=channel))

        asked = {request.body["model"] for request in local.requests}
        assert (run.outcome, here.left, asked) == (AgentOutcome.FINISHED, {"made.txt": ""}, {"gpt-oss:20b"})
        assert (run.usage.calls, here.server.requests) == (2, [])


def test_a_model_that_the_local_server_does_not_have_is_said(tmp_path: Path) -> None:
    missing = Fault(kind=FaultKind.BAD_REQUEST, text="model 'gpt-oss:20b' not found")
    with ScriptedServer(ToolScript(["Done."]), faults=[missing] * 9) as local, scene(tmp_path) as here:
        found = served_by("gpt-oss:20b", {"oss": "ollama"}, {"OLLAMA_HOST": local.base_url})
        channel = here.gateway.channel("local", Upstream(found.endpoint, model=found.model))

        run = real("codex").run(replace(here.task, model=found.model, channel=channel))

        assert (run.outcome, run.trouble) == (AgentOutcome.CRASH, Trouble.MODEL)
        assert "model 'gpt-oss:20b' not found" in run.reason
