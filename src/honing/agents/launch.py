"""Running a command-line agent in the sandbox: a home of its own, no way out but the gateway, one time
limit."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from honing.agents.base import AgentOutcome, AgentRun, AgentTask, Trouble
from honing.agents.hiding import hidden
from honing.agents.installed import Installed, Package
from honing.agents.judging import Seen, ending_of, usage_of
from honing.agents.patience import Patience
from honing.agents.transcript import Transcript
from honing.errors import AgentError
from honing.llm import CallRecord
from honing.sandbox import (
    Cancel,
    Capability,
    Command,
    Ending,
    Finished,
    Forward,
    Limits,
    Mount,
    remove_tree,
    require,
)

GATEWAY_PORT = 4141
"""Where an agent with a network of its own finds the gateway."""
NEEDED = (
    Capability.ENV_CLEAN,
    Capability.HOME_HIDDEN,
    Capability.HOST_READ_ONLY,
    Capability.TREE_KILLED,
    Capability.PRIVILEGES_DROPPED,
    Capability.NET_PORT_ONLY,
)
"""Without these no agent is started, unless the user chose `unconfined` by name."""
_OUTPUT_BYTES = 8 * 1024 * 1024
_TAIL = 8000
_DROPPING = '"$@" | grep --line-buffered -v "^$0"; exit "${PIPESTATUS[0]}"'
"""Shell text that runs its arguments without those lines of their output that begin with its name."""
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
_VERSION_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an agent sees of where it runs."""

    workspace: str
    home: str
    temporary: str
    gateway: str
    """The gateway's root address, without /v1; empty for an agent that asks no model."""
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How one run is started; the brief is its standard input."""

    arguments: tuple[str, ...]
    env: Mapping[str, str]
    folders: tuple[str, ...] = ()
    """Folders to make in its home beforehand."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files to write into its home beforehand: text by path."""
    drop: str = ""
    """Lines that it prints and that begin so are not kept: an event for every piece of an answer would push
    the others out."""
    hides: tuple[str, ...] = ()
    """Files and folders of the workspace that it would obey: it sees empty ones in their place, where the
    sandbox has a file tree of its own."""


class CommandLineAgent(Protocol):
    """What differs between command-line agents."""

    @property
    def name(self) -> str: ...

    def invocation(self, task: AgentTask, place: Place) -> Invocation: ...

    def read(self, printed: str) -> Transcript: ...


def run_cli(
    agent: CommandLineAgent,
    package: Package,
    installed: Installed | None,
    task: AgentTask,
    cancel: Cancel | None,
) -> AgentRun:
    """Start an agent's program, wait for it, and say how it ended.

    Raises:
        AgentError: The task names no model or has no channel: the caller's mistake.
        MissingToolError: The sandbox lacks a protection.
        SandboxError: The sandbox itself failed.
    """
    if installed is None:
        return _not_installed(agent, package)
    if task.channel is None or not task.model:
        raise AgentError(f"agent {agent.name}: a task for it needs a model and a channel of the gateway.")
    contained(task, agent.name)
    try:
        version = version_of(installed, task, ("--version",))
        if not version:
            return _no_version(agent, installed)
        return run_program(agent, installed, task, cancel, version=version)
    finally:
        remove_tree(task.home)


def contained(task: AgentTask, name: str) -> None:
    """Refuse a sandbox that lacks what an agent's program must not run without.

    Raises:
        MissingToolError: It lacks a protection, and nobody chose `unconfined` by name.
    """
    usual = () if task.sandbox.name == "unconfined" else NEEDED
    require(task.sandbox, usual, what=f"agent {name}")


def run_program(
    agent: CommandLineAgent,
    installed: Installed,
    task: AgentTask,
    cancel: Cancel | None,
    *,
    version: str,
    needs_model: bool = True,
) -> AgentRun:
    """Run a program once in the task's folder, and say how it ended. Its home is left as it is.

    Args:
        agent: Says how it is started, and reads what it prints.
        installed: Where the program lies.
        task: What is to be done.
        cancel: Tells it to stop.
        version: What it said its version is.
        needs_model: Whether it can have done nothing where it asked no model.

    Raises:
        AgentError: The gateway has no socket.
        SandboxError: The sandbox itself failed.
    """
    started = max((call.ordinal for call in _calls(task)), default=0)
    patience = Patience(task.channel, cancel)
    finished = _finished(agent, installed, task, patience)
    seen = Seen(
        finished=finished,
        transcript=agent.read(finished.stdout),
        calls=[call for call in _calls(task) if call.ordinal > started],
        exhausted=task.channel.exhausted if task.channel is not None else None,
        given_up=patience.ended,
    )
    return _run_of(agent, version, seen, needs_model=needs_model)


def _calls(task: AgentTask) -> list[CallRecord]:
    return task.channel.calls() if task.channel is not None else []


def _run_of(agent: CommandLineAgent, version: str, seen: Seen, *, needs_model: bool) -> AgentRun:
    finished, transcript = seen.finished, seen.transcript
    outcome, trouble, reason = ending_of(seen, needs_model=needs_model)
    return AgentRun(
        agent=agent.name,
        outcome=outcome,
        trouble=trouble,
        reason=reason,
        version=version,
        message=transcript.message,
        events=transcript.events,
        usage=usage_of(seen.calls),
        exit_code=finished.exit_code,
        stdout=finished.stdout[-_TAIL:],
        stderr=finished.stderr[-_TAIL:],
        duration_s=finished.duration_s,
        sandbox=finished.sandbox,
        capabilities=finished.capabilities,
    )


