"""A workspace, a gateway and a scripted model server for an agent, and the real programs where they are."""

from __future__ import annotations

import os
import stat
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from honing.agents import Agent, AgentSettings, AgentTask, agent_named
from honing.llm import (
    Backoff,
    Budget,
    ClientConfig,
    Endpoint,
    Fault,
    Gateway,
    GatewayConfig,
    ScriptedServer,
    ToolScript,
    ToolStep,
    Upstream,
)
from honing.sandbox import BubblewrapSandbox, Limits

KEY = "sk-of-the-user-0123456789abcdef"
INSTALLED = Path(
    os.environ.get("HONING_AGENTS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "honing", "agents")
)
"""Where scripts/agents installs."""
REAL = ("codex", "claude_code")
WIRES = {"codex": "openai_responses", "claude_code": "anthropic_messages"}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything one run of an agent needs."""

    task: AgentTask
    server: ScriptedServer
    gateway: Gateway

    @property
    def workspace(self) -> Path:
        return self.task.workspace

    @property
    def left(self) -> dict[str, str]:
        """What lies in the workspace: text by path."""
        found = (path for path in sorted(self.workspace.rglob("*")) if path.is_file())
        return {path.relative_to(self.workspace).as_posix(): path.read_text() for path in found}


@contextmanager
def scene(
    folder: Path,
    steps: Sequence[ToolStep | str] = ("Done.",),
    *,
    faults: Iterable[Fault | None] = (),
    key: str = KEY,
    limit_s: float = 60.0,
    budget: Budget | None = None,
    wire: str = "openai_chat",
) -> Iterator[Scene]:
    """A task whose model plays `steps`, behind a server that misbehaves as `faults` say.

    In an agent's own wire its requests reach the server as they are; in another, what that has no place for
    is left out.
    """
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    config = GatewayConfig(socket_path=folder / "gateway.sock")
    with ScriptedServer(ToolScript(steps), faults=faults, key=KEY) as server, Gateway(config) as gateway:
        endpoint = Endpoint(base_url=f"{server.base_url}/v1", wire=wire, key=key)
        source = Upstream(endpoint, ClientConfig(backoff=Backoff(retries=0)), model="scripted")
        task = AgentTask(
            workspace=workspace,
            brief="Do as you are told.",
            home=folder / "home",
            sandbox=BubblewrapSandbox(),
            model="scripted",
            channel=gateway.channel("agent", source, budget=budget),
            limits=Limits(wall_s=limit_s),
        )
        yield Scene(task=task, server=server, gateway=gateway)


def real(name: str) -> Agent:
    """The real program; a missing one is a failure that says what to do."""
    assert (INSTALLED / ".installed").is_file(), f"no agents in {INSTALLED}: run `make agents`"
    return agent_named(name, AgentSettings(folder=INSTALLED))


def shell(name: str, command: str) -> ToolStep:
    """A turn in which the model asks the agent to run a shell command."""
    if name == "codex":
        return ToolStep([("exec_command", {"cmd": command})])
    return ToolStep([("Bash", {"command": command, "description": "as told"})])


def alive(mark: str) -> list[str]:
    """Processes of this machine whose command line holds the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if mark.encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def replaying(folder: Path, program: str, script: str) -> AgentSettings:
    """Settings under which an agent's program is a small shell script of that name on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / program
    body = textwrap.dedent(script).strip()
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{program} 9.8.7"; exit 0; fi\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return AgentSettings(path=str(folder))


ASK = """
python3 - <<'END'
import json, os, urllib.request
base = os.environ.get("ANTHROPIC_BASE_URL")
key = os.environ.get("ANTHROPIC_API_KEY") or os.environ["HONING_AGENT_KEY"]
body = {"model": "scripted", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
request = urllib.request.Request(
    (base or "http://127.0.0.1:4141") + "/v1/messages", json.dumps(body).encode(),
    {"x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json"},
)
urllib.request.urlopen(request).read()
END
"""
"""Shell text with which a replaying program asks its model once."""
