"""experiments.yaml: repeatable commands, and what must be on the disk afterwards for one to count as passed.

The schema is strict: an unknown key is an error that names the line and the nearest known key.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from honing.documents import Described
from honing.errors import RegistryError
from honing.experiments.registry.expression import Expression

FREE_NAMES = frozenset({"run", "home", "root", "results", "id", "mode"})
"""Placeholders that every command may use without declaring them."""


class ExperimentMode(StrEnum):
    """How much of an experiment is run."""

    SMOKE = "smoke"
    """A few minutes: does it work at all?"""
    FULL = "full"
    """What its numbers are quoted from."""


def _expression(text: str) -> str:
    try:
        Expression.parse(text)
    except RegistryError as error:
        raise ValueError(str(error)) from None
    return text


Signal = Annotated[str, AfterValidator(_expression)]
"""An expression over artifacts; see docs/experiments.md."""
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class DataSpec(Described):
    """Something that a command needs and that is not part of the project: a folder of data, a checkpoint."""

    sentence: str
    """What it is and where it comes from; shown where it is missing."""
    default: str = ""
    """Used where nobody gives another one; a path is relative to the registry's folder. Empty for none."""
    must_exist: bool = True
    """Whether it is a path that must be there before anything starts."""


class CommandSpec(Described):
    """One command of a mode."""

    run: str
    """Split into words as a shell would, but run without one; `hone` is this installation, `python` this
    interpreter. {run}, {home}, {root}, {results}, {id}, {mode} and the names under `data` are filled in;
    double a brace to write one."""
    shell: bool = False
    """Whether bash runs it, for pipes and the like."""
    time_limit_s: float = Field(default=3600.0, gt=0)
    """At the limit it and everything it started is ended; running again goes on."""


class ModeSpec(Described):
    """What one mode runs."""

    commands: tuple[CommandSpec, ...] = Field(min_length=1)
    """In their order; one that ends with another code than 0 ends the mode."""
    artifacts: dict[str, str] = Field(default_factory=dict)
    """Further artifacts of this mode, and other patterns for those of the experiment, by name."""
    done: tuple[Signal, ...] = ()
    """Signals of this mode alone."""


class Commands(Described):
    """The two modes. A command alone may stand for a mode, and several as a list."""

    smoke: ModeSpec | None = None
    full: ModeSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: _as_mode(found) for name, found in value.items()}


def _as_mode(value: object) -> object:
    if isinstance(value, dict) and "run" not in value:
        found = dict(value)
        if isinstance(found.get("commands"), list):
            found["commands"] = [_as_command(one) for one in found["commands"]]
        return found
    several = value if isinstance(value, list) else [value]
    return {"commands": [_as_command(one) for one in several]}


def _as_command(value: object) -> object:
    return {"run": value} if isinstance(value, str) else value


class RecordedStatus(StrEnum):
    """What recorded figures rest on, where nothing of it is on this disk."""

    DOCUMENTED = "documented"
    """Written down, with a source that can be read."""
    HISTORICAL = "historical"
    """Of an early, temporary state that is not kept anywhere."""


class Recorded(Described):
    """Figures of a run that is not on this disk."""

    baseline: float | None = None
    best: float | Literal["crash"] | None = None
    """What the run came to; `crash` where it ended before there was a number."""
    status: RecordedStatus = RecordedStatus.DOCUMENTED
    source: str
    """Where the figures can be read."""
    date: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    """When it was run, YYYY-MM-DD, where it is known."""
    duration_s: float | None = Field(default=None, ge=0)
    summary: str = ""
    """One sentence on how it ended."""


class Experiment(Described):
    """One row."""

    id: Id
    name: str
    category: str
    target: str = ""
    """What is measured, improved or taught."""
    agent: str = ""
    """Agent, back end or model."""
    config: str = ""
    """The file that holds its options, where a file does."""
    goal: str = ""
    baseline: str = ""
    """What it is compared with, in words."""
    commands: Commands = Commands()
    env: dict[str, str] = Field(default_factory=dict)
    """Further variables for the commands, with placeholders."""
    artifacts: dict[str, str] = Field(default_factory=dict)
    """Files by the names that signals use: a pattern below {run}, or below another placeholder. `output`,
    what the last command printed, is always there."""
    metrics: tuple[Signal, ...] = ()
    """What is read and shown, whatever it comes to."""
    done: tuple[Signal, ...] = ()
    """What must hold after every mode."""
    score: tuple[Signal, Signal] | None = None
    """Expressions for the baseline's and the best number; the first may be `null`."""
    resources: str = ""
    outputs: str = ""
    notes: str = ""
    recorded: Recorded | None = None

    def mode(self, mode: ExperimentMode) -> ModeSpec | None:
        """What a mode runs; None where the row has no such command."""
        return self.commands.smoke if mode is ExperimentMode.SMOKE else self.commands.full

    @property
    def modes(self) -> tuple[ExperimentMode, ...]:
        """The modes that have commands."""
        return tuple(mode for mode in ExperimentMode if self.mode(mode) is not None)

    def artifacts_of(self, mode: ExperimentMode) -> dict[str, str]:
        """Patterns by name, those of the mode before those of the row."""
        spec = self.mode(mode)
        return {**self.artifacts, **(spec.artifacts if spec is not None else {})}

    def signals_of(self, mode: ExperimentMode) -> tuple[str, ...]:
        """The signals that must hold after a mode."""
        spec = self.mode(mode)
        return (*self.done, *(spec.done if spec is not None else ()))


class Grid(Described):
    """Combinations that ought to be run: each without a row of its own is shown as missing."""

    category: str
    targets: tuple[str, ...] = Field(min_length=1)
    agents: tuple[str, ...] = Field(min_length=1)
    notes: str = ""
    """What a missing row says; {target} and {agent} are filled in."""


class Registry(Described):
    """All experiments of a project."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    data: dict[str, DataSpec] = Field(default_factory=dict)
    """What commands need, by the name of its placeholder."""
    experiments: tuple[Experiment, ...] = ()
    grids: tuple[Grid, ...] = ()

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)
