"""OpenAI's Codex CLI, driven without a terminal by `codex exec`."""

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
    agent="codex",
    command="codex",
    npm="@openai/codex",
    version="0.169.0",
    native=("@openai/codex-linux-*", "vendor/*/bin/codex"),
)
_KEY = "HONING_AGENT_KEY"
_SETTINGS = {
    "model_provider": "honing",
    "model_providers.honing.name": "honing",
    "model_providers.honing.wire_api": "responses",
    "model_providers.honing.env_key": _KEY,
    # The gateway tries again; a second layer would multiply the waits.
    "model_providers.honing.request_max_retries": "0",
    "model_providers.honing.stream_max_retries": "0",
    "analytics.enabled": "false",
    # Carried out by the provider: a way out that no network rule sees.
    "web_search": "disabled",
    # AGENTS.md in the workspace is data; the brief alone is what it works from.
    "project_doc_max_bytes": "0",
}


class CodexAgent:
    """Codex, its inner sandbox off since it runs in ours.

    Args:
        settings: Where the program lies. Option `effort` is how much it thinks (minimal, low, medium, high).
    """

    name = PACKAGE.agent

    def __init__(self, settings: AgentSettings | None = None) -> None:
        settings = settings or AgentSettings()
        self._effort = told(settings, self.name, {"effort": str}).get("effort", "")
        self._installed = find(PACKAGE, settings)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        return run_cli(self, PACKAGE, self._installed, task, cancel)

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        """The command line and variables of one run."""
        settings = {**_SETTINGS, "model_providers.honing.base_url": f"{place.gateway}/v1"}
        if self._effort:
            settings["model_reasoning_effort"] = self._effort
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Invocation(
            arguments=(
                *("exec", "--json", "--ephemeral", "--skip-git-repo-check", "--color", "never"),
                *("--ignore-rules", "--dangerously-bypass-approvals-and-sandbox"),
                *("-m", task.model, *options, "-"),
            ),
            # Codex makes helper programs in its home, and refuses to where that is a temporary folder.
            env={"CODEX_HOME": f"{place.home}/codex", _KEY: place.token},
            folders=("codex",),
        )

    def read(self, printed: str) -> Transcript:
        """The events of `codex exec --json`."""
        events: list[AgentEvent] = []
        message = complaint = ""
        used = 0
        for line in json_lines(printed):
            kind = line.get("type")
            if kind == "turn.failed":
                complaint = short(mapping(line.get("error")).get("message", "the turn failed"))
            elif kind == "error":
                events.append(AgentEvent("note", short(line.get("message", ""))))
            elif kind == "item.completed":
                step = _step(mapping(line.get("item")))
                used += step.get("type") in _TOOLS
                events.append(_event(step))
                if step.get("type") == "agent_message":
                    message = str(step.get("text", ""))
        return Transcript(
            events=tuple(events[:MOST_EVENTS]), message=message, complaint=complaint, used_tools=used
        )


_TOOLS = ("command_execution", "file_change", "mcp_tool_call")


def _step(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """One step, flat: some versions keep its particulars below `details`, and call its type `item_type`."""
    flat = {**item, **mapping(item.get("details"))}
    kind = flat.get("type") or flat.get("item_type")
    return {**flat, "type": "agent_message" if kind == "assistant_message" else kind}


def _event(step: Mapping[str, Any]) -> AgentEvent:
    kind = step.get("type")
    if kind == "command_execution":
        return AgentEvent("tool", short(f"{step.get('command', '')} -> {step.get('exit_code')}"))
    if kind == "file_change":
        paths = [str(mapping(change).get("path", "")) for change in sequence(step.get("changes"))]
        return AgentEvent("tool", short(f"change {', '.join(paths)}"))
    if kind == "agent_message":
        return AgentEvent("message", short(step.get("text", "")))
    # An item of type `error` also stands in runs that succeed (an unknown model's metadata, for one).
    return AgentEvent("note", short(f"{kind}: {step.get('message') or step.get('text') or ''}"))
