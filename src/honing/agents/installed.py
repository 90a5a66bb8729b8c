"""Where a coding agent's program lies, and what must be visible for it to start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.sandbox import Mount

_SCRIPTS = (".js", ".mjs", ".cjs")
"""How a program that node runs is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Where agents are looked for, and what one is told."""

    folder: Path | None = None
    """Where `make agents` installed them (npm's prefix); looked in first."""
    path: str = ""
    """Folders of programs, as in PATH; looked in next."""
    programs: dict[str, Path] = field(default_factory=dict)
    """A program by the agent's name; used whatever else is found."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the agent itself, as its page in docs/agents.md lists them."""
    base: Path | None = None
    """The folder that relative paths among the options start from: a project's own; None where there is
    none."""
    here: Path | None = None
    """The user's current folder, where such a path is looked for next; the process's own where None."""
    solution: Path | None = None
    """A project's solution, a folder or a patch, for the agents that play it; None: looked for in `base`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One command-line agent as its registry has it."""

    agent: str
    command: str
    """The program's name."""
    npm: str
    version: str
    """The version that its adapter is tested with."""
    native: tuple[str, str]
    """Patterns: the package below node_modules that holds the program itself, and the program below it. What
    npm links to beside a native program is a wrapper, or a placeholder until a script has run."""
    needs_node: bool = False
    """Whether the program is a script that node runs; it loads modules from all over node_modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A program that can be started."""

    program: Path
    mounts: tuple[Mount, ...]
    """What it needs to see, read-only."""
    interpreter: Path | None = None
    """What runs it; None where the system finds that by itself."""
    versions: dict[tuple[object, ...], str] = field(default_factory=dict, compare=False, repr=False)
    """What it said its version is, by how it was asked: starting it costs seconds where node runs it."""

    @property
    def state(self) -> tuple[int, int] | None:
        """Its program's time of change, in nanoseconds, and its size: what an update changes; None where
        it is gone."""
        try:
            found = self.program.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    @property
    def argv(self) -> tuple[str, ...]:
        """How it is started."""
        return (
            (str(self.program),) if self.interpreter is None else (str(self.interpreter), str(self.program))
        )


def find(package: Package, settings: AgentSettings) -> Installed | None:
    """The agent's program; None where it is not installed."""
    found = _program(package, settings)
    is_script = found is not None and package.needs_node and found.program.suffix in _SCRIPTS
    return _with_node(found, settings) if found is not None and is_script else found


def _program(package: Package, settings: AgentSettings) -> Installed | None:
    if package.agent in settings.programs:
        given = settings.programs[package.agent]
        return _from_program(given, package) if given.is_file() else None
    if settings.folder is not None:
        native = _native(settings.folder / "node_modules", package)
        if native is not None:
            return native
    found = shutil.which(package.command, path=settings.path) if settings.path else None
    return _from_program(Path(found), package) if found is not None else None


def _from_program(program: Path, package: Package) -> Installed:
    """A program found on PATH; where npm installed it, the native one that it stands for."""
    real = Path(os.path.realpath(program))
    modules = next((parent for parent in real.parents if parent.name == "node_modules"), None)
    if modules is None:
        return Installed(program=real, mounts=() if real.is_relative_to("/usr") else (Mount(real),))
    inner = real.parents[1] / "node_modules" if real.parent.name == "bin" else modules
    native = _native(modules, package) or _native(inner, package)
    return native or Installed(program=real, mounts=(Mount(modules),))


def _native(modules: Path, package: Package) -> Installed | None:
    folder_pattern, program_pattern = package.native
    for folder in sorted(modules.glob(folder_pattern)):
        if folder.name.endswith("-musl") and len(list(modules.glob(folder_pattern))) > 1:
            continue
        for program in sorted(folder.glob(program_pattern)):
            if os.access(program, os.X_OK):
                real = Path(os.path.realpath(folder))
                needed = Path(os.path.realpath(modules)) if package.needs_node else real
                return Installed(program=real / program.relative_to(folder), mounts=(Mount(needed),))
    return None


def _with_node(found: Installed, settings: AgentSettings) -> Installed:
    """The same, run by the node that the user's PATH names where that lies outside the system's folders."""
    node = shutil.which("node", path=settings.path) if settings.path else None
    real = Path(os.path.realpath(node)) if node is not None else None
    if real is None or real.is_relative_to("/usr"):
        return found
    return replace(found, interpreter=real, mounts=(*found.mounts, Mount(real)))
