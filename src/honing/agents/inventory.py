"""The command-line agents: which versions they are tested with, and which ones are on this machine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from honing.agents.installed import AgentSettings, Package, find

COMMAND_LINE = ("codex", "claude_code", "gemini_cli", "opencode", "pi")
"""Agents that are programs of their own, by name."""
_NUMBER = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAgent:
    """One command-line agent as it is here."""

    package: Package
    program: Path | None
    """None where it is not installed."""
    version: str
    """As its package says; empty where no package lies around it. A run asks the program itself."""

    @property
    def fits(self) -> bool:
        """Whether it is the version that its adapter is tested with."""
        return self.version == self.package.version


def package_of(name: str) -> Package | None:
    """What a command-line agent is called in its registry; None for an agent that is no such program."""
    key = name.strip().replace("-", "_")
    if key not in COMMAND_LINE:
        return None
    package: Package = import_module(f"honing.agents.{key}").PACKAGE
    return package


def find_agents(settings: AgentSettings) -> tuple[FoundAgent, ...]:
    """Every command-line agent. Nothing is started.

    Args:
        settings: Where programs are looked for.
    """
    rows = []
    for name in COMMAND_LINE:
        package = package_of(name)
        assert package is not None
        found = find(package, settings)
        program = found.program if found is not None else None
        rows.append(FoundAgent(package=package, program=program, version=_version(program)))
    return tuple(rows)


def _version(program: Path | None) -> str:
    """The version in the package.json nearest above the program."""
    for folder in program.parents if program is not None else ():
        path = folder / "package.json"
        if path.is_file():
            try:
                said = json.loads(path.read_text(encoding="utf-8")).get("version", "")
            except (OSError, ValueError, AttributeError):
                return ""
            number = _NUMBER.match(str(said))
            return number[0] if number is not None else ""
    return ""
