"""Any program as an agent: it is given a folder and a brief, and changes files.

    command:./my-agent --flag {brief_file}

It runs as the other agents do: in the sandbox, in the workspace, with the brief as its standard input and as
a file, no key, and no way out but the gateway.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from honing.agents.base import AgentOutcome, AgentRun, AgentTask, Trouble
from honing.agents.installed import AgentSettings, Installed
from honing.agents.launch import Invocation, Place, contained, run_program, version_of
from honing.agents.options import placed, told
from honing.agents.transcript import Transcript, short
from honing.errors import UsageError, boundary
from honing.sandbox import Cancel, Mount, remove_tree

_OPTIONS: Mapping[str, type | tuple[type, ...]] = {
    "argv": (str, list),
    "env": dict,
    "mounts": list,
    "reads": str,
    "version": (str, list),
}
_BRIEF = "brief.md"
_PLACE = re.compile(r"\{(\w+)\}")
AGENTS_READ = {"codex": ("codex", "CodexAgent"), "claude_code": ("claude_code", "ClaudeCodeAgent")}
"""Agents whose events another program may print: file and class by name."""


class Reader(Protocol):
    """Reads what a program prints."""

    def read(self, printed: str) -> Transcript: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """What is started, as the user wrote it down."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    installed: Installed | None
    """None where the program is not there."""
    reads: Reader | None
    """Reads what it prints, where it prints what another agent does."""
    version: tuple[str, ...]
    """Arguments with which it says its version; none where it cannot."""


class CommandAgent:
    """A program of the user's.

    Args:
        settings: Option `argv` is the command line, a text or a list; a first word with a slash starts from
            `base`, another one is looked for on `path`. In it and in the values of `env`, {brief},
            {brief_file}, {workspace}, {home}, {model} and {gateway} are filled in. `mounts` are further files
            and folders that it needs to see; `reads` names the agent whose events it prints; `version` the
            arguments with which it says its version.

    Raises:
        UsageError: There is no command line, or an option cannot be used.
    """

    name = "command"

    def __init__(self, settings: AgentSettings) -> None:
        self._program = _program(settings, told(settings, self.name, _OPTIONS))

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        program = self._program
        if program.installed is None:
            return AgentRun(
                agent=self.name,
                outcome=AgentOutcome.CRASH,
                trouble=Trouble.PROGRAM,
                reason=f"command: the program {program.argv[0]!r} was not found, or may not be executed.",
            )
        contained(task, self.name)
        try:
            version = version_of(program.installed, task, program.version) if program.version else ""
            return run_program(self, program.installed, task, cancel, version=version, needs_model=False)
        finally:
            remove_tree(task.home)

    def invocation(self, task: AgentTask, place: Place) -> Invocation:
        """The command line and variables of one run."""
        brief_file = f"{place.home}/{_BRIEF}"
        given = {
            "brief": task.brief,
            "brief_file": brief_file,
            "workspace": place.workspace,
            "home": place.home,
            "model": task.model,
            "gateway": place.gateway,
        }
        address = place.gateway.removeprefix("http://")
        channel = task.channel.env(address) if task.channel is not None else {}
        named = {"HONING_MODEL": task.model, "OPENAI_MODEL": task.model} if task.model else {}
        return Invocation(
            arguments=tuple(_filled(word, given) for word in self._program.argv[1:]),
            env={
                **channel,
                **named,
                "HONING_BRIEF": brief_file,
                "HONING_WORKSPACE": place.workspace,
                **{name: _filled(value, given) for name, value in self._program.env.items()},
            },
            files={_BRIEF: task.brief},
        )

    def read(self, printed: str) -> Transcript:
        """Its events where they are some agent's; else the last line that it printed."""
        if self._program.reads is not None:
            return self._program.reads.read(printed)
        lines = [line for line in printed.splitlines() if line.strip()]
        return Transcript(message=short(lines[-1]) if lines else "")


def _program(settings: AgentSettings, options: Mapping[str, Any]) -> _Program:
    argv = _words(options.get("argv", ()), "argv")
    if not argv:
        raise UsageError(
            "agent command: which program? Write --agent 'command:./my-agent --flag', or the option argv."
        )
    env = {str(name): str(value) for name, value in options.get("env", {}).items()}
    reads = options.get("reads", "")
    if reads and reads not in AGENTS_READ:
        raise UsageError(
            f"agent command: reads: {reads!r} is no agent whose events are known; known are "
            f"{', '.join(AGENTS_READ)}."
        )
    installed = _found(argv[0], settings)
    if installed is not None:
        further = tuple(Mount(placed(settings, str(path)).absolute()) for path in options.get("mounts", ()))
        installed = replace(installed, mounts=(*installed.mounts, *further))
    return _Program(
        argv=argv,
        env=env,
        installed=installed,
        reads=_reader(reads, settings) if reads else None,
        version=_words(options.get("version", ()), "version"),
    )


def _words(value: str | Sequence[Any], option: str) -> tuple[str, ...]:
    with boundary(UsageError, f"agent command: option {option}"):
        return tuple(shlex.split(value) if isinstance(value, str) else map(str, value))


def _reader(name: str, settings: AgentSettings) -> Reader:
    home, kind = AGENTS_READ[name]
    made: Reader = getattr(import_module(f"honing.agents.{home}"), kind)(replace(settings, options={}))
    return made


def _found(name: str, settings: AgentSettings) -> Installed | None:
    """The program, and what must be visible for it: its own file, and the virtual environment it lies in."""
    if "/" in name:
        path: Path | None = placed(settings, name).absolute()
    else:
        found = shutil.which(name, path=settings.path or os.defpath)
        path = Path(found) if found is not None else None
    if path is None or not path.is_file() or not os.access(path, os.X_OK):
        return None
    if path.is_relative_to("/usr") or path.is_relative_to("/bin"):
        return Installed(program=path, mounts=())
    own = path.parent.parent if (path.parent.parent / "pyvenv.cfg").is_file() else None
    return Installed(program=path, mounts=_environment(own) if own is not None else (Mount(path),))


def _environment(folder: Path) -> tuple[Mount, ...]:
    """A virtual environment and the Python that it was made from."""
    lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    base = Path(settings.get("home", "/usr/bin")).parent
    return (Mount(folder),) if base.is_relative_to("/usr") else (Mount(folder), Mount(base))


def _filled(text: str, given: Mapping[str, str]) -> str:
    """The text with {names} replaced; braces around anything else stay as they are."""
    return _PLACE.sub(lambda found: given.get(found[1], found[0]), text)
