"""A chat model plays the expert's part (experiment B): whole episodes, through the gateway, resumably."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task
from honing.executors import Observation, ThreadsExecutor
from honing.learn import ChatOptions, ChatPolicy, Episode, Keep, Start, roll_out
from honing.llm import ModelReply, ModelRequest, shown_cost
from honing.teach.desk import Desk
from honing.teach.teachers.line import Line, open_lines

Json = Any

EPISODES_PER_UNIT = 8
"""Played in lock step, so as many calls at a time; what a kill loses at most."""
_STEP_TOKENS = 260
"""Of one decision, in and out, about."""


class _Asked:
    """A line as a chat policy wants it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def complete(self, request: ModelRequest, *, tags: Mapping[str, str] | None = None) -> ModelReply:
        return self._line.ask(request, (tags or {}).get("task", "expert"))


def chat_episodes(desk: Desk, tasks: Sequence[Task]) -> list[Episode]:
    """Episodes of the study's expert model, one per task in their order.

    Args:
        desk: Of the study; its endpoints and its budget hold.
        tasks: Of its world.

    Raises:
        ModelError: The model cannot be asked; episodes that ended are kept.
        BudgetExhaustedError: The budget is spent; episodes that ended are kept.
    """
    model = desk.spec.expert.model
    desk.told(f"collect: {most_calls(desk, len(tasks))} calls of {model} at most")
    documents = [task.as_document() for task in tasks]
    chunks = [
        {"model": model, "seed": desk.spec.seed, "tasks": documents[start : start + EPISODES_PER_UNIT]}
        for start in range(0, len(documents), EPISODES_PER_UNIT)
    ]
    with open_lines(desk.run, [model], desk.endpoints, label="expert") as lines:
        (line,) = lines
        policy = ChatPolicy(_Asked(line), line.model, options=ChatOptions(parallel=EPISODES_PER_UNIT))

        def play(work: Mapping[str, Json]) -> Json:
            return _played(desk, policy, work)

        # One after the other: what a unit costs is read from the policy's counts before and after it.
        results = desk.map(
            "collect.expert_model",
            play,
            chunks,
            executor=ThreadsExecutor(workers=1, own_thread=True),
            observe=_observed,
        )
        counts = policy.counts
        desk.told(
            f"collect: {counts.calls} calls, {counts.input_tokens + counts.output_tokens} tokens, "
            f"{shown_cost(counts.cost_usd)}; {counts.undecided} decisions without a valid action"
        )
    return [Episode.from_document(document) for result in results for document in result["episodes"]]


def most_calls(desk: Desk, n_tasks: int) -> int:
    """Decisions of so many episodes, at most."""
    return n_tasks * desk.world().max_steps


def most_tokens(desk: Desk, n_tasks: int) -> int:
    """Tokens of these decisions, about."""
    return most_calls(desk, n_tasks) * _STEP_TOKENS


def _played(desk: Desk, policy: ChatPolicy, work: Mapping[str, Json]) -> Json:
    before = policy.counts
    starts = [Start(task=Task.from_document(document), draw="collect") for document in work["tasks"]]
    episodes = roll_out(
        policy,
        desk.world(),
        starts,
        temperature=0.0,
        seed=work["seed"],
        keep=Keep.STATES,
        in_flight=EPISODES_PER_UNIT,
    )
    after = policy.counts
    known = before.cost_usd is not None and after.cost_usd is not None
    return {
        "episodes": [episode.as_document() for episode in episodes],
        "tokens": after.input_tokens + after.output_tokens - before.input_tokens - before.output_tokens,
        "cost_usd": float(after.cost_usd - before.cost_usd) if known else None,  # type: ignore[operator]
    }


def _observed(result: Json) -> Observation:
    return Observation(tokens=result["tokens"], cost_usd=result["cost_usd"])
