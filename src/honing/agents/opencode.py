"""OpenCode, driven without a terminal by `opencode run`."""

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
    agent="opencode",
    command="opencode",
    npm="opencode-ai",
    version="1.18.33",
    native=("opencode-linux-*", "bin/opencode"),
)
_PERMISSION: Mapping[str, Any] = {
    # Everything is contained by our sandbox; nobody is there to be asked.
    "*": "allow",
    "external_directory": "allow",
    # Ways out, and a question that nobody would answer.
    **dict.fromkeys(("webfetch", "websearch", "question"), "deny"),
    # What the workspace says to agents.
    "skill": "deny",
}
_OBEYED = (".opencode/plugin", ".opencode/plugins", ".opencode/tool", ".opencode/tools")
"""Programs that it would load whatever its switches say: --pure does not keep it from them (seen with
1.18.33)."""


class OpenCodeAgent:
    """OpenCode, with every permission given, since it runs in our sandbox.

    Options: `context_tokens` and `output_tokens`, the sizes that it takes the model to have.
    """

    name = PACKAGE.agent

    def __init__(self, settings: AgentSettings | None = None) -> None:
        settings = settings or AgentSettings()
        given = told(settings, self.name, {"context_tokens": int, "output_tokens": int})
        self._limit = {
            "context": given.get("context_tokens", 128_000),
            "output": given.get("output_tokens", 16_384),
        }
        self._installed = find(PACKAGE, settings)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        return run_cli(self, PACKAGE, self._installed, task, cancel)

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        """The command line and variables of one run."""
        switches = (
            *("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "PROJECT_CONFIG", "CLAUDE_CODE"),
            *("EXTERNAL_SKILLS", "DEFAULT_PLUGINS"),
        )
        return Invocation(
            arguments=(
                *("run", "--format", "json", "--model", f"honing/{task.model}", "--pure"),
                # Without a title of ours it asks its model for one, beside the work.
                *("--title", "honing"),
                # Its events name no reason where it does not find its model; its log does.
                *("--print-logs", "--log-level", "ERROR"),
            ),
            env={
                "OPENCODE_CONFIG_CONTENT": json.dumps(self._config(task.model, place)),
                **{f"OPENCODE_DISABLE_{switch}": "1" for switch in switches},
            },
            hides=_OBEYED,
        )

    def read(self, printed: str) -> Transcript:
        """The events of `--format json`."""
        events: list[AgentEvent] = []
        denied: list[str] = []
        message = complaint = ""
        used = 0
        for line in json_lines(printed):
            kind, part = line.get("type"), mapping(line.get("part"))
            if kind == "tool_use":
                used += 1
                events.append(_tool(part))
                if _was_refused(part):
                    denied.append(str(part.get("tool")))
            elif kind == "text":
                message = str(part.get("text") or "")
                events.append(AgentEvent("message", short(message)))
            elif kind == "error":
                complaint = _complaint(mapping(line.get("error")))
        return Transcript(
            events=tuple(events[:MOST_EVENTS]),
            message=message,
            complaint=complaint,
            denied=tuple(denied),
            used_tools=used,
        )

    def _config(self, model: str, place: Place) -> dict[str, Any]:
        return {
            "autoupdate": False,
            "share": "disabled",
            "model": f"honing/{model}",
            "small_model": f"honing/{model}",
            "enabled_providers": ["honing"],
            "provider": {
                "honing": {
                    "npm": "@ai-sdk/openai-compatible",
                    "name": "honing",
                    "options": {"baseURL": f"{place.gateway}/v1", "apiKey": place.token},
                    "models": {model: {"name": model, "limit": self._limit}},
                }
            },
            "permission": _PERMISSION,
        }


def _tool(part: Mapping[str, Any]) -> AgentEvent:
    state = mapping(part.get("state"))
    given = mapping(state.get("input"))
    about = given.get("command") or given.get("filePath") or given.get("pattern") or ""
    failed = f" -> {state.get('error')}" if state.get("status") == "error" else ""
    return AgentEvent("tool", short(f"{part.get('tool')} {about}{failed}"))


def _was_refused(part: Mapping[str, Any]) -> bool:
    error = str(mapping(part.get("state")).get("error") or "")
    return "rejected permission" in error or "prevents you from using" in error


def _complaint(error: Mapping[str, Any]) -> str:
    said = mapping(error.get("data")).get("message") or error.get("message") or "it says no more"
    return short(f"{error.get('name', 'error')}: {said}")
