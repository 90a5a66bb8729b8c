"""Sessions of the real Gemini CLI, OpenCode and Pi on a scripted model, and where their events lie.

`python tests/agents/further_sessions.py` records them anew into recorded_further/; `make agents` first.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent_scene import scene
from further_agents import CLASSES, PATIENT_S, WIRES, altered, command, write

from honing.agents import AgentSettings
from honing.agents.launch import Invocation
from honing.agents.transcript import Transcript
from honing.llm import ToolStep

RECORDED = Path(__file__).parent / "recorded_further"


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run to record."""

    agent: str
    steps: Sequence[ToolStep | str]
    """What the model says."""
    change: Callable[[Invocation], Invocation] = lambda made: made
    """How the program is started otherwise than by us."""
    scene: Mapping[str, Any] = field(default_factory=dict)

    def printed(self, folder: Path) -> str:
        """What the real program prints."""
        heard: list[str] = []
        kind = altered(self.agent, self.change)
        reading = kind.read

        def read(text: str) -> Transcript:
            heard.append(text)
            found: Transcript = reading(text)
            return found

        kind.read = read
        with scene(folder, self.steps, wire=WIRES[self.agent], limit_s=PATIENT_S, **self.scene) as here:
            kind.run(here.task)
        return heard[0]


def unapproved(made: Invocation) -> Invocation:
    """Gemini CLI as it is without a terminal and without our settings: no tool that changes anything."""
    settings = json.loads(made.files[".gemini/settings.json"])
    del settings["tools"]
    arguments = tuple(word for word in made.arguments if word not in ("--approval-mode", "yolo"))
    return replace(made, arguments=arguments, files={".gemini/settings.json": json.dumps(settings)})


def asking(made: Invocation) -> Invocation:
    """OpenCode as it is by itself: it asks before it leaves the workspace, and nobody is there."""
    config = json.loads(made.env["OPENCODE_CONFIG_CONTENT"])
    config["permission"] = {"*": "allow", "external_directory": "ask"}
    return replace(made, env={**made.env, "OPENCODE_CONFIG_CONTENT": json.dumps(config)})


OUTSIDE = ToolStep([("write", {"filePath": "/home/agent/src/x.txt", "content": "x"})])
_WRONG_KEY = {"key": "sk-a-wrong-key-0123456789"}


def _edit(name: str) -> Session:
    look = command(name, "ls -a")
    steps = [
        ToolStep(look.calls, text="I look first."),
        write(name, "hello.txt", "text\n"),
        command(name, "cat nothing-here"),
        "All done.",
    ]
    return Session(agent=name, steps=steps)


SESSIONS: Mapping[str, Session] = {
    "gemini_cli_edit": _edit("gemini_cli"),
    "gemini_cli_withheld": Session(
        agent="gemini_cli",
        steps=[write("gemini_cli", "hello.txt", "text\n"), "I could not."],
        change=unapproved,
    ),
    "gemini_cli_unauthorized": Session(agent="gemini_cli", steps=["Never said."], scene=_WRONG_KEY),
    "opencode_edit": _edit("opencode"),
    "opencode_rejected": Session(agent="opencode", steps=[OUTSIDE, "I could not."], change=asking),
    "opencode_unauthorized": Session(agent="opencode", steps=["Never said."], scene=_WRONG_KEY),
    "pi_edit": _edit("pi"),
    "pi_unauthorized": Session(agent="pi", steps=["Never said."], scene=_WRONG_KEY),
}


def reader(session: str) -> Any:
    """The agent of a session, to read with."""
    return CLASSES[SESSIONS[session].agent](AgentSettings())


def stream(name: str) -> str:
    """What the program printed in a recorded session."""
    return (RECORDED / f"{name}.jsonl").read_text(encoding="utf-8")


def main() -> None:
    """Record every session anew."""
    RECORDED.mkdir(exist_ok=True)
    for name, session in SESSIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            printed = session.printed(Path(folder))
        (RECORDED / f"{name}.jsonl").write_text(printed, encoding="utf-8")
        sys.stdout.write(f"{name}: {reader(name).read(printed)}\n")


if __name__ == "__main__":
    main()
