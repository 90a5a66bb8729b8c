"""What a user may choose about a measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from honing.contract.asking.rollout import ShownFolder
from honing.contract.target import SourceOptions, Target
from honing.llm import Sampling


class Mode(StrEnum):
    """How much of the target is asked."""

    SMOKE = "smoke"
    """A seeded sample of `SMOKE_ROWS` rows: does it work at all?"""
    FULL = "full"
    """Every row."""


SMOKE_ROWS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupOptions:
    """How a target is set up."""

    home: Path = Path("runs")
    """Folder of run folders."""
    run_name: str = ""
    """Name of the run's folder, which decides nothing else; its id where empty. A run of this name that is
    not done is gone on with."""
    seed: int = 0
    """Of every random choice: which rows, which shuffle."""
    contract: Path | None = None
    """A contract file that replaces the target's own."""
    split: str | None = None
    """Split of a data set; the usual order (test, validation, ...) where None."""
    config: str | None = None
    """Configuration of a data set that has several."""
    source: SourceOptions = field(default_factory=SourceOptions)
    """How a target that lies elsewhere is reached."""
    sandbox: str = "auto"
    """`auto` probes for the strongest; `unconfined` accepts the risk and is recorded beside every result."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables given to every stage."""
    max_command_s: float | None = None
    """Upper limit over every command's own time limit."""
    max_total_s: float | None = None
    """Upper limit over the whole measurement, from setup to teardown."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """What to put where the contract leaves a hole or chose among alternatives, by name."""
    as_of: str = ""
    """Date (YYYY-MM-DD) after which nothing that the target installs may be published; empty for today."""
    oracle: Path | Callable[[str], str] | None = None
    """The user's own source of right answers: a file (JSONL of "match" and "completion"), or a callable that
    maps a prompt to its right answer."""
    judge_model: str = ""
    """Model that judges where the contract's scorer is a model; the contract's own where empty."""
    serve_with: str = "honing"
    """What serves a model that is a folder: `honing`, or `transformers` for `transformers serve`."""
    max_connections: int = 8
    """Model calls under way at once."""
    requests_per_minute: int | None = None
    """Model calls that may begin in a minute."""
    tokens_per_minute: int | None = None
    judges: int = 2
    """Judgements under way at once, where judging runs code."""

    def fetching(self) -> SourceOptions:
        """How the target is reached, and which part of a data set is wanted."""
        return replace(
            self.source,
            config=self.config or self.source.config,
            split=self.split or self.source.split,
        )

    def completed(self, target: Target) -> SetupOptions:
        """With the configuration and split that the target's address names, where the user named none."""
        return replace(self, config=self.config or target.config, split=self.split or target.split)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOptions:
    """How a model is asked."""

    mode: Mode = Mode.SMOKE
    limit: int | None = None
    """Ask a seeded sample of this many rows; overrides the mode."""
    ids: tuple[str, ...] = ()
    """Ask exactly the rows with these ids, in the data's order; overrides mode and limit. For data that
    Honing itself asks row by row."""
    epochs: int = 1
    """How often each row is asked. More than one gives pass@k and intervals clustered by row."""
    sampling: Sampling = field(default_factory=Sampling)
    system: str = ""
    """System prompt; the contract's own where empty."""
    template: str = ""
    """Text around every prompt, with `{prompt}` where it stands; the contract's own where empty."""
    folders: Mapping[str, ShownFolder] = field(default_factory=dict)
    """Folders that the target's own rollout commands see in this measurement, read-only, at their own paths,
    by the variable that tells them where."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables for the target's own commands in this measurement, over those of `SetupOptions.env`."""
    samples_columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of a given samples file by role (`id`, `completion`, `prompt`); guessed where empty."""
    max_tokens_total: int | None = None
    """Budget over all samples, input and output together."""
    max_cost_usd: Decimal | None = None
    max_wall_s: float | None = None
    allow_uncalibrated: bool = False
    """Report a score although the controls do not bracket it; recorded as such."""
    min_coverage: float = 1.0
    """Withhold the score below this share of judged samples."""
    require_samples: bool = False
    """Fail unless every sample has a prompt, a completion and a reward, and prompts and completions
    differ."""

    @property
    def rows_asked(self) -> int | None:
        """Rows to ask; None for all."""
        if self.ids:
            return len(self.ids)
        if self.limit is not None:
            return self.limit
        return SMOKE_ROWS if self.mode is Mode.SMOKE else None

    def rows(self, population: int) -> int:
        """How many rows are asked of a target with `population` rows."""
        return population if self.rows_asked is None else min(self.rows_asked, population)
