"""What the tests of Gemini CLI, OpenCode and Pi share: their tools, and agents set up wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent_scene import INSTALLED

from honing.agents import AgentSettings, AgentTask, GeminiCliAgent, OpenCodeAgent, PiAgent
from honing.agents.launch import Invocation, Place
from honing.llm import ToolStep

NAMES = ("gemini_cli", "opencode", "pi")
WIRES = {"gemini_cli": "gemini", "opencode": "openai_chat", "pi": "openai_chat"}
VERSIONS = {"gemini_cli": "0.61.0", "opencode": "1.18.33", "pi": "0.73.1"}
CLASSES: dict[str, Any] = {"gemini_cli": GeminiCliAgent, "opencode": OpenCodeAgent, "pi": PiAgent}
PATIENT_S = 300.0
"""Limit of runs that end by themselves: 5 s on an idle machine, and ten times that on a busy one."""

_TOOLS = {
    "gemini_cli": ("write_file", "file_path", "run_shell_command"),
    "opencode": ("write", "filePath", "bash"),
    "pi": ("write", "path", "bash"),
}


def write(name: str, path: str, text: str) -> ToolStep:
    """A turn in which the model asks the agent to write a file, by its own tool for that."""
    tool, argument, _ = _TOOLS[name]
    # Pi alone takes a relative path.
    return ToolStep([(tool, {argument: path if name == "pi" else f"/workspace/{path}", "content": text})])


def command(name: str, text: str) -> ToolStep:
    """A turn in which the model asks the agent to run a shell command."""
    about = {"description": "as told"} if name == "opencode" else {}
    return ToolStep([(_TOOLS[name][2], {"command": text, **about})])


def altered(name: str, change: Callable[[Invocation], Invocation]) -> Any:
    """The real agent, started in another way than ours."""

    class Altered(CLASSES[name]):
        def invocation(self, task: AgentTask, place: Place) -> Invocation:
            return change(super().invocation(task, place))

    return Altered(AgentSettings(folder=INSTALLED))


def traces_on_this_machine() -> set[str]:
    """What these programs are known to leave behind when they run without a sandbox."""
    in_tmp = ("gemini-*", ".*-00000000.so", "opencode*", "pi-*")
    in_home = (".gemini", ".pi", ".config/opencode", ".local/share/opencode", ".cache/opencode", ".bun")
    found = [path for pattern in in_tmp for path in Path("/tmp").glob(pattern)]
    found += [path for name in in_home if (path := Path.home() / name).exists()]
    return {f"{path} {path.stat().st_mtime_ns}" for path in found}
