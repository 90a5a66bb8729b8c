"""contract.yaml: how a target is set up, rolled out and evaluated, in a form a reviewer can read.

The schema is strict: an unknown key is an error that names the line and the nearest known key.
`json_schema()` gives the JSON Schema that editors use.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from honing.contract.spec_oracle import OracleSpec
from honing.documents import AbsolutePath, Record, RelativePath
from honing.sandbox import Capability, Network

SCHEMA = 1


SAMPLE_COLUMNS = ("id", "prompt", "completion", "target", "code")
"""What a column of a samples file may hold; beside these, `row.NAME` is the data row's own column."""


class Answers(StrEnum):
    """Who answers in a rollout."""

    GATEWAY = "gateway"
    """A model, through the gateway: a rollout in which no call arrives is invalid."""
    SAMPLES = "samples"
    """A samples file that exists already, or that the target's rollout commands write without a model."""
    POLICY = "policy"
    """A model, through the gateway, that acts in an environment: many calls make one episode, and the
    target's own results say how each episode ended."""
    NONE = "none"
    """Nobody: the target measures something that is not a model."""


class TeardownPolicy(StrEnum):
    ALWAYS = "always"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    NEVER = "never"


class MetricSpec(Record):
    """The one number a contract is about, declared before anything runs."""

    name: str = "accuracy"
    path: str = "score"
    """Where it stands in the metrics file; dots lead into objects."""
    unit: str = "fraction"
    direction: Literal["maximize", "minimize"] = "maximize"
    range: tuple[float, float] = (0.0, 1.0)
    """Worst and best possible value, in increasing order."""
    chance: float = 0.0
    """What an answerer without any knowledge reaches."""
    aggregation: Literal["mean", "other"] = "mean"
    """`mean` where the number is a mean over tasks, so that half of the answers right must score about half
    way."""
    discover: bool = False
    """Name, place, unit and range are not known yet: before any model is asked, the evaluation is run under
    right, empty and wrong answers, and the number that they move is the metric."""

    @field_validator("range")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if not low < high or low in (float("-inf"),) or high in (float("inf"),):
            raise ValueError(f"must be two finite numbers in increasing order, got [{low}, {high}]")
        return value

    @model_validator(mode="before")
    @classmethod
    def _chance_is_the_worst(cls, value: Any) -> Any:
        """Where nothing is said, an answerer without knowledge reaches the worst value."""
        if not isinstance(value, dict) or "chance" in value:
            return value
        ends = value.get("range", (0.0, 1.0))
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            return value
        return {**value, "chance": ends[1] if value.get("direction") == "minimize" else ends[0]}

    @model_validator(mode="after")
    def _chance_in_range(self) -> MetricSpec:
        low, high = self.range
        if not low <= self.chance <= high:
            raise ValueError(f"chance {self.chance} lies outside the range {list(self.range)}")
        best = high if self.direction == "maximize" else low
        if abs(best - self.chance) < 0.1 * (high - low):
            raise ValueError(
                f"chance {self.chance} is too near the best value {best}: nothing could be told apart"
            )
        return self


class StageSpec(Record):
    """The commands of one stage. They run in order; the first that fails ends the attempt."""

    commands: tuple[str, ...] = ()
    """Shell text, run as written by `bash -c`."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Wall-clock limit of each command; its whole process tree is killed at the limit."""
    retries: int = Field(default=0, ge=0, le=10)
    """Further attempts after a failed one."""
    workdir: RelativePath = "."
    env: dict[str, str] = Field(default_factory=dict)
    """Variables added to the stage's own; the host's environment is never inherited. `$NAME` stands for a
    variable that the stage has already, `$$` for a dollar sign."""
    folders: dict[AbsolutePath, RelativePath] = Field(default_factory=dict)
    """Folders of the working copy, made where missing, that also appear at a fixed place (`/app: made`)."""
    network: Network = Network.NONE
    """`open` only where a stage must install or download something."""
    requires: tuple[Capability, ...] | None = None
    """Protections without which the stage must not run; the stage's own default where None."""


