"""What a hint is: a command that the target's own files name, with where it stands and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from honing.contract.spec import HoleKind


class Role(StrEnum):
    """What a command is for."""

    INSTALL = "install"
    DATA = "data"
    """Fetches or prepares data."""
    SERVE = "serve"
    """Starts something that others talk to."""
    ROLLOUT = "rollout"
    """Asks a model and keeps its answers."""
    EVALUATE = "evaluate"
    """Judges answers; where `Hint.asks_model` holds it asks for them as well."""
    TEST = "test"
    """Checks the target's own code."""
    OTHER = "other"


class Trap(StrEnum):
    """Why a command cannot simply be run here."""

    KEY = "key"
    GPU = "gpu"
    DOCKER = "docker"
    SUDO = "sudo"
    DOWNLOAD = "download"
    PIPED_INSTALLER = "piped_installer"
    """What the network answers is run (`curl ... | sh`)."""
    INTERACTIVE = "interactive"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class TrapFound:
    """A trap in one command."""

    trap: Trap
    why: str
    """The words that show it, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A stretch of a command that stands for something the reader must fill in."""

    start: int
    """First character in `Hint.command`."""
    end: int
    """One past the last."""
    text: str
    kind: HoleKind
    name: str
    """A short word for it, unique within the command: `model`, `samples`, `dataset`."""
    choices: tuple[str, ...] = ()
    """The alternatives of `[a|b]` and `{a,b}`, or those that an option's help names."""
    option: str = ""
    """The option it belongs to (`--dataset`), where it does."""
    default: str | None = None
    """A concrete value that stands there already and may stay (`--model "gpt-4"` has one to be replaced,
    `data/samples.jsonl` one that may exist)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One command, as the target writes it."""

    command: str
    """Shell text, prompts (`$ `) stripped and continued lines joined as the shell would; never re-quoted."""
    role: Role
    anchor: str
    """file:line of its first line."""
    source: str
    """Kind of file: readme, docs, ci, make, tox, nox, just, pyproject, package, docker, devcontainer, script,
    requirements."""
    confidence: float
    """0 to 1, that the role is right and the command is meant to be run as it stands."""
    why: str
    """What the role rests on, as a sentence."""
    asks_model: bool = False
    """Whether it talks to a model while it runs (it takes a model's name, an address or a key)."""
    programs: tuple[str, ...] = ()
    """The programs it starts, in order (`pip`, `python -m pkg.mod` as `pkg.mod`, `evaluate.py`)."""
    placeholders: tuple[Placeholder, ...] = ()
    traps: tuple[TrapFound, ...] = ()
    workdir: str = "."
    """Folder below the target in which it is meant to run, where an earlier `cd` or a CI step says so."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that the text around it sets (`export X=...` above it, a CI step's env)."""
