"""Anthropic's Claude Code CLI, driven without a terminal by `claude -p`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.installed import AgentSettings, Package, find
from honing.agents.launch import Invocation, Place, run_cli
from honing.agents.options import told
from honing.agents.transcript import MOST_EVENTS, Transcript, json_lines, mapping, sequence, short
from honing.sandbox import Cancel

PACKAGE = Package(
    agent="claude_code",
    command="claude",
    npm="@anthropic-ai/claude-code",
    version="2.1.329",
    native=("@anthropic-ai/claude-code-linux-*", "claude"),
)
_TOOLS = ("Bash", "Edit", "Glob", "Grep", "Read", "Write")
_SMALL_MODELS = ("ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL")


class ClaudeCodeAgent:
    """Claude Code. Its settings come from us alone.

    A workspace's own `.claude/settings.json` (hooks), `.mcp.json` (programs to start) and CLAUDE.md would be
    obeyed without a question in this mode.
    """

    name = PACKAGE.agent

    def __init__(self, settings: AgentSettings | None = None) -> None:
        settings = settings or AgentSettings()
        told(settings, self.name, {})
        self._installed = find(PACKAGE, settings)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        return run_cli(self, PACKAGE, self._installed, task, cancel)

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        """The command line and variables of one run."""
        return Invocation(
            arguments=(
                *("-p", "--verbose", "--output-format", "stream-json", "--model", task.model),
                *("--no-session-persistence", "--disable-slash-commands"),
                *("--setting-sources", "user", "--strict-mcp-config"),
                # Web search is carried out by the provider: a way out that no network rule sees.
                *("--tools", ",".join(_TOOLS)),
                # Skipping permissions altogether is refused to root.
                *("--permission-mode", "acceptEdits", "--allowedTools", *_TOOLS),
            ),
            env={
                "CLAUDE_CONFIG_DIR": f"{place.home}/claude",
                "ANTHROPIC_BASE_URL": place.gateway,
                "ANTHROPIC_API_KEY": place.token,
                **dict.fromkeys(_SMALL_MODELS, task.model),
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                # The gateway tries again; a second layer would multiply the waits.
                "CLAUDE_CODE_MAX_RETRIES": "0",
                "DISABLE_AUTOUPDATER": "1",
            },
            folders=("claude",),
        )

    def read(self, printed: str) -> Transcript:
        """The events of `--output-format stream-json`."""
        events: list[AgentEvent] = []
        message = complaint = ""
        denied: tuple[str, ...] = ()
        for line in json_lines(printed):
            if line.get("type") == "assistant":
                events += _events(mapping(line.get("message")))
            elif line.get("type") == "result":
                message = str(line.get("result") or "")
                # `subtype` says success even where the server could not be reached.
                if line.get("is_error"):
                    complaint = short(message or line.get("terminal_reason") or "it says that it failed")
                denials = sequence(line.get("permission_denials"))
                denied = tuple(str(mapping(one).get("tool_name", "a tool")) for one in denials)
        used = sum(event.kind == "tool" for event in events)
        return Transcript(
            events=tuple(events[:MOST_EVENTS]),
            message=message,
            complaint=complaint,
            denied=denied,
            used_tools=used,
        )


def _events(message: Mapping[str, Any]) -> list[AgentEvent]:
    found = []
    for part in map(mapping, sequence(message.get("content"))):
        if part.get("type") == "tool_use":
            given = mapping(part.get("input"))
            about = given.get("command") or given.get("file_path") or given.get("pattern") or ""
            found.append(AgentEvent("tool", short(f"{part.get('name')} {about}")))
        elif part.get("type") == "text":
            found.append(AgentEvent("message", short(part.get("text", ""))))
    return found
