"""What one proposal is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from honing.sandbox import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything that an agent is shown beside its workspace. The same for the same view of the run."""

    text: str
    """What is to be done."""
    mounts: tuple[Mount, ...] = ()
    """The history, read-only."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the agent's own: HONING_HISTORY, where the history lies inside."""
    placed: Mapping[str, str] = field(default_factory=dict)
    """Files to write into the workspace, text by path (`place`); never part of a candidate."""
