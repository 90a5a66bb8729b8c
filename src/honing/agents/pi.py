"""Pi, driven without a terminal by `pi -p`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from honing.agents.base import AgentEvent, AgentRun, AgentTask
from honing.agents.installed import AgentSettings, Package, find
from honing.agents.launch import Invocation, Place, run_cli
from honing.agents.options import told
from honing.agents.transcript import MOST_EVENTS, Transcript, json_lines, mapping, sequence, short
from honing.sandbox import Cancel

PACKAGE = Package(
    agent="pi",
    command="pi",
    npm="@mariozechner/pi-coding-agent",
    version="0.73.1",
    native=("@mariozechner/pi-coding-agent", "dist/cli.js"),
    needs_node=True,
)
_SETTINGS: Mapping[str, Any] = {
    # The gateway tries again; two further layers would multiply the waits.
    "retry": {"enabled": False, "provider": {"maxRetries": 0}},
}
_OBEYED = (".pi/settings.json", ".pi/SYSTEM.md", ".pi/APPEND_SYSTEM.md")
"""What it has no switch against. Settings of a workspace may put a command before every command."""
_FAILED = ("error", "aborted")


class PiAgent:
    """Pi. It asks for no permission, so its tools run freely in our sandbox.

    Options: `context_tokens` and `output_tokens`, the sizes that it takes the model to have.
    """

    name = PACKAGE.agent

    def __init__(self, settings: AgentSettings | None = None) -> None:
        settings = settings or AgentSettings()
        given = told(settings, self.name, {"context_tokens": int, "output_tokens": int})
        self._limits = {
            "contextWindow": given.get("context_tokens", 128_000),
            "maxTokens": given.get("output_tokens", 16_384),
        }
        self._installed = find(PACKAGE, settings)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        return run_cli(self, PACKAGE, self._installed, task, cancel)

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        """The command line and variables of one run."""
        provider = {
            "baseUrl": f"{place.gateway}/v1",
            "api": "openai-completions",
            "apiKey": place.token,
            "models": [{"id": task.model, **self._limits}],
        }
        return Invocation(
            arguments=(
                *("-p", "--mode", "json", "--no-session", "--offline"),
                *("--provider", "honing", "--model", task.model),
                *("--no-extensions", "--no-skills", "--no-prompt-templates", "--no-themes"),
                "--no-context-files",
            ),
            env={"PI_CODING_AGENT_DIR": f"{place.home}/pi", "PI_OFFLINE": "1", "PI_TELEMETRY": "0"},
            files={
                "pi/models.json": json.dumps({"providers": {"honing": provider}}),
                "pi/settings.json": json.dumps(_SETTINGS),
            },
            # One for every piece of an answer, each with all that came before.
            drop='{"type":"message_update"',
            hides=_OBEYED,
        )

    def read(self, printed: str) -> Transcript:
        """The events of `--mode json`."""
        events: list[AgentEvent] = []
        message = complaint = ""
        used = 0
        for line in json_lines(printed):
            kind = line.get("type")
            if kind == "tool_execution_start":
                used += 1
                events.append(_tool(line))
            elif kind == "message_end" and mapping(line.get("message")).get("role") == "assistant":
                said = mapping(line.get("message"))
                message = _text(said) or message
                # The last turn counts: what failed before was tried again.
                complaint = _complaint(said)
                events += [AgentEvent("message", short(_text(said)))] if _text(said) else []
            elif kind == "auto_retry_start":
                events.append(AgentEvent("note", short(line.get("errorMessage", "it tries again"))))
        return Transcript(
            events=tuple(events[:MOST_EVENTS]), message=message, complaint=complaint, used_tools=used
        )


def _tool(line: Mapping[str, Any]) -> AgentEvent:
    given = mapping(line.get("args"))
    about = given.get("command") or given.get("path") or given.get("pattern") or ""
    return AgentEvent("tool", short(f"{line.get('toolName')} {about}"))


def _text(message: Mapping[str, Any]) -> str:
    parts = [mapping(part) for part in sequence(message.get("content"))]
    return "".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def _complaint(message: Mapping[str, Any]) -> str:
    if message.get("stopReason") not in _FAILED:
        return ""
    return short(message.get("errorMessage") or "it says that its last turn failed")
