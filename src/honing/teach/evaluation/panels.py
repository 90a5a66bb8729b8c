"""The panels of an evaluation, read from the run, and playing them in units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import KnowsBest, Task
from honing.learn import Example, Situation, draw
from honing.teach.apart import reserved, world_document
from honing.teach.desk import Desk
from honing.teach.evaluation.players import EXPERT, Panel, Place, Played, Player
from honing.teach.evaluation.results import GREEDY, RETENTION, SAMPLED, SNAPSHOTS, TASKS
from honing.teach.evaluation.unit import play, score
from honing.teach.snapshot import Quadrant, Snapshot

Json = Any

_EPISODES_PER_UNIT = 200
"""Fixed, so that results do not depend on the number of workers."""
_STATES_PER_UNIT = 400


def panels_of(desk: Desk, labelled: Sequence[Snapshot], retention: Sequence[Task]) -> tuple[Panel, ...]:
    """The held-out tasks, the failure panel and the retention tasks of a study."""
    spec = desk.spec.evaluation
    tasks = reserved(desk)["evaluate"]
    snapshots = failure_panel(labelled, spec.n_snapshots_per_quadrant, seed=desk.spec.seed)
    found = (
        Panel(name=TASKS, places=tuple(_at_task(task) for task in tasks)),
        Panel(
            name=SNAPSHOTS,
            places=tuple(_at_snapshot(snapshot) for snapshot in snapshots),
            draws=spec.n_per_snapshot,
        ),
        Panel(name=RETENTION, places=tuple(_at_task(task) for task in retention)),
    )
    return tuple(panel for panel in found if panel.places)


def failure_panel(labelled: Sequence[Snapshot], per_quadrant: int, *, seed: int) -> list[Snapshot]:
    """Held-out failure snapshots that can be played from, at most so many per quadrant, drawn by id."""
    usable = [
        snapshot
        for snapshot in labelled
        if snapshot.split == "panel" and snapshot.quadrant is not None and snapshot.env_state is not None
    ]
    drawn = sorted(usable, key=lambda snapshot: draw(seed, "panel", snapshot.id))
    return [
        snapshot
        for quadrant in Quadrant
        for snapshot in [one for one in drawn if one.quadrant is quadrant][:per_quadrant]
    ]


def play_all(desk: Desk, step: str, players: Sequence[Player], panels: Sequence[Panel]) -> tuple[Played, ...]:
    """Every player on every panel, greedy and, where the study says so, sampled. The expert plays the
    held-out tasks only."""
    work = [
        (player, panel, temperature, first)
        for player in players
        for panel in panels
        if player.run_id != EXPERT or panel.name == TASKS
        for temperature in _temperatures(desk, player)
        for first in range(0, len(panel.places), _stretch(panel, temperature))
    ]
    inputs = [_work(desk, player, panel, temperature, first) for player, panel, temperature, first in work]
    results = desk.map(step, play, inputs)
    return tuple(
        row
        for (player, panel, temperature, first), found in zip(work, results, strict=True)
        for row in _played(player, panel, temperature, first, found)
    )


def score_all(
    desk: Desk, step: str, players: Sequence[Player], snapshots: Sequence[Snapshot]
) -> dict[str, list[Json]]:
    """By run id: the distribution at each snapshot, as `unit.score` writes it. The expert is left out."""
    asked = [player for player in players if player.run_id != EXPERT]
    states = [_state(snapshot) for snapshot in snapshots]
    starts = range(0, len(states), _STATES_PER_UNIT)
    inputs = [
        {
            "policy": dict(player.policy),
            "identity": player.identity,
            "states": states[first : first + _STATES_PER_UNIT],
        }
        for player in asked
        for first in starts
    ]
    results = iter(desk.map(step, score, inputs))
    return {player.run_id: [row for _ in starts for row in next(results)] for player in asked}


def has_expert(desk: Desk) -> bool:
    """Whether the study's world has an expert inside."""
    environment = desk.world().make()
    try:
        return isinstance(environment, KnowsBest)
    finally:
        environment.close()


def _temperatures(desk: Desk, player: Player) -> tuple[float, ...]:
    both = desk.spec.evaluation.sampled and player.run_id != EXPERT
    return (GREEDY, SAMPLED) if both else (GREEDY,)


def _draws(panel: Panel, temperature: float) -> int:
    return panel.draws if temperature > 0 else 1


def _stretch(panel: Panel, temperature: float) -> int:
    """Places per unit."""
    return max(1, _EPISODES_PER_UNIT // _draws(panel, temperature))


def _work(desk: Desk, player: Player, panel: Panel, temperature: float, first: int) -> dict[str, Json]:
    places = panel.places[first : first + _stretch(panel, temperature)]
    return {
        "policy": dict(player.policy),
        "identity": player.identity,
        "world": world_document(desk),
        "panel": panel.name,
        "places": [
            {
                "task": dict(place.task),
                "state": None if place.state is None else dict(place.state),
                "history": list(place.history),
            }
            for place in places
        ],
        "temperature": temperature,
        "draws": _draws(panel, temperature),
        "seed": desk.spec.seed,
    }


def _played(
    player: Player, panel: Panel, temperature: float, first: int, found: Sequence[Sequence[Json]]
) -> list[Played]:
    draws = _draws(panel, temperature)
    return [
        Played(
            run_id=player.run_id,
            panel=panel.name,
            place=panel.places[first + index // draws].id,
            cluster=panel.places[first + index // draws].cluster,
            quadrant=panel.places[first + index // draws].quadrant,
            temperature=temperature,
            draw=index % draws,
            success=bool(row[0]),
            reward=row[1],
            stuck=tuple(row[2:]),
        )
        for index, row in enumerate(found)
    ]


def _at_task(task: Task) -> Place:
    return Place(id=task.id, cluster=task.id, task=task.as_document())


def _at_snapshot(snapshot: Snapshot) -> Place:
    return Place(
        id=snapshot.id,
        cluster=snapshot.task_hash,
        task=snapshot.task,
        quadrant=snapshot.quadrant.value if snapshot.quadrant else "",
        state=snapshot.env_state,
        history=tuple(snapshot.history),
    )


def _state(snapshot: Snapshot) -> Mapping[str, Json]:
    """A snapshot as an example without an answer."""
    situation = Situation(
        goal=snapshot.goal,
        observation=snapshot.observation,
        history=tuple(snapshot.history),
        actions=tuple(snapshot.valid_actions),
    )
    return Example(situation=situation, action="", source=snapshot.id).as_document()
