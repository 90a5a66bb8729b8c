"""What every source of targets shares: its options, what it brings, and which files speak to coding
agents."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.store import Entry, EntryKind


class TargetKind(StrEnum):
    """What a target was before it was copied."""

    FOLDER = "folder"
    ARCHIVE = "archive"
    """A file that was unpacked, local or downloaded."""
    GIT = "git"
    PYPI = "pypi"
    """The source distribution of a package."""
    DATASET = "dataset"
    """A data set of the Hugging Face hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How targets that lie elsewhere are reached, and how large they may be."""

    cache: Path | None = None
    """Where downloads are kept; `cache/targets` beside the tree store where None. Safe to delete."""
    mirror: Path | None = None
    """A folder that stands for the network: what is not in it does not exist. See docs/targets.md."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Tokens, proxies and certificates by the names that other programs use; docs/targets.md
    lists them."""
    config: str | None = None
    """Configuration of a data set, where its files are too large to take them all."""
    split: str | None = None
    """Split of a data set, likewise."""
    max_total_bytes: int = 2 * 1024**3
    """Of all files of a target, and of a download."""
    max_file_bytes: int = 512 * 1024**2
    max_files: int = 100_000
    """Files, folders and links of a target."""
    timeout_s: float = 60.0
    """Silence of a server that ends one attempt."""
    total_timeout_s: float = 1800.0
    """Fetching one target, all attempts together."""
    attempts: int = 5
    """How often a request is made before a server's failure is believed."""
    submodules: bool = True
    """Whether submodules at https addresses are fetched as well."""
    sleep: Callable[[float], None] = time.sleep
    """Waits between attempts, seconds."""
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A target's content, ready to be copied into the tree store."""

    folder: Path
    """Holds it, and nothing else."""
    address: str
    """Canonical and pinned as far as that is possible; gives the same content when it is resolved again."""
    revision: str = ""
    """What pins it; see `Target.revision`."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Evidence, as plain data."""
    notes: tuple[str, ...] = ()
    """What a person should know: what was left out, what is not what it seems."""


AGENT_FILES = (
    "AGENTS.md", "AGENTS.override.md", "AGENT.md", "CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", "QWEN.md",
    "CRUSH.md", "WARP.md", "SKILL.md", ".agents/", ".claude/", ".claude.json", ".codex/", ".cursor/",
    ".cursorrules", ".cursorignore", ".gemini/", ".qwen/", ".opencode/", "opencode.json", "opencode.jsonc",
    ".pi/", ".mcp.json", "mcp.json", ".crush/", "crush.json", ".aider*", ".continue/", ".continuerules",
    ".windsurf/", ".windsurfrules", ".clinerules", ".cline/", ".roo/", ".roorules", ".roomodes",
    ".kilocode/", ".kiro/", ".junie/", ".amp/", ".augment/", ".trae/", ".amazonq/", ".goosehints", ".goose/",
    ".openhands/", ".openhands_instructions", ".rules", ".github/copilot-instructions.md",
    ".github/instructions/", ".github/prompts/", ".github/agents/", ".github/hooks/", ".github/chatmodes/",
    ".githooks/", ".husky/",
)  # fmt: skip
"""Files and folders (with a slash) that coding agents obey or run, at any depth, in any case. In a target
they are data: whatever gives an agent a workspace leaves them out."""


def agent_files(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Names of files and links among a tree's entries that address coding agents; see `AGENT_FILES`."""
    found = (entry.name for entry in entries if entry.kind in (EntryKind.FILE, EntryKind.LINK))
    return tuple(name for name in found if is_agent_file(name))


def is_agent_file(name: str) -> bool:
    """Whether a path addresses coding agents by its own name or by that of a folder above it."""
    return _AGENT_FILE.search(name.lower()) is not None


def _expression(pattern: str) -> str:
    name = re.escape(pattern.lower().rstrip("/")).replace(r"\*", "[^/]*")
    # A folder's pattern also covers a file or link of that name: an agent may follow it.
    return f"(?:^|/){name}(?:/|$)" if pattern.endswith(("/", "*")) else f"(?:^|/){name}$"


_AGENT_FILE = re.compile("|".join(map(_expression, AGENT_FILES)))
