"""study.yaml: everything that decides a study's result. The defaults are those of the shop study.

The schema is strict: an unknown key is an error that names the line and the nearest known key. Every field is
also an option of the phases' commands.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from honing.documents import Described


class EnvironmentSpec(Described):
    """Where the student acts."""

    name: str = "shop"
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the world; `max_steps` among them."""


class StudentSpec(Described):
    """The agent that is taught. Without a checkpoint a tiny student is made from scratch and cached."""

    checkpoint: str = ""
    """Hub id, folder, or folder of an adapter; empty for a warm-started tiny student."""
    mock: bool = False
    """Whether a scripted policy stands for the student: for wiring only, and marked so everywhere."""
    architecture: Literal["llama", "gpt2", "qwen2"] = "llama"
    """Of the tiny student."""
    warm_start: dict[str, Any] = Field(default_factory=dict)
    """Options of the warm start that differ from its defaults (steps, hidden, layers, knowledge ...)."""
    history: int = Field(default=4, ge=0)
    """Last actions shown in the prompt; a harness says so itself."""
    harness: dict[str, Any] = Field(default_factory=dict)
    """What the student acts through in every phase, as plain data (`learn.ActingHarness`); empty for nothing
    but the usual prompt."""
    device: str = "auto"


class ExpertSpec(Described):
    """Who knows better: for p_expert, for forced actions without advice, for experiment B."""

    kind: Literal["environment", "model", "checkpoint"] = "environment"
    model: str = ""
    """A chat model, through the gateway."""
    checkpoint: str = ""


class TeacherKind(StrEnum):
    EXPERT = "expert"
    """The environment's expert, with texts from templates."""
    MODEL = "model"
    """A chat model, through the gateway."""
    MOCK = "mock"
    """A valid action drawn at random; for wiring only, and marked so everywhere."""


class TeacherSpec(Described):
    """Who advises."""

    kind: TeacherKind = TeacherKind.EXPERT
    model: str = "gpt-4o-mini"
    fallback_model: str = "gpt-4o"
    """Asked where the model gave no valid advice; empty for none."""
    temperature: float | None = 0.0
    """Sent where the provider accepts it."""
    max_tokens: int = Field(default=256, ge=1)
    retries: int = Field(default=2, ge=0)
    """Times the model is asked again after invalid advice."""
    skip_api: bool = False
    """No call leaves this machine: advice comes from the expert where there is one, else from the mock."""


class CollectSpec(Described):
    """Phase 0: rollouts."""

    n_tasks: int = Field(default=2000, ge=1)
    temperature: float = Field(default=1.0, ge=0)
    expert_tasks: int = Field(default=100, ge=0)
    """Episodes of the expert (experiment B); 0 for none."""


class MineSpec(Described):
    """Phase 0: from trajectories to snapshots."""

    max_snapshots: int = Field(default=960, ge=1)
    per_episode: int = Field(default=1, ge=1)
    stratify: bool = True
    """Evenly over the kinds of action."""
    sample_rate: float = Field(default=0.5, gt=0, le=1)
    """Part of the steps of an expert's trajectories that become snapshots."""
    require_env_state: bool = True
    retention_tasks: int = Field(default=100, ge=0)
    """Tasks that the student solves without luck, for the retention panel."""
    failure_panel: int = Field(default=160, ge=0)
    """Of the snapshots, how many are held out for evaluation, apart from training by task hash."""


class UncertaintySpec(Described):
    measure: Literal["entropy", "margin", "topk_spread", "effective_actions", "length_normalised"] = "entropy"


class LeverageSpec(Described):
    """Episodes per snapshot."""

    n_policy: int = Field(default=7, ge=1)
    n_force: int = Field(default=7, ge=1)
    n_expert: int = Field(default=2, ge=1)
    retest: bool = True
    """Whether L_local is measured again with fresh draws, for its reliability."""
    max_depth: int = Field(default=0, ge=0)
    """Steps back that d_force and d_expert are measured by episodes of their own; 0 takes them from the
    labels of the same trajectory."""


class PatchTestSpec(Described):
    n_per_condition: int = Field(default=2, ge=1)
    patch_steps: int | None = Field(default=1, ge=1)
    """Steps for which a patch is shown; null keeps it for the whole episode (static)."""
    retest: bool = True
    succeeding: int = Field(default=60, ge=0)
    """States of successful episodes on which disruption d is measured."""


