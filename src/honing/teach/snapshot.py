"""A snapshot: one saved state on a trajectory, and the labels it gets. A row of `failure_snapshots.json` and
of `labeled_snapshots.jsonl`; the names of the keys are those of the study's plan."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from honing.documents import Described
from honing.environments import Task

Json = Any


class Quadrant(StrEnum):
    """Uncertainty against actionability. High is above the threshold."""

    Q1 = "Q1_highU_highL"
    Q2 = "Q2_highU_lowL"
    Q3 = "Q3_lowU_lowL"
    Q4 = "Q4_lowU_highL"


class Profile(StrEnum):
    """What a snapshot's leverage says about it."""

    DEADEND = "deadend"
    BOTTLENECK = "bottleneck"
    TRAJECTORY = "trajectory"
    MIXED = "mixed"


class Route(StrEnum):
    """Kinds of patch, and of supervision."""

    DEMO = "demo"
    CONTRAST = "contrast"
    HINT = "hint"


class ErrorType(StrEnum):
    """What the teacher says went wrong."""

    AFFORDANCE_MISS = "affordance_miss"
    ATTRIBUTE_CONFUSION = "attribute_confusion"
    PLANNING_ERROR = "planning_error"
    EXPLORATION_FAILURE = "exploration_failure"


class Advice(Described):
    """What the teacher says about a snapshot."""

    suggested_action: str
    """One of the valid actions, exactly; empty where `valid` is false."""
    rationale: str = ""
    """Why that action, one sentence."""
    diagnosis: str = ""
    """What went wrong, one or two sentences, without the action."""
    error_type: ErrorType | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    teacher: str
    """Name of the model, or `expert`, or `mock`."""
    valid: bool = True
    """False where the teacher never named a valid action; such a snapshot gets no patches, and where an
    action is forced, it is the expert's."""


class Rate(Described):
    """A success rate from episodes."""

    p: float = Field(ge=0, le=1)
    n: int = Field(ge=1)
    low: float = Field(ge=0, le=1)
    """Lower end of the 95% interval."""
    high: float = Field(ge=0, le=1)
    exact: bool = False
    """Whether every episode is bound to end alike, so one episode decides."""


class Uncertainty(Described):
    """Estimators of how unsure the student is, all from one scoring. Higher is less sure but for `margin`,
    `topk_spread` and `length_normalised`, where higher is surer."""

    entropy: float
    """Nats."""
    margin: float
    """p1 - p2; 1 where there is one action."""
    topk_spread: float
    """p1 - pk, k = 3 or the number of actions."""
    effective_actions: float
    """exp(entropy)."""
    length_normalised: float
    """Log-probability of the likeliest option's text per token, nats; equals `log_p1` where the policy gives
    none per token."""
    n_actions: int = Field(ge=1)


class Leverage(Described):
    """What acting otherwise is worth."""

    p_policy: Rate
    p_force: Rate
    p_expert: Rate
    L_local: float
    """p_force - p_policy."""
    L_local_low: float
    L_local_high: float
    L_upper: float
    """p_expert - p_policy."""
    L_upper_low: float
    L_upper_high: float
    profile: Profile
    forced_action: str
    L_local_retest: float | None = None
    """The same from fresh episodes, for reliability; None where not measured."""
    d_force: int | None = None
    """Steps back along the trajectory until p_force >= 0.5; None where it never is or is not known."""
    d_expert: int | None = None


class PatchTest(Described):
    """The contextual patch test (CPT): success from the snapshot under five conditions."""

    p: dict[str, Rate]
    """By condition: base, placebo, demo, contrast, hint."""
    delta_net: dict[Route, float]
    """p_m - p_placebo."""
    delta_raw: dict[Route, float]
    """p_m - p_base."""
    ELP_net: float
    """max of delta_net: expected learning payoff."""
    ELP_raw: float
    route_net: Route
    """argmax of delta_net; the first of demo, contrast, hint among equals."""
    ELP_net_retest: float | None = None
    """ELP_net from a fresh pair of episodes, for reliability; None where not measured."""
    delta_net_retest: dict[Route, float] | None = None


class Snapshot(Described):
    """One saved state on a trajectory."""

    id: str
    """Unique: task and step."""
    source: str = "student"
    """Whose trajectory: `student` (experiment A) or `expert` (experiment B)."""
    split: Literal["train", "panel"] = "train"
    """`panel` snapshots are held out for evaluation: labelled like the others, never trained on, and apart
    from them by task hash."""
    task: dict[str, Json]
    """`Task.as_document()`."""
    task_hash: str
    goal: str
    observation: str
    valid_actions: list[str]
    history: list[str]
    """Actions before it, the oldest first."""
    action: str
    """What was done here."""
    action_kind: str
    logprobs: list[float | None] = Field(default_factory=list)
    """Of the actions, by the policy that collected it; null is -inf; empty where it gave none."""
    step_index: int = Field(ge=0)
    n_steps: int = Field(ge=1)
    """Length of its episode."""
    env_state: dict[str, Json] | None = None
    rewards: list[float] = Field(default_factory=list)
    """Of the episode so far, after each action of `history`."""
    start_observation: str = ""
    """First observation of the episode."""
    advice: Advice | None = None
    U: float | None = None
    """Uncertainty by the study's measure, oriented so that higher is less sure."""
    uncertainty: Uncertainty | None = None
    leverage: Leverage | None = None
    cpt: PatchTest | None = None
    quadrant: Quadrant | None = None
    quadrant_probability: dict[Quadrant, float] | None = None
    """From the intervals of U and L; sums to 1."""
    abstain: bool = False
    """Whether no quadrant is probable enough; `quadrant` names the likeliest all the same."""
    missing: dict[str, str] = Field(default_factory=dict)
    """Labels that were asked for and could not be made, and why: by field (`leverage`, `cpt`, `quadrant`)."""

    def the_task(self) -> Task:
        """Its task."""
        return Task.from_document(self.task)

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return self.model_dump(mode="json")
