"""Sessions of the real programs on a scripted model: how each was made, and where its events lie.

`python tests/agents/recorded_sessions.py` records them anew into recorded/; `make agents` first.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent_scene import ASK, INSTALLED, replaying, scene

from honing.agents import AgentRun, AgentSettings, AgentTask, ClaudeCodeAgent, CodexAgent
from honing.agents.launch import Invocation, Place
from honing.agents.transcript import Transcript
from honing.llm import Fault, FaultKind, ToolStep

RECORDED = Path(__file__).parent / "recorded"
PATCH = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: hello.txt\n+text\n*** End Patch\nEOF\n"


class HeardCodex(CodexAgent):
    """Keeps what the program printed."""

    printed = ""

    def read(self, printed: str) -> Transcript:
        self.printed = printed
        return super().read(printed)


class HeardClaude(ClaudeCodeAgent):
    """Likewise."""

    printed = ""

    def read(self, printed: str) -> Transcript:
        self.printed = printed
        return super().read(printed)


class UnpermittedClaude(HeardClaude):
    """Claude Code as it is without our permissions: every tool that changes something is denied."""

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        given = super().invocation(task, place)
        end = given.arguments.index("--permission-mode")
        return replace(given, arguments=given.arguments[:end])


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run to record."""

    agent: type[HeardCodex] | type[HeardClaude]
    steps: Sequence[ToolStep | str]
    """What the model says."""
    fault: FaultKind | None = None
    """How every request fails."""
    scene: Mapping[str, Any] = field(default_factory=dict)

    @property
    def program(self) -> str:
        return "codex" if issubclass(self.agent, CodexAgent) else "claude"

    def run(self, folder: Path) -> tuple[AgentRun, str, dict[str, str]]:
        """Run the real program: its run, what it printed, what lies in the workspace."""
        fault = () if self.fault is None else itertools.repeat(Fault(kind=self.fault, text="my own words"))
        agent = self.agent(AgentSettings(folder=INSTALLED))
        with scene(folder, self.steps, faults=fault, **self.scene) as here:
            run = agent.run(here.task)
            return run, agent.printed, here.left


def _command(text: str) -> ToolStep:
    return ToolStep([("exec_command", {"cmd": text})])


def _bash(text: str) -> ToolStep:
    return ToolStep([("Bash", {"command": text, "description": "as told"})])


_LOOK = "ls -a"
_FAILS = "cat nothing-here"
_WRITE = ToolStep([("Write", {"file_path": "/workspace/hello.txt", "content": "text\n"})])
SESSIONS: Mapping[str, Session] = {
    "codex_edit": Session(
        agent=HeardCodex,
        steps=[
            ToolStep([("exec_command", {"cmd": _LOOK})], text="I look first."),
            _command(PATCH),
            _command(_FAILS),
            "All done.",
        ],
    ),
    "codex_unsupported": Session(
        agent=HeardCodex,
        steps=[
            ToolStep([("shell", {"command": ["touch", "x"]})]),
            ToolStep([("apply_patch", {"input": PATCH})]),
            "All done.",
        ],
    ),
    "codex_unauthorized": Session(
        agent=HeardCodex, steps=["Never said."], scene={"key": "sk-a-wrong-key-0123456789"}
    ),
    "codex_server_error": Session(agent=HeardCodex, steps=["Never said."], fault=FaultKind.SERVER_ERROR),
    "claude_code_edit": Session(
        agent=HeardClaude,
        steps=[
            ToolStep([("Bash", {"command": _LOOK, "description": "as told"})], text="I look first."),
            _WRITE,
            _bash(_FAILS),
            "All done.",
        ],
    ),
    "claude_code_denied": Session(
        agent=UnpermittedClaude, steps=[_WRITE, _bash("touch hello.txt"), "I could not."]
    ),
    "claude_code_sleep": Session(agent=HeardClaude, steps=[_bash("sleep 97"), "All done."]),
    "claude_code_unauthorized": Session(
        agent=HeardClaude, steps=["Never said."], scene={"key": "sk-a-wrong-key-0123456789"}
    ),
    "claude_code_server_error": Session(
        agent=HeardClaude, steps=["Never said."], fault=FaultKind.SERVER_ERROR
    ),
}


def stream(name: str) -> str:
    """What the program printed in a recorded session."""
    return (RECORDED / f"{name}.jsonl").read_text(encoding="utf-8")


def playing(folder: Path, name: str, *, exit_code: int = 0, asks: bool = True) -> AgentSettings:
    """Settings under which the session's program is a small one on PATH that prints the recorded stream.

    Args:
        folder: Where the program is written.
        name: The session.
        exit_code: How it ends.
        asks: Whether it asks its model once before.
    """
    text = stream(name)
    assert "END_OF_SESSION" not in text
    script = (
        f"{ASK if asks else ''}\ncat <<'END_OF_SESSION'\n{text.rstrip()}\nEND_OF_SESSION\nexit {exit_code}"
    )
    return replaying(folder, SESSIONS[name].program, script)


def nested(printed: str) -> str:
    """A stream of Codex in the schema of other versions: the particulars of an item lie below `details`."""
    lines = []
    for line in printed.splitlines():
        event = json.loads(line)
        if "item" in event:
            details = dict(event["item"])
            event["item"] = {"id": details.pop("id"), "details": details}
        lines.append(json.dumps(event, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Record every session anew."""
    RECORDED.mkdir(exist_ok=True)
    for name, session in SESSIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            run, printed, left = session.run(Path(folder))
        (RECORDED / f"{name}.jsonl").write_text(printed, encoding="utf-8")
        if session.program == "codex":
            (RECORDED / f"{name}_nested.jsonl").write_text(nested(printed), encoding="utf-8")
        sys.stdout.write(f"{name}: {run.outcome}, {run.trouble}, exit {run.exit_code}, {sorted(left)}\n")


if __name__ == "__main__":
    main()
