"""A sample: one prompt, its completion, and its reward, with how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class SampleStatus(StrEnum):
    """How one sample ended. Exactly one holds."""

    COMPLETED = "completed"
    """The model answered and the answer was judged."""
    MODEL_FAILED = "model_failed"
    """The model declined or was cut off before any answer; judged, with reward 0."""
    INFRA_ERROR = "infra_error"
    """Ours or the provider's failure (server, network, sandbox). Never a reward; run again to retry it."""
    INVALID = "invalid"
    """The row itself cannot be judged, for example its gold cannot be read."""
    SKIPPED = "skipped"
    """Planned, but not reached before a stop or budget."""


JUDGED = (SampleStatus.COMPLETED, SampleStatus.MODEL_FAILED)
"""The endings that count into a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row of samples.jsonl. `started`, `ended` and `attempt` are volatile: no identity is taken over
    them."""

    id: str
    """The row it belongs to."""
    epoch: int = 0
    """Repetition of the row, from 0."""
    prompt: str
    completion: str = ""
    target: str = ""
    """The gold, as the judge reads it."""
    reward: float | None = None
    """In the metric's range; None where the sample was not judged."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Further figures beside the reward."""
    extracted: str | None = None
    """What the judge took for the answer."""
    why: str = ""
    """One sentence of the judge."""
    status: SampleStatus = SampleStatus.SKIPPED
    error: str = ""
    usage: Mapping[str, int | None] = field(default_factory=dict)
    seed: int | None = None
    model: str = ""
    started: float | None = None
    ended: float | None = None
    attempt: int = 1

    @property
    def key(self) -> str:
        """Identity of the sample within a rollout."""
        return f"{self.id}#{self.epoch}"

    @property
    def judged(self) -> bool:
        return self.status in JUDGED and self.reward is not None

    def as_row(self) -> dict[str, Any]:
        """The sample as a row of samples.jsonl."""
        row = asdict(self)
        row["status"] = self.status.value
        return row


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """The sample a row of samples.jsonl holds; unknown keys are ignored so that older code reads newer
    runs."""
    known = {name: row[name] for name in Sample.__slots__ if name in row}
    return Sample(**{**known, "status": SampleStatus(row.get("status", SampleStatus.COMPLETED))})


def outcomes(samples: Iterable[Sample]) -> dict[str, int]:
    """How many samples ended in each way, every ending named, zeros included."""
    counts = Counter(sample.status for sample in samples)
    return {status.value: counts.get(status, 0) for status in SampleStatus}
