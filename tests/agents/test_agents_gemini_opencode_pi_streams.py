"""Recorded sessions of Gemini CLI, OpenCode and Pi: read as they are, damaged, played by a small program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_scene import INSTALLED, replaying, scene
from further_agents import CLASSES, NAMES
from further_sessions import RECORDED, SESSIONS, reader, stream
from hypothesis import given
from hypothesis import strategies as st

from honing.agents import AgentEvent, AgentOutcome, AgentRun, AgentSettings, Trouble
from honing.agents.transcript import Transcript

_REFUSED = "the server refused the key (HTTP 401: the key is not valid); check which key is set"
_FIRST, _LAST = AgentEvent("message", "I look first."), AgentEvent("message", "All done.")


def _edited(*tools: str) -> Transcript:
    events = [AgentEvent("tool", tool) for tool in tools]
    return Transcript(events=(_FIRST, *events, _LAST), message="All done.", used_tools=3)


EXPECTED = {
    "gemini_cli_edit": _edited(
        "run_shell_command ls -a",
        "write_file /workspace/hello.txt",
        "run_shell_command cat nothing-here",
    ),
    "gemini_cli_withheld": Transcript(
        events=(
            AgentEvent("tool", "write_file /workspace/hello.txt"),
            AgentEvent("message", "I could not."),
        ),
        message="I could not.",
        denied=("write_file",),
        used_tools=1,
    ),
    "gemini_cli_unauthorized": Transcript(
        complaint=f'[API Error: {{"error":{{"code":401,"message":"{_REFUSED}","status":"UNAUTHENTICATED"}}}}]'
    ),
    "opencode_edit": _edited("bash ls -a", "write /workspace/hello.txt", "bash cat nothing-here"),
    "opencode_rejected": Transcript(
        events=(
            AgentEvent(
                "tool",
                "write /home/agent/src/x.txt -> The user rejected permission to use this specific tool call.",
            ),
        ),
        denied=("write",),
        used_tools=1,
    ),
    "opencode_unauthorized": Transcript(complaint=f"APIError: {_REFUSED}"),
    "pi_edit": _edited("bash ls -a", "write hello.txt", "bash cat nothing-here"),
    "pi_unauthorized": Transcript(complaint=f"401 {_REFUSED}"),
}
SESSION_NAMES = list(SESSIONS)
READERS = [CLASSES[name](AgentSettings()) for name in NAMES]
PROGRAMS = {"gemini_cli": "gemini", "opencode": "opencode", "pi": "pi"}
ASK = """
python3 - <<'END'
import json, os, urllib.request
key = os.environ["HONING_TEST_TOKEN"]
body = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
request = urllib.request.Request(
    "http://127.0.0.1:4141/v1/chat/completions", json.dumps(body).encode(),
    {"authorization": "Bearer " + key, "content-type": "application/json"},
)
urllib.request.urlopen(request).read()
END
"""
"""Shell text that asks the model once."""


def played(folder: Path, agent: str, script: str) -> AgentRun:
    """How a run ends whose program is this shell text."""
    made = CLASSES[agent](replaying(folder / "bin", PROGRAMS[agent], f"{ASK}\n{script}"))
    with scene(folder) as here:
        assert here.task.channel is not None
        run: AgentRun = made.run(replace(here.task, env={"HONING_TEST_TOKEN": here.task.channel.token}))
        return run


def printing(text: str) -> str:
    assert "END_OF_SESSION" not in text
    return f"cat <<'END_OF_SESSION'\n{text.rstrip()}\nEND_OF_SESSION\n"


def test_every_recorded_stream_is_of_a_session_and_every_session_is_recorded() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == set(SESSIONS) == set(EXPECTED)


@pytest.mark.parametrize("name", SESSION_NAMES)
def test_a_session_is_read_whole(name: str) -> None:
    assert reader(name).read(stream(name)) == EXPECTED[name]


@pytest.mark.agent_cli
@pytest.mark.slow
@pytest.mark.parametrize("name", SESSION_NAMES)
def test_the_real_program_prints_today_what_was_recorded(tmp_path: Path, name: str) -> None:
    assert (INSTALLED / ".installed").is_file(), "run `make agents`"

    assert reader(name).read(SESSIONS[name].printed(tmp_path)) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "exit_code", "outcome", "trouble"),
    [
        ("gemini_cli_edit", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("gemini_cli_withheld", 0, AgentOutcome.REFUSED, Trouble.PERMISSION),
        ("gemini_cli_unauthorized", 145, AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        ("opencode_edit", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("opencode_rejected", 0, AgentOutcome.REFUSED, Trouble.PERMISSION),
        ("opencode_unauthorized", 1, AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        ("pi_edit", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("pi_unauthorized", 0, AgentOutcome.CRASH, Trouble.AUTHENTICATION),
    ],
)
def test_a_played_session_ends_as_the_real_one_told_it(
    tmp_path: Path, name: str, exit_code: int, outcome: AgentOutcome, trouble: Trouble
) -> None:
    run = played(tmp_path, SESSIONS[name].agent, f"{printing(stream(name))}exit {exit_code}")

    assert (run.outcome, run.trouble, run.version, run.exit_code, run.message, run.events) == (
        outcome, trouble, "9.8.7", exit_code, EXPECTED[name].message, EXPECTED[name].events,
    )  # fmt: skip
    assert run.usage.calls == 1


def test_a_flood_of_unfinished_answers_does_not_push_out_what_pi_did(tmp_path: Path) -> None:
    # 24 MB, where 8 are kept: before, amid and after the events.
    update = '{"type":"message_update","message":{"role":"assistant","content":"' + "x" * 900
    flood = f"yes '{update}' | head -n 9000"
    lines = stream("pi_edit").splitlines()
    head, tail = printing("\n".join(lines[:9])), printing("\n".join(lines[9:]))
    script = f"{flood}\n{head}{flood}\n{tail}{flood}\nexit 3"

    run = played(tmp_path, "pi", script)

    assert (run.events, run.message, run.exit_code) == (EXPECTED["pi_edit"].events, "All done.", 3)


def test_a_failure_that_pi_repaired_by_trying_again_is_none() -> None:
    failed = {"role": "assistant", "content": [], "stopReason": "error", "errorMessage": "Connection error."}
    lines = [
        {"type": "message_end", "message": failed},
        {"type": "auto_retry_start", "attempt": 1, "errorMessage": "Connection error."},
    ]
    printed = "\n".join(json.dumps(line) for line in lines)

    given_up = CLASSES["pi"](AgentSettings()).read(printed)
    repaired = CLASSES["pi"](AgentSettings()).read(f"{printed}\n{stream('pi_edit')}")

    assert given_up.complaint == "Connection error."
    assert (repaired.complaint, repaired.message) == ("", "All done.")


JUNK = (
    "not json at all",
    '{"type":',
    "null",
    "[1, 2]",
    '{"type": "tool_use"}',
    '{"type": "tool_use", "part": 5, "parameters": "text"}',
    '{"type": "tool_use", "part": {"state": {"input": 7, "error": ["x"], "status": "error"}}}',
    '{"type": "tool_result", "error": "text", "tool_id": {}}',
    '{"type": "message", "role": "user", "content": "CANARY"}',
    '{"type": "message_end", "message": {"role": "assistant", "content": 3, "stopReason": []}}',
    '{"type": "message_end", "message": {"role": "user", "content": [{"type": "text", "text": "CANARY"}]}}',
    '{"type": "tool_execution_start", "args": [1]}',
    '{"type": ["result"], "status": {}}',
    "{" * 100_000,
    "",
)


@pytest.mark.parametrize("line", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("agent", READERS, ids=NAMES)
def test_no_line_ends_the_reading(agent: Any, line: str) -> None:
    found = agent.read(f"{line}\n" * 2)

    assert (found.message, found.complaint, found.denied) == ("", "", ())
    assert "CANARY" not in str(found)


@pytest.mark.parametrize("name", SESSION_NAMES)
def test_a_stream_that_breaks_off_anywhere_is_read_as_far_as_it_goes(name: str) -> None:
    whole = stream(name)
    for end in range(0, len(whole), 97):
        found = reader(name).read(whole[:end])

        assert found.events == EXPECTED[name].events[: len(found.events)]


@pytest.mark.parametrize("name", ["gemini_cli_edit", "opencode_edit", "pi_edit"])
def test_a_huge_line_is_read_and_shown_short(name: str) -> None:
    huge = "x" * 3_000_000
    said = {"role": "assistant", "content": [{"type": "text", "text": huge}]}
    line = {
        "gemini_cli": {"type": "message", "role": "assistant", "content": huge},
        "opencode": {"type": "text", "part": {"text": huge}},
        "pi": {"type": "message_end", "message": said},
    }[SESSIONS[name].agent]

    found = reader(name).read(f"{json.dumps(line)}\n{stream(name)}")

    assert (len(found.events[0].text), found.events[0].text[-4:]) == (400, "x...")
    assert found.events[1:] == EXPECTED[name].events


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("role", "part", "error", "message", "content", "parameters", "args", "status", "tool_id", "toolName")
_TYPES = (
    *("message", "tool_use", "tool_result", "result", "text", "error", "message_end"),
    "tool_execution_start",
)


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6), st.sampled_from(_TYPES) | _VALUES)
def test_no_event_of_whatever_shape_ends_the_reading(event: dict[str, object], kind: object) -> None:
    line = json.dumps({**event, "type": kind})

    assert [type(agent.read(line)) for agent in READERS] == [Transcript] * 3
