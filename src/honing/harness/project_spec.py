"""honing.yaml: a harness project as its author writes it, in a form that a reviewer can read.

The schema is strict: an unknown key is an error that names the line and the nearest known key.
`project_schema()` gives the JSON Schema that editors use.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from honing.documents import Described, RelativePath
from honing.harness.project import Control, KeepRule
from honing.harness.tasks.base import Cascade
from honing.harness.tasks.spec import TaskSpec

SCHEMA = 1


class _Short(Described):
    """A record that may be written as the value of one of its keys."""

    SHORT: ClassVar[str]
    """The key."""

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {cls.SHORT: value}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [written["properties"][cls.SHORT], written]}


def _plain(path: Any) -> Any:
    """A path without `./` before it and `/` after it: both are habits, not meanings."""
    return path.removeprefix("./").rstrip("/") or "." if isinstance(path, str) else path


Inside = Annotated[RelativePath, BeforeValidator(_plain)]
"""A path (or pattern) below the harness."""


class ScopeSpec(_Short):
    """One place that a candidate may change; a path alone says the same without a class."""

    model_config = ConfigDict(populate_by_name=True)
    SHORT = "path"

    path: Inside
    """A file, a folder (with everything in it), or a pattern."""
    kind: str = Field(default="", alias="class")
    """Class of what lies there: prompt, tool_desc, tool_impl, middleware, skill, subagent, memory, other."""


class SearchSpec(_Short):
    """How parents are chosen; a name alone says the same with the usual options."""

    SHORT = "name"

    name: str = "greedy"
    """greedy, frontier, islands, restarts or best_of_n."""
    in_flight: int = Field(default=1, ge=1, le=1000)
    """Proposals under way at a time. Part of the result: slot k knows the slots up to k - in_flight."""
    control: Control = Control.BEST_OF_N
    """The arm that runs beside the search at the same budget."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the search itself."""


class JudgingSpec(Described):
    """How a candidate is evaluated and when its gain is believed."""

    repeats: int = Field(default=1, ge=1, le=1000)
    """Seeds of every task that is not deterministic."""
    retest_repeats: int = Field(default=0, ge=0, le=1000)
    """Fresh seeds before a candidate is kept; 0: as many as `repeats`."""
    final_repeats: int = Field(default=0, ge=0, le=1000)
    """Seeds of the held-out tasks; 0: as `repeats`."""
    thresholds: dict[Cascade, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Least mean score by step of the cascade below which the rest is not run."""
    racing: bool = True
    """Whether a candidate that can no longer beat its parent is stopped early."""
    racing_error: float = Field(default=0.2, gt=0, lt=1)
    """Chance, at most, with which racing stops a candidate that is as good as its parent."""
    rule: KeepRule = KeepRule.FRESH
    """When a gain is believed where tasks are not deterministic."""
    margin: float = Field(default=0.0, ge=0, le=1)
    """Gain that a candidate has to exceed."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Confidence of intervals and of re-tests."""
    task_timeout_s: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Wall-clock limit of each command of a task that names none of its own."""


class AgentOptions(Described):
    """What an agent is told."""

    model: str = ""
    timeout_s: float = Field(default=240.0, gt=0, allow_inf_nan=False)
    """Wall-clock limit of one proposal."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the agent itself; docs/agents.md lists them."""


class AgentSpec(_Short, AgentOptions):
    """Who proposes; a name alone says the same with the usual limits."""

    SHORT = "name"

    name: str = "codex"


class BudgetSpec(_Short):
    """What one run may spend; a number alone says how many proposals."""

    SHORT = "proposals"

    proposals: int = Field(default=3, ge=0, le=100_000)
    """Of each arm."""
    task_runs: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    cost_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    wall_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class TasksSpec(Described):
    """A file of tasks: a list of them, or this mapping."""

    tasks: tuple[TaskSpec, ...]


_MANY = Annotated[tuple[TaskSpec, ...], Tag("tasks")]
_FILE = Annotated[str, Field(min_length=1), Tag("file")]
TasksOrFile = Annotated[
    _MANY | _FILE, Discriminator(lambda value: "file" if isinstance(value, str) else "tasks")
]


def _in_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ProjectSpec(Described):
    """A harness project. Paths are relative to the file that names them."""

    schema_: int = Field(default=SCHEMA, alias="schema", ge=SCHEMA, le=SCHEMA)
    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$")
    """What the project is called in reports and names of runs."""
    objective: str = Field(min_length=1)
    """What a better harness is, in words for the agent that edits it."""
    constraints: Annotated[tuple[str, ...], BeforeValidator(_in_a_list)] = ()
    """What an edit must not do, in words for the agent. The rules below are what is enforced."""
    baseline: str = Field(default="./baseline", min_length=1)
    """The folder of the harness as it is."""
    scope: tuple[ScopeSpec, ...] = ()
    """What a candidate may change; empty: everything."""
    single_class: bool = False
    """Whether one candidate may change files of one class only."""
    required: tuple[Inside, ...] = ()
    """Files that every candidate must have."""
    transient: tuple[str, ...] = ()
    """Names (patterns) that are never part of a candidate, beside the usual ones (.venv, caches ...); one
    with `!` before it takes a usual one back."""
    leakage: bool = True
    """Whether changed files are searched for ids of tasks and for forbidden phrases."""
    forbidden: tuple[str, ...] = ()
    """Phrases that a changed file must not hold."""
    largest_bytes: int = Field(default=50 * 1024 * 1024, ge=1)
    """Of a candidate in all."""
    tasks: TasksOrFile
    """What candidates are searched by: tasks, or a YAML or JSON file of them."""
    held_out: TasksOrFile = ()
    """Tasks that are run once, at the end: in the same form, the file anywhere on this machine."""
    search: SearchSpec = SearchSpec()
    judging: JudgingSpec = JudgingSpec()
    agent: AgentSpec = AgentSpec()
    agents: dict[str, AgentOptions] = Field(default_factory=dict)
    """Settings of further agents by name, for runs that choose one of them."""
    budget: BudgetSpec = BudgetSpec()
    trace: str = ""
    """A file of evidence (traces of the harness at work) shown to the agent."""
    solution: str = ""
    """A folder laid over the harness by the agents `scripted` and `oracle`; `./solution` where there is
    one."""
    seed: int = 0
    settings: Any = None
    """Settings of Honing itself, read elsewhere (docs/settings.md)."""

    model_config = ConfigDict(populate_by_name=True)

    @field_validator("name")
    @classmethod
    def _trimmed(cls, value: str) -> str:
        return value.strip()

    @field_validator("forbidden")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in value:
            if len(phrase.strip()) < 2:
                raise ValueError(f"{phrase!r} is too short to forbid: it would be found by chance")
        return value


def project_schema() -> dict[str, Any]:
    """The JSON Schema of honing.yaml."""
    return ProjectSpec.model_json_schema(by_alias=True)
