"""Recorded sessions of the real programs: read as they are, damaged, and played by a small program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_scene import INSTALLED, scene
from hypothesis import given
from hypothesis import strategies as st
from recorded_sessions import RECORDED, SESSIONS, Session, playing, stream

from honing.agents import (
    AgentEvent,
    AgentOutcome,
    AgentRun,
    AgentSettings,
    ClaudeCodeAgent,
    CodexAgent,
    Trouble,
)
from honing.agents.transcript import MOST_EVENTS, Transcript

CODEX, CLAUDE = CodexAgent(AgentSettings()), ClaudeCodeAgent(AgentSettings())
_UNKNOWN_MODEL = AgentEvent(
    "note",
    "error: Model metadata for `scripted` not found. Defaulting to fallback metadata; this can degrade "
    "performance and cause issues.",
)
_KEY_REFUSED = "the server refused the key (HTTP 401: the key is not valid); check which key is set"
_UNAUTHORIZED = f"unexpected status 401 Unauthorized: {_KEY_REFUSED}, url: http://127.0.0.1:4141/v1/responses"
_DEMAND = "We’re currently experiencing high demand, which may cause temporary errors."  # noqa: RUF001
_NOT_SIGNED_IN = f"Failed to authenticate. API Error: 401 {_KEY_REFUSED}"
_FAILED = (
    "API Error: 500 the server failed (HTTP 500: my own words). This is a server-side issue, usually "
    "temporary — try again in a moment. If it persists, check your inference gateway (127.0.0.1:4141)."
)
EXPECTED = {
    "codex_edit": Transcript(
        events=(
            _UNKNOWN_MODEL,
            AgentEvent("message", "I look first."),
            AgentEvent("tool", "/bin/sh -lc 'ls -a' -> 0"),
            AgentEvent("tool", "change /workspace/hello.txt"),
            AgentEvent("tool", "/bin/sh -lc 'cat nothing-here' -> 1"),
            AgentEvent("message", "All done."),
        ),
        message="All done.",
        used_tools=3,
    ),
    "codex_unsupported": Transcript(
        events=(_UNKNOWN_MODEL, AgentEvent("message", "All done.")), message="All done."
    ),
    "codex_unauthorized": Transcript(
        events=(_UNKNOWN_MODEL, AgentEvent("note", _UNAUTHORIZED)), complaint=_UNAUTHORIZED
    ),
    "codex_server_error": Transcript(events=(_UNKNOWN_MODEL, AgentEvent("note", _DEMAND)), complaint=_DEMAND),
    "claude_code_edit": Transcript(
        events=(
            AgentEvent("message", "I look first."),
            AgentEvent("tool", "Bash ls -a"),
            AgentEvent("tool", "Write /workspace/hello.txt"),
            AgentEvent("tool", "Bash cat nothing-here"),
            AgentEvent("message", "All done."),
        ),
        message="All done.",
        used_tools=3,
    ),
    "claude_code_denied": Transcript(
        events=(
            AgentEvent("tool", "Write /workspace/hello.txt"),
            AgentEvent("tool", "Bash touch hello.txt"),
            AgentEvent("message", "I could not."),
        ),
        message="I could not.",
        denied=("Write", "Bash"),
        used_tools=2,
    ),
    "claude_code_sleep": Transcript(
        events=(AgentEvent("tool", "Bash sleep 97"), AgentEvent("message", "All done.")),
        message="All done.",
        used_tools=1,
    ),
    "claude_code_unauthorized": Transcript(
        events=(AgentEvent("message", _NOT_SIGNED_IN),), message=_NOT_SIGNED_IN, complaint=_NOT_SIGNED_IN
    ),
    "claude_code_server_error": Transcript(
        events=(AgentEvent("message", _FAILED),), message=_FAILED, complaint=_FAILED
    ),
}
NAMES = list(SESSIONS)


def read(name: str, printed: str) -> Transcript:
    return (CODEX if name.startswith("codex") else CLAUDE).read(printed)


def test_every_recorded_stream_is_of_a_session_and_every_session_is_recorded() -> None:
    nested = {f"{name}_nested" for name in NAMES if name.startswith("codex")}

    assert {path.stem for path in RECORDED.iterdir()} == set(NAMES) | nested
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_session_is_read_whole(name: str) -> None:
    assert read(name, stream(name)) == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("codex")])
def test_codex_items_are_read_alike_flat_and_nested(name: str) -> None:
    assert '"details":' in stream(f"{name}_nested")
    assert read(name, stream(f"{name}_nested")) == EXPECTED[name]


@pytest.mark.agent_cli
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_real_program_prints_today_what_was_recorded(tmp_path: Path, name: str) -> None:
    session: Session = SESSIONS[name]
    assert (INSTALLED / ".installed").is_file(), "run `make agents`"

    _, printed, _ = session.run(tmp_path)

    assert read(name, printed) == EXPECTED[name]


def played(folder: Path, name: str, *, exit_code: int = 0, asks: bool = True) -> AgentRun:
    settings = playing(folder / "bin", name, exit_code=exit_code, asks=asks)
    agent = CodexAgent(settings) if name.startswith("codex") else ClaudeCodeAgent(settings)
    with scene(folder) as here:
        return agent.run(here.task)


@pytest.mark.parametrize(
    ("name", "exit_code", "outcome", "trouble"),
    [
        ("codex_edit", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("codex_unsupported", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("codex_unauthorized", 1, AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        ("codex_server_error", 1, AgentOutcome.CRASH, Trouble.OTHER),
        ("claude_code_edit", 0, AgentOutcome.FINISHED, Trouble.NONE),
        ("claude_code_denied", 0, AgentOutcome.REFUSED, Trouble.PERMISSION),
        ("claude_code_unauthorized", 1, AgentOutcome.CRASH, Trouble.AUTHENTICATION),
        ("claude_code_server_error", 1, AgentOutcome.CRASH, Trouble.OTHER),
    ],
)
def test_a_played_session_ends_as_the_real_one_told_it(
    tmp_path: Path, name: str, exit_code: int, outcome: AgentOutcome, trouble: Trouble
) -> None:
    run = played(tmp_path, name, exit_code=exit_code)

    assert (run.outcome, run.trouble, run.version, run.exit_code, run.message, run.events) == (
        outcome, trouble, "9.8.7", exit_code, EXPECTED[name].message, EXPECTED[name].events,
    )  # fmt: skip
    assert run.usage.calls == 1


def test_claudes_word_that_an_api_failure_was_a_success_is_not_taken(tmp_path: Path) -> None:
    last = json.loads(stream("claude_code_server_error").splitlines()[-1])

    run = played(tmp_path, "claude_code_server_error", exit_code=0)

    assert (last["subtype"], last["is_error"], last["terminal_reason"]) == ("success", True, "api_error")
    assert (run.outcome, run.exit_code) == (AgentOutcome.CRASH, 0)


def test_the_tokens_and_the_price_that_a_program_claims_are_not_taken(tmp_path: Path) -> None:
    claimed = json.loads(stream("claude_code_edit").splitlines()[-1])

    run = played(tmp_path, "claude_code_edit")

    # A scripted model has no price: the program invents one all the same.
    assert (claimed["total_cost_usd"] > 0, claimed["usage"]["input_tokens"] > 1000) == (True, True)
    assert (run.usage.cost_usd, run.usage.calls, run.usage.input_tokens < 100) == (None, 1, True)


def test_a_session_that_asked_no_model_is_no_work(tmp_path: Path) -> None:
    run = played(tmp_path, "codex_edit", asks=False)

    assert (run.outcome, run.trouble) == (AgentOutcome.CRASH, Trouble.OTHER)
    assert "without asking its model anything" in run.reason


JUNK = (
    "not json at all",
    "{",
    '{"type":',
    "null",
    "[1, 2]",
    '"text"',
    '{"type": "item.completed"}',
    '{"type": "item.completed", "item": 5}',
    '{"type": "item.completed", "item": {"type": "file_change", "changes": 7}}',
    '{"type": ["item.completed"], "item": {"type": {}}}',
    '{"type": "turn.failed.not", "error": "text"}',
    '{"type": "assistant", "message": {"content": 3}}',
    '{"type": "assistant", "message": "text"}',
    '{"type": "assistant", "message": {"content": ["text", null, {"type": "tool_use", "input": "text"}]}}',
    '{"type": "user", "message": null}',
    "{" * 100_000,
    "\x1b[31mError\x1b[0m {}",
    "",
)
UNHARMED = [line for line in JUNK if '"item.completed"' not in line and '"assistant"' not in line]


@pytest.mark.parametrize("name", NAMES)
def test_lines_that_are_no_events_change_nothing(name: str) -> None:
    lines = stream(name).splitlines()
    mixed = [part for line in lines for part in (*UNHARMED, line)] + UNHARMED

    assert read(name, "\n".join(mixed)) == EXPECTED[name]


@pytest.mark.parametrize("line", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("agent", [CODEX, CLAUDE], ids=["codex", "claude_code"])
def test_no_line_ends_the_reading(agent: CodexAgent | ClaudeCodeAgent, line: str) -> None:
    found = agent.read(f"{line}\n" * 2)

    assert (found.message, found.complaint, found.denied) == ("", "", ())


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_that_breaks_off_anywhere_is_read_as_far_as_it_goes(name: str) -> None:
    whole = stream(name)
    for end in range(0, len(whole), 97):
        found = read(name, whole[:end])

        assert found.events == EXPECTED[name].events[: len(found.events)]


@pytest.mark.parametrize("name", NAMES)
def test_a_huge_line_is_read_and_shown_short(name: str) -> None:
    huge = "x" * 3_000_000
    events = {
        "codex": {"type": "item.completed", "item": {"type": "agent_message", "text": huge}},
        "claude": {"type": "assistant", "message": {"content": [{"type": "text", "text": huge}]}},
    }
    line = json.dumps(events[SESSIONS[name].program])

    found = read(name, f"{line}\n{stream(name)}")

    assert (len(found.events[0].text), found.events[0].text[-4:]) == (400, "x...")
    assert found.events[1:] == EXPECTED[name].events


def test_only_so_many_events_are_kept_and_the_last_words_are_not_lost() -> None:
    line = json.dumps({"type": "item.completed", "item": {"type": "reasoning", "text": "hm"}})

    found = CODEX.read(f"{line}\n" * 5000 + stream("codex_edit"))

    assert (len(found.events), found.message, found.used_tools) == (MOST_EVENTS, "All done.", 3)


def test_a_text_with_line_separators_of_unicode_stays_one_event() -> None:
    text = "one\u2028two\u0085three"
    line = json.dumps(
        {"type": "item.completed", "item": {"type": "agent_message", "text": text}}, ensure_ascii=False
    )

    assert CODEX.read(line).message == text


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("type", "item", "error", "message", "content", "changes", "details", "result", "is_error", "text")
_TYPES = st.sampled_from(["item.completed", "turn.failed", "error", "assistant", "result"]) | _VALUES


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6), _TYPES)
def test_no_event_of_whatever_shape_ends_the_reading(event: dict[str, object], kind: object) -> None:
    line = json.dumps({**event, "type": kind})

    for agent in (CODEX, CLAUDE):
        assert isinstance(agent.read(line), Transcript)