class RolloutSpec(StageSpec):
    answers: Answers = Answers.GATEWAY
    samples: RelativePath | None = None
    """Where Honing writes its samples (JSONL) for the target's own evaluate commands; with answers
    `samples`, where the target's rollout leaves them."""
    samples_columns: dict[str, str] = Field(default_factory=dict)
    """Columns of that file by their name in it, each one of `id`, `prompt`, `completion`, `target`, `code`
    (the completion without its Markdown fence) or `row.NAME` (the data row's own column). Empty for
    Honing's own columns."""
    writes: tuple[str, ...] = ()
    """Files of the target (patterns) that the rollout may change. Any other that it changes may be the
    grader."""
    whole: bool = False
    """Whether every row must be asked, because the target's grader refuses samples of only some."""

    @field_validator("samples_columns")
    @classmethod
    def _columns_hold_something(cls, value: dict[str, str]) -> dict[str, str]:
        for name, what in value.items():
            if what not in SAMPLE_COLUMNS and not what.startswith("row."):
                known = ", ".join(SAMPLE_COLUMNS)
                raise ValueError(f"{name}: {what!r} is none of {known} and row.NAME")
        return value


class ResultsSpec(Record):
    """Where the target writes what it thinks of each sample, and how a line of it reads."""

    path: RelativePath
    """JSON, JSONL or CSV; `*` matches within one folder and must match exactly one new file."""
    rows: str = ""
    """Dotted path to the list (or object by id) of results; empty where the file itself is the list."""
    id: str = "id"
    """Column that names the task; for an object by id, its keys."""
    reward: str = "reward"
    """Column with the reward: a number, true or false, or one of the words pass, fail."""
    prompt: str = ""
    completion: str = ""


class MetricsSource(StrEnum):
    """Where an evaluate stage leaves its number."""

    FILE = "file"
    STDOUT = "stdout"


class EvaluateSpec(StageSpec):
    source: MetricsSource = MetricsSource.FILE
    metrics_path: RelativePath = "metrics.json"
    """The metrics file; `*` matches within one folder, and exactly one new file must match."""
    pattern: str = ""
    """For source `stdout`: a regular expression with one group `score`. The last line of the stage's output
    that matches counts."""
    required_keys: tuple[str, ...] = ()
    results: ResultsSpec | None = None
    """The target's results for each sample, to be joined with the samples."""

    @model_validator(mode="after")
    def _pattern_reads(self) -> EvaluateSpec:
        if self.source is MetricsSource.FILE:
            return self
        try:
            found = re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern: not a regular expression: {error}") from None
        if "score" not in found.groupindex:
            raise ValueError("pattern: must contain the group (?P<score>...) around the number")
        return self


class DeploySpec(Record):
    setup: StageSpec = StageSpec()
    health: StageSpec = StageSpec()
    teardown: StageSpec = StageSpec()
    policy: TeardownPolicy = TeardownPolicy.ALWAYS


class Stages(Record):
    """The stages, in the order in which they run."""

    auth: StageSpec = StageSpec()
    bootstrap: StageSpec = StageSpec(network=Network.OPEN, timeout_s=1800)
    tests: StageSpec = StageSpec()
    deploy: DeploySpec = DeploySpec()
    rollout: RolloutSpec = RolloutSpec()
    evaluate: EvaluateSpec = EvaluateSpec()
    benchmark: StageSpec = StageSpec()
    """For a target whose one command asks the model and judges: it takes the place of the commands of
    rollout and evaluate, and `evaluate` says where its number stands."""

    @property
    def target_asks(self) -> bool:
        """Whether commands of the target ask the model; otherwise Honing does."""
        return bool(self.rollout.commands or self.benchmark.commands)

    @property
    def target_judges(self) -> bool:
        """Whether commands of the target judge; otherwise Honing does."""
        return bool(self.evaluate.commands or self.benchmark.commands)


class EnvironmentSpec(Record):
    """The target's own Python environment: made once from what is listed here, shared by nobody else, and
    read-only for every stage."""

    install: tuple[str, ...] = ()
    """Arguments of successive `pip install` calls: `-r requirements.txt`, `.`, `-e .[test]`, `numpy<2`."""
    python: str = ""
    """Version of the interpreter, as in `3.11`; empty for Honing's own."""
    as_of: str = ""
    """Date (YYYY-MM-DD): nothing published later is installed."""
    build_constraints: tuple[str, ...] = ()
    """Versions of build tools (`setuptools<81`), for packages that today's no longer build."""
    build_isolation: bool = True
    """False builds packages with what is installed already."""
    source_roots: tuple[RelativePath, ...] = ()
    """Folders of the working copy that come first on PYTHONPATH, as an editable install has it."""
    timeout_s: float = Field(default=1800.0, gt=0)


