"""All episodes of an evaluation, by player, panel and temperature, and compared to the base in pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from honing.stats import Interval
from honing.teach.evaluation.estimates import difference, mean
from honing.teach.evaluation.players import BASE, Played, Player
from honing.teach.evaluation.stuckness import Stuckness, efficiency

TASKS, SNAPSHOTS, RETENTION = "tasks", "snapshots", "retention"
"""Names of the panels: held-out tasks, held-out failure snapshots, tasks that the base solves."""
GREEDY, SAMPLED = 0.0, 1.0
"""Temperatures. Greedy decides every criterion; sampled is shown beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What every player did on every panel. All players meet the same places in the same order with the same
    random numbers, so their episodes pair up by position."""

    players: tuple[Player, ...]
    played: tuple[Played, ...]
    expert_steps: dict[str, int] = field(default_factory=dict)
    """By task: the length of the expert's episode, where it solves the task."""
    _index: dict[tuple[str, str, float], list[Played]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str, float], list[Played]] = defaultdict(list)
        for row in self.played:
            index[row.run_id, row.panel, row.temperature].append(row)
        object.__setattr__(self, "_index", dict(index))

    @property
    def trained(self) -> tuple[Player, ...]:
        """The runs, without base and expert."""
        return tuple(player for player in self.players if player.trained)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Those that were played, greedy first."""
        return tuple(sorted({row.temperature for row in self.played}))

    def rows(self, run_id: str, panel: str, temperature: float, quadrant: str = "") -> list[Played]:
        """The episodes of one player, on one quadrant's places where one is named."""
        found = self._index.get((run_id, panel, temperature), [])
        return [row for row in found if row.quadrant == quadrant] if quadrant else list(found)

    def success(self, run_id: str, panel: str, temperature: float, quadrant: str = "") -> Interval | None:
        """Share of episodes that end in success."""
        return self.estimate(run_id, panel, temperature, lambda row: float(row.success), quadrant)

    def estimate(
        self,
        run_id: str,
        panel: str,
        temperature: float,
        value: Callable[[Played], float],
        quadrant: str = "",
    ) -> Interval | None:
        """Mean of something in [0, 1] over the episodes of one player."""
        rows = self.rows(run_id, panel, temperature, quadrant)
        return mean([value(row) for row in rows], [row.cluster for row in rows])

    def against_base(
        self, run_id: str, panel: str, temperature: float, quadrant: str = ""
    ) -> Interval | None:
        """Success of a player minus that of the base on the same places and draws."""
        after = self.rows(run_id, panel, temperature, quadrant)
        before = self.rows(BASE, panel, temperature, quadrant)
        return difference(
            [float(row.success) for row in after],
            [float(row.success) for row in before],
            [row.cluster for row in after],
        )

    def efficiencies(self, rows: Sequence[Played]) -> tuple[list[float], list[str]]:
        """Success weighted by path length where the expert solved the task, and the clusters."""
        found = [
            (efficiency(row.n_steps, self.expert_steps.get(row.cluster), success=row.success), row.cluster)
            for row in rows
        ]
        kept = [(value, cluster) for value, cluster in found if value is not None]
        return [value for value, _ in kept], [cluster for _, cluster in kept]


def counts(rows: Sequence[Played]) -> list[Stuckness]:
    """How stuck each episode was."""
    return [Stuckness(*row.stuck) for row in rows]