def _finished(agent: CommandLineAgent, installed: Installed, task: AgentTask, cancel: Cancel) -> Finished:
    place, forwards = _place(task)
    invocation = agent.invocation(task, place)
    for folder in invocation.folders:
        (task.home / "home" / folder).mkdir(parents=True, exist_ok=True)
    for name, text in invocation.files.items():
        path = task.home / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return task.sandbox.run(_command(installed, task, place, invocation, forwards), cancel=cancel)


def _place(task: AgentTask) -> tuple[Place, tuple[Forward, ...]]:
    """Names inside: the same for every run where the sandbox has a file tree of its own, so that what an
    agent tells its model does not depend on where a run lies."""
    own_tree = _has_own_tree(task)
    home, temporary = task.home / "home", task.home / "tmp"
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    port = GATEWAY_PORT if Capability.NET_CUT in task.sandbox.capabilities else _free_port()
    place = Place(
        workspace="/workspace" if own_tree else str(task.workspace),
        home="/home/agent" if own_tree else str(home),
        temporary="/tmp" if own_tree else str(temporary),
        gateway=f"http://127.0.0.1:{port}" if task.channel is not None else "",
        token=task.channel.token if task.channel is not None else "",
    )
    if task.channel is None:
        return place, ()
    if task.channel.socket is None:
        raise AgentError("the gateway has no socket, so a sandbox cannot reach it: set its socket_path.")
    return place, (Forward(port, task.channel.socket),)


def _has_own_tree(task: AgentTask) -> bool:
    return Capability.PID_NAMESPACE in task.sandbox.capabilities


def _command(
    installed: Installed, task: AgentTask, place: Place, invocation: Invocation, forwards: tuple[Forward, ...]
) -> Command:
    workspace = Path(place.workspace)
    own = (
        Mount(task.workspace, workspace, writable=True),
        Mount(task.home / "home", Path(place.home), writable=True),
        *(
            hidden(invocation.hides, task.workspace, workspace, task.home / "blanks")
            if _has_own_tree(task)
            else (Mount(task.home / "tmp", writable=True),)
        ),
    )
    return Command(
        argv=_argv(installed, invocation),
        workdir=workspace,
        mounts=(*own, *installed.mounts, *task.mounts),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": place.home,
            "TMPDIR": place.temporary,
            "LANG": "C.UTF-8",
            "CI": "1",
            "NO_COLOR": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **task.env,
            **invocation.env,
        },
        forwards=forwards,
        limits=replace(task.limits, output_bytes=_OUTPUT_BYTES),
        stdin=task.brief.encode(),
    )


def _argv(installed: Installed, invocation: Invocation) -> tuple[str, ...]:
    argv = (*installed.argv, *invocation.arguments)
    return ("bash", "-c", _DROPPING, invocation.drop, *argv) if invocation.drop else argv


def version_of(installed: Installed, task: AgentTask, arguments: Sequence[str]) -> str:
    """What the program says its version is when it is started so; empty where it says nothing of the kind.

    A version that was said once is not asked for again while the program stays as it is.
    """
    asked = (task.sandbox.name, installed.state, *arguments)
    if asked not in installed.versions and (said := _said_version(installed, task, arguments)):
        installed.versions[asked] = said
    return installed.versions.get(asked, "")


def _said_version(installed: Installed, task: AgentTask, arguments: Sequence[str]) -> str:
    home = task.home / "version"
    home.mkdir(parents=True, exist_ok=True)
    command = Command(
        argv=(*installed.argv, *arguments),
        workdir=home,
        mounts=(Mount(home, writable=True), *installed.mounts),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
        },
        limits=Limits(wall_s=_VERSION_LIMIT_S, memory_bytes=task.limits.memory_bytes),
    )
    found = task.sandbox.run(command)
    # Some print it on stderr, beside what else there is to say.
    said = (_VERSION.search(text) for text in (found.stdout, found.stderr) if _started(found))
    return next((version[0] for version in said if version is not None), "")


def _started(found: Finished) -> bool:
    return found.ending is Ending.EXITED and found.exit_code == 0


def _not_installed(agent: CommandLineAgent, package: Package) -> AgentRun:
    return AgentRun(
        agent=agent.name,
        outcome=AgentOutcome.CRASH,
        trouble=Trouble.PROGRAM,
        reason=(
            f"{agent.name}: the program {package.command!r} was not found. Install it with `make agents`, or "
            f"with `npm install -g {package.npm}@{package.version}`."
        ),
    )


def _no_version(agent: CommandLineAgent, installed: Installed) -> AgentRun:
    return AgentRun(
        agent=agent.name,
        outcome=AgentOutcome.CRASH,
        trouble=Trouble.VERSION,
        reason=(
            f"{agent.name}: `{installed.program} --version` names no version, so it cannot be used. "
            "Install it anew with `make agents`."
        ),
    )


def _free_port() -> int:
    """A port of this machine that nobody has now, for an agent that shares the machine's network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
