"""The units of an evaluation: one player on a stretch of a panel, or its distributions on given states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task, world_named
from honing.learn import Episode, Example, Keep, Start, Turn, policy_from, roll_out
from honing.teach.evaluation.stuckness import stuckness

Json = Any


def play(work: Mapping[str, Json]) -> Json:
    """Play from every place of one stretch of a panel.

    Args:
        work: `policy` and `world` (documents), `panel`, `places`, `temperature`, `draws`, `seed`.

    Returns:
        Per place and draw, places first: success, reward, and the fields of `Stuckness`. An episode that
        cannot be trusted is no success, whatever it claims.
    """
    policy = policy_from(work["policy"])
    starts = [
        _start(place, f"{work['panel']}:{number}")
        for place in work["places"]
        for number in range(work["draws"])
    ]
    episodes = roll_out(
        policy,
        world_named(work["world"]["name"], work["world"]["options"]),
        starts,
        temperature=work["temperature"],
        seed=work["seed"],
        keep=Keep.STEPS,
    )
    return [[*_ending(episode), *stuckness(episode.moves).as_row()] for episode in episodes]


def _ending(episode: Episode) -> list[Json]:
    return [0, 0.0] if episode.tampered else [int(episode.success), episode.reward]


def score(work: Mapping[str, Json]) -> Json:
    """The distribution of one player at given states, without any patch.

    Args:
        work: `policy` (document) and `states`: documents of examples.

    Returns:
        Per state the log-probabilities of its actions, in millionths of a nat, None for never.
    """
    states = [Example.from_document(document).situation for document in work["states"]]
    policy = policy_from(work["policy"])
    logprobs = policy.logprobs([Turn(situation=state) for state in states])
    return [[_millionths(value) for value in row] for row in logprobs]


def distribution(row: Sequence[int | None]) -> tuple[float, ...]:
    """The log-probabilities that `score` wrote, in nats."""
    return tuple(float("-inf") if value is None else value * 1e-6 for value in row)


def _start(place: Mapping[str, Json], draw: str) -> Start:
    return Start(
        task=Task.from_document(place["task"]),
        draw=draw,
        state=place["state"],
        history=tuple(place["history"]),
    )


def _millionths(value: float) -> int | None:
    # What a batch holds moves the last bits of a score; artifacts must not follow.
    return None if value == float("-inf") else round(value * 1e6)
