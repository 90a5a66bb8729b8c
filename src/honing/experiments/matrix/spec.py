"""A matrix as it is written: axes, trials, budget. The schema is strict; docs/matrix.md shows one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from honing.documents import Described

_Word = Annotated[str, StringConstraints(min_length=1)]


class HarnessAxes(Described):
    """Every project with every agent, every model of the agent and every budget."""

    projects: tuple[_Word, ...] = Field(min_length=1)
    """Folders or files of projects, counted from the file's folder; `example:NAME` is one that is shipped."""
    agents: tuple[_Word, ...] = ()
    """Who proposes. Empty: whom each project names."""
    models: tuple[_Word, ...] = ()
    """Of the agents. Empty: what each project names."""
    budgets: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Proposals of each arm. Empty: what each project says."""
    search: Literal["", "greedy", "frontier", "islands", "restarts", "best_of_n"] = ""
    """What each project says where empty."""
    control: Literal["", "best_of_n", "none"] = ""
    """What each project says where empty."""
    in_flight: int | None = Field(default=None, ge=1)
    """Proposals of an arm that may not know of each other."""
    agent_timeout_s: float | None = Field(default=None, gt=0)
    """Wall-clock limit of one proposal."""
    agent_options: dict[str, Any] = Field(default_factory=dict)
    """Of the agents, over those of the project."""


class MeasureAxes(Described):
    """Every target with every model in every mode."""

    targets: tuple[_Word, ...] = Field(min_length=1)
    """Folders, counted from the file's folder, or addresses."""
    models: tuple[_Word, ...] = Field(min_length=1)
    modes: tuple[Literal["smoke", "full"], ...] = ("smoke",)
    """smoke: a few rows, drawn anew with each trial's seed; full: all of them."""
    limit: int | None = Field(default=None, ge=1)
    """Ask a seeded sample of this many rows, whatever the mode."""
    epochs: int = Field(default=1, ge=1)
    """Times that every row is asked in one trial."""
    split: str | None = None
    """Of a data set."""
    config: str | None = None
    """Of a data set that has several."""
    system: str = ""
    """System prompt; the contract's own where empty."""
    temperature: float | None = Field(default=None, ge=0)
    """Sent only where it is given."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Sent only where it is given."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Of one answer; sent only where it is given."""
    require_samples: bool = False
    """Fail unless every sample is complete and they differ."""
    allow_uncalibrated: bool = False
    """Report scores although controls do not bracket them; recorded as such."""
    min_coverage: float = Field(default=1.0, ge=0, le=1)
    """Withhold a score below this share of judged samples."""


class MatrixBudget(Described):
    """What all trials together may spend, earlier sessions included. Absent: no limit."""

    tokens: int | None = Field(default=None, ge=1)
    cost_usd: float | None = Field(default=None, ge=0)
    wall_s: float | None = Field(default=None, gt=0)
    """Seconds that somebody works on the matrix."""


class MatrixSpec(Described):
    """One matrix: either of harness runs or of measurements."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str = ""
    """For titles and tables."""
    seed: int = 0
    """Of the first trial; each further one has the next. Trials of all cells share them."""
    trials: int = Field(default=1, ge=1)
    """Of each cell."""
    harness: HarnessAxes | None = None
    measure: MeasureAxes | None = None
    budget: MatrixBudget = MatrixBudget()

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    @model_validator(mode="after")
    def _has_one_kind(self) -> MatrixSpec:
        if (self.harness is None) == (self.measure is None):
            raise ValueError("a matrix has either `harness` axes or `measure` axes")
        if self.measure is not None and self.measure.limit is not None and len(self.measure.modes) > 1:
            raise ValueError("`limit` says how many rows are asked, whatever the mode: give one mode with it")
        for name, values in self.axes().items():
            if len(set(values)) < len(values):
                raise ValueError(f"the axis `{name}` names a value twice")
        return self

    @property
    def kind(self) -> str:
        """harness or measure."""
        return "harness" if self.harness is not None else "measure"

    def axes(self) -> dict[str, tuple[Any, ...]]:
        """The values of every axis, the outermost first; an empty one is left to each project."""
        if self.harness is not None:
            one = self.harness
            return {
                "project": one.projects,
                "agent": one.agents or ("",),
                "model": one.models or ("",),
                "budget": one.budgets or (None,),
            }
        if self.measure is not None:
            asked = self.measure
            return {"target": asked.targets, "model": asked.models, "mode": asked.modes}
        return {}

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return self.model_dump(mode="json", by_alias=True)