class QuadrantSpec(Described):
    U_threshold: float | None = None
    """The median where null."""
    L_threshold: float | None = None
    min_per_quadrant: int = Field(default=100, ge=0)
    """Training snapshots; fewer is a criterion that is not met."""
    min_probability: float = Field(default=0.6, ge=0, le=1)
    """A snapshot whose likeliest quadrant is less probable abstains."""
    drop_abstained: bool = False


class MicroSetting(Described):
    label: str
    n_steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    decides: bool = False
    """Whether the exit code follows this setting."""


class MicroTrainingSpec(Described):
    """Phase 1B."""

    n_per_quadrant: int = Field(default=50, ge=1)
    settings: tuple[MicroSetting, ...] = (
        MicroSetting(label="seed", n_steps=2, learning_rate=1e-3, decides=True),
        MicroSetting(label="seed_4_steps", n_steps=4, learning_rate=1e-3),
        MicroSetting(label="ours", n_steps=4, learning_rate=3e-3),
    )
    n_validation_rollouts: int = Field(default=3, ge=1)
    rollout_max_steps: int | None = Field(default=None, ge=1)
    similar_tasks: int = Field(default=20, ge=0)
    """Tasks of the same tags on which a micro-trained student is tried as well."""


class TrainingSpec(Described):
    """Phase 2."""

    lora_rank: int = Field(default=16, ge=1)
    lora_alpha: int = Field(default=32, ge=1)
    n_steps: int | None = Field(default=100, ge=1)
    """Optimiser steps of each run; null trains for `epochs`."""
    epochs: float = Field(default=3.0, gt=0)
    batch_size: int = Field(default=8, ge=1)
    gradient_accumulation_steps: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    replay: float = Field(default=0.75, ge=0, lt=1)
    """Part of each batch that comes from demonstrations of other tasks; never from the student's own
    successes."""
    trainer: Literal["trl", "stacked"] = "trl"
    recovery: bool = True
    """Whether an arm is trained on expert trajectories from snapshots with high L_upper."""
    dpo: bool = False
    """Whether preference pairs (taught action over the student's) make further arms."""


class EvaluationSpec(Described):
    """Phase 3."""

    n_tasks: int = Field(default=400, ge=1)
    n_snapshots_per_quadrant: int = Field(default=100, ge=1)
    n_per_snapshot: int = Field(default=1, ge=1)
    sampled: bool = True
    """Whether everything is measured at temperature 1 as well; the criteria use temperature 0."""
    max_retention_drop: float = Field(default=0.10, gt=0, le=1)
    """A run that loses as much of the retention tasks or more is marked as not kept."""
    max_kl_nats: float = Field(default=0.5, gt=0)
    """A run whose distributions on the base's successful states moved further than this, KL(base || run), is
    marked as not kept."""


class PredictorSpec(Described):
    """Phase 4."""

    embedder: str = "hashing"
    """`hashing`, or the name of a sentence-transformers model."""
    embedding_dim: int = Field(default=256, ge=1)
    epochs: int = Field(default=30, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    folds: int = Field(default=5, ge=2)


class SelectionSpec(Described):
    """Phase 5."""

    budget: int | None = Field(default=None, ge=1)
    """Snapshots that each method may train on; a quarter of the pool where null."""
    methods: tuple[str, ...] = (
        "random",
        "random_same_kind",
        "entropy",
        "predictor",
        "oracle",
        "one_flip",
        "influence",
    )
    cap_per_fact: int | None = Field(default=None, ge=1)
    """At most so many snapshots of tasks with one fact."""
    supervision: Literal["demo", "route"] = "demo"
    """What each chosen snapshot teaches: its action alone, or by the kind of patch that served it best."""


class StudySpec(Described):
    """One study."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str = "shop"
    seed: int = 0
    environment: EnvironmentSpec = EnvironmentSpec()
    student: StudentSpec = StudentSpec()
    expert: ExpertSpec = ExpertSpec()
    teacher: TeacherSpec = TeacherSpec()
    collect: CollectSpec = CollectSpec()
    mine: MineSpec = MineSpec()
    uncertainty: UncertaintySpec = UncertaintySpec()
    leverage: LeverageSpec = LeverageSpec()
    cpt: PatchTestSpec = PatchTestSpec()
    quadrants: QuadrantSpec = QuadrantSpec()
    micro_training: MicroTrainingSpec = MicroTrainingSpec()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    predictor: PredictorSpec = PredictorSpec()
    selection: SelectionSpec = SelectionSpec()

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return self.model_dump(mode="json", by_alias=True)
