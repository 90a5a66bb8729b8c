"""Google's Gemini CLI, driven without a terminal on its own wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.installed import AgentSettings, Package, find
from honing.agents.launch import Invocation, Place, run_cli
from honing.agents.options import told
from honing.agents.transcript import MOST_EVENTS, Transcript, json_lines, mapping, short
from honing.sandbox import Cancel

PACKAGE = Package(
    agent="gemini_cli",
    command="gemini",
    npm="@google/gemini-cli",
    version="0.61.0",
    native=("@google/gemini-cli", "bundle/gemini.js"),
    needs_node=True,
)
# Web search and fetching are carried out by the provider: a way out that no network rule sees.
_TOOLS = ("glob", "grep_search", "list_directory", "read_file", "replace", "run_shell_command", "write_file")
_NOBODY = "none"
_SETTINGS: Mapping[str, Any] = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    # The gateway tries again; a second layer would multiply the waits.
    "general": {"enableAutoUpdate": False, "maxAttempts": 1, "retryFetchErrors": False},
    "tools": {"core": _TOOLS},
    # The brief alone is what it works from. Against GEMINI.md it has no switch.
    "advanced": {"ignoreLocalEnv": True},
    "skills": {"enabled": False},
    "hooksConfig": {"enabled": False},
}
_OBEYED = (".gemini/settings.json", ".gemini/.env")
"""What outranks the settings of its home. System settings would outrank both, but have to belong to root."""


class GeminiCliAgent:
    """Gemini CLI. Its settings come from us alone."""

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
                *("--model", task.model, "--output-format", "stream-json", "--approval-mode", "yolo"),
                *("--extensions", _NOBODY, "--allowed-mcp-server-names", _NOBODY),
            ),
            env={
                "GOOGLE_GEMINI_BASE_URL": place.gateway,
                "GEMINI_API_KEY": place.token,
                "GEMINI_CLI_TRUST_WORKSPACE": "true",
                "GEMINI_TELEMETRY_ENABLED": "false",
                # Otherwise it starts itself a second time, and that process ignores SIGTERM.
                "GEMINI_CLI_NO_RELAUNCH": "true",
            },
            files={".gemini/settings.json": json.dumps(_SETTINGS)},
            hides=_OBEYED,
        )

    def read(self, printed: str) -> Transcript:
        """The events of `--output-format stream-json`."""
        events: list[AgentEvent] = []
        withheld: list[str] = []
        message = complaint = pieces = ""
        asked: dict[str, str] = {}
        for line in json_lines(printed):
            kind = line.get("type")
            # An answer comes in pieces; whatever else comes ends it.
            if kind == "message" and line.get("role") == "assistant":
                pieces += str(line.get("content") or "")
                continue
            if pieces:
                message, pieces = pieces, ""
                events.append(AgentEvent("message", short(message)))
            if kind == "tool_use":
                asked[str(line.get("tool_id"))] = str(line.get("tool_name"))
                events.append(_tool(line))
            elif kind == "tool_result" and mapping(line.get("error")).get("type") == "tool_not_registered":
                withheld.append(asked.get(str(line.get("tool_id")), ""))
            elif kind == "result" and line.get("status") == "error":
                complaint = short(mapping(line.get("error")).get("message") or "it says that it failed")
        return Transcript(
            events=tuple(events[:MOST_EVENTS]),
            message=message or pieces,
            complaint=complaint,
            # A tool that exists nowhere is the model's mistake; one of these was withheld.
            denied=tuple(tool for tool in withheld if tool in _TOOLS),
            used_tools=sum(event.kind == "tool" for event in events),
        )


def _tool(line: Mapping[str, Any]) -> AgentEvent:
    given = mapping(line.get("parameters"))
    about = given.get("command") or given.get("file_path") or given.get("pattern") or ""
    return AgentEvent("tool", short(f"{line.get('tool_name')} {about}"))