class ChatSpec(Record):
    """What is said around each prompt when Honing itself asks."""

    system: str = ""
    """System prompt; `--system` overrides it."""
    template: str = ""
    """Text around the prompt, with `{prompt}` where it stands; empty for the prompt alone."""

    @field_validator("template")
    @classmethod
    def _holds_the_prompt(cls, value: str) -> str:
        if value and value.count("{prompt}") != 1:
            raise ValueError("must contain {prompt} exactly once")
        return value


class HoleKind(StrEnum):
    """What belongs where a command of the target has a placeholder that nobody has filled yet."""

    MODEL = "model"
    BASE_URL = "base_url"
    KEY = "key"
    SAMPLES = "samples"
    OUTPUT = "output"
    LIMIT = "limit"
    CHOICE = "choice"
    PATH = "path"
    NUMBER = "number"
    TEXT = "text"


class HoleSpec(Record):
    """A placeholder in a command, `{{name}}`, that must be filled before the contract can run."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: HoleKind
    text: str
    """As the target writes it."""
    anchor: str = ""
    choices: tuple[str, ...] = ()


class Provenance(Record):
    """Who wrote a part of the contract, and from what."""

    part: str
    """Dotted path in the contract."""
    by: Literal["target", "derivation", "repair", "agent", "user"]
    anchor: str = ""
    """file:line (or file:row:column) in the target."""
    why: str = ""


class ContractSpec(Record):
    """A whole contract. `rows` and `scorer` make Honing roll out and judge; stage commands let the target do
    it."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str = ""
    task: dict[str, Any] | None = None
    """The task as derived from a data set (see docs/contract.md, "task")."""
    metric: MetricSpec = MetricSpec()
    oracle: OracleSpec | None = None
    environment: EnvironmentSpec | None = None
    chat: ChatSpec = ChatSpec()
    holes: tuple[HoleSpec, ...] = ()
    """Not empty while somebody must still decide; such a contract is shown but not run."""
    stages: Stages = Stages()
    provenance: tuple[Provenance, ...] = ()

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _can_run(self) -> ContractSpec:
        stages = self.stages
        combined = bool(stages.benchmark.commands)
        if self.task is None and not stages.evaluate.commands and not combined:
            raise ValueError(
                "stages.evaluate.commands is empty and there is no task: nothing here can produce a score"
            )
        asks = stages.rollout.answers in (Answers.GATEWAY, Answers.POLICY)
        if self.task is None and not stages.rollout.commands and not combined and asks:
            raise ValueError(
                "stages.rollout.commands is empty and there is no task: no model would ever be asked; "
                "write the rollout command"
            )
        if self.chat != ChatSpec() and (stages.rollout.commands or combined):
            raise ValueError(
                "chat says what Honing puts around each prompt, but the target asks with commands of its "
                "own, which would not see it; leave it out"
            )
        self._check_answers()
        return self

    def _check_answers(self) -> None:
        rollout = self.stages.rollout
        if rollout.answers is Answers.SAMPLES and rollout.samples is None:
            raise ValueError(
                "stages.rollout.answers is 'samples' but stages.rollout.samples names no file of samples"
            )
        if rollout.answers is Answers.NONE and not rollout.commands:
            raise ValueError(
                "stages.rollout.answers is 'none' but there are no rollout commands: nothing would run"
            )
        if rollout.answers is Answers.POLICY and self.stages.evaluate.results is None:
            raise ValueError(
                "stages.rollout.answers is 'policy' but stages.evaluate.results does not say where the "
                "target writes how each episode ended"
            )

    def as_document(self) -> dict[str, Any]:
        """The contract as plain data, defaults left out."""
        document = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"schema": SCHEMA, **document}

    @property
    def digest(self) -> str:
        """sha256 over everything that decides the result (not over provenance)."""
        document = self.model_dump(mode="json", by_alias=True, exclude={"provenance"})
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of contract.yaml."""
    schema = ContractSpec.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Honing contract"
    return schema


def with_provenance(spec: ContractSpec, parts: Sequence[Provenance]) -> ContractSpec:
    """The same contract with further provenance."""
    return spec.model_copy(update={"provenance": (*spec.provenance, *parts)})
