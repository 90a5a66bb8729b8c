"""Rollout: the answerer answers, and every answer becomes a sample.

Where the contract has a task, Honing asks row by row, each sample a unit of the run's journal. Where the
target has its own rollout commands, they run contained and every call they make through the gateway becomes a
sample.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from honing.contract.data.prompts import framed
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.scorers import Row
from honing.errors import ModelError, UsageError
from honing.executors import Executor, MapOptions, Observation, UnitResult, UnitStatus, run_map
from honing.llm import CallRecord, Client, Finish, Message, ModelRequest, Role, Sampling, Usage, cost
from honing.store import Run

ROLLOUT_VERSION = "1"
"""Changes when the same input would be asked differently; finished units of another version are not
reused."""


@dataclass(frozen=True, slots=True)
class ShownFolder:
    """A folder of this machine that the target's own rollout commands see."""

    path: Path
    digest: str
    """Stands for its content: with another, everything is measured anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one measurement asks: which rows, how often, of whom."""

    name: str
    """Names the steps in the journal: a model's name, "oracle", "format:boxed"."""
    rows: Sequence[Row]
    epochs: int = 1
    model: str
    sampling: Sampling = field(default_factory=Sampling)
    free: bool = False
    """Whether nobody charges for the answers: a scripted model, a recording."""
    system: str = ""
    """System prompt; none is sent when empty."""
    template: str = ""
    """Text around every prompt that Honing itself sends, with `{prompt}` where it stands."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables for the target's own commands in this measurement alone."""
    folders: Mapping[str, ShownFolder] = field(default_factory=dict)
    """What its rollout commands see beside them, by the variable that says where."""
    seed: int = 0
    limit: int | None = None
    """Rows asked for, as far as a target's own commands heed it; None for all."""
    source: str = ""
    """What answers, by name and address: answers of another server are other answers."""

    def as_document(self) -> dict[str, Any]:
        """What decides a rollout by a target's own commands."""
        return {
            "model": self.model,
            "source": self.source,
            "sampling": self.sampling.as_dict(),
            "planned": self.planned,
            "limit": self.limit,
            **({"env": dict(self.env)} if self.env else {}),
            **({"folders": self.shown} if self.folders else {}),
        }

    @property
    def shown(self) -> dict[str, str]:
        """What stands for the content of each folder, by its variable."""
        return {name: folder.digest for name, folder in sorted(self.folders.items())}

    @property
    def planned(self) -> int:
        """Samples planned: rows times epochs."""
        return len(self.rows) * self.epochs


def rows_named(rows: Sequence[Row], ids: Sequence[str]) -> list[Row]:
    """The rows with these ids, in the data's order; none where no ids are given.

    Raises:
        UsageError: There is no row with one of them.
    """
    known = {row.id for row in rows}
    if missing := [wanted for wanted in ids if wanted not in known]:
        some = ", ".join(sorted(known)[:5]) or "none, because the target asks with commands of its own"
        raise UsageError(
            f"{len(missing)} of {len(ids)} rows asked for are not in the data, {missing[0]!r} for one. "
            f"its ids: {some}{', ...' if len(known) > 5 else ''}."
        )
    wanted = set(ids)
    return [row for row in rows if row.id in wanted]


class Asking(Protocol):
    """What makes prompts of rows: a `DatasetTask`, for one."""

    def prompt(self, row: Row) -> str: ...

    def expected(self, row: Row) -> str: ...


def choose_rows(rows: Sequence[Row], count: int | None, seed: int) -> list[Row]:
    """A seeded sample of `count` rows in the data's order; all of them when None or not fewer.

    A row is ranked by a hash of seed and id, so a larger sample contains every smaller one.
    """
    if count is None or count >= len(rows):
        return list(rows)
    ranked = sorted(rows, key=lambda row: hashlib.sha256(f"{seed}\0{row.id}".encode()).digest())
    chosen = {row.id for row in ranked[:count]}
    return [row for row in rows if row.id in chosen]


def ask_rows(
    run: Run,
    plan: Plan,
    task: Asking,
    client: Client,
    executor: Executor,
    options: MapOptions,
    check: Callable[[], None] = lambda: None,
) -> list[Sample]:
    """Ask every planned sample of the model behind `client`.

    Args:
        run: Where answers are kept.
        plan: What is asked.
        task: Makes the prompts.
        client: Asks.
        executor: How many at once.
        options: Budget and progress.
        check: Called after a failed call; raises where no further one is of use.

    Returns:
        One sample per row and epoch, in the plan's order, not yet judged: `completed`, `model_failed`, or
        `infra_error` with the error's text.
    """
    by_id = {row.id: row for row in plan.rows}
    inputs = [
        {
            "id": row.id,
            "epoch": epoch,
            "prompt": framed(plan.template, task.prompt(row)),
            "system": plan.system,
            "model": plan.model,
            "source": plan.source,
            "sampling": plan.sampling.as_dict(),
        }
        for row in plan.rows
        for epoch in range(plan.epochs)
    ]
    results = run_map(
        run,
        f"{plan.name}.rollout",
        lambda unit: _asked(client, unit, plan.sampling, check),
        inputs,
        executor=executor,
        options=replace(options, version=ROLLOUT_VERSION),
    )
    return [
        _sample(unit, result, by_id[str(unit["id"])], task, plan)
        for unit, result in zip(inputs, results, strict=True)
    ]


def _asked(
    client: Client, unit: Mapping[str, Any], sampling: Sampling, check: Callable[[], None]
) -> dict[str, Any]:
    try:
        return ask(client, unit, sampling)
    except ModelError:
        check()
        raise


def ask(client: Client, unit: Mapping[str, Any], sampling: Sampling) -> dict[str, Any]:
    """One call; its answer as plain data. A failed call raises its `ModelError`, which is never an answer."""
    turns = [Message(Role.SYSTEM, unit["system"])] if unit["system"] else []
    turns.append(Message(Role.USER, unit["prompt"]))
    request = ModelRequest(model=unit["model"], messages=turns, sampling=sampling)
    started = time.time()
    reply = client.complete(request, tags={"sample": f"{unit['id']}#{unit['epoch']}"})
    return {
        "started": started,
        "ended": time.time(),
        "id": unit["id"],
        "completion": reply.text,
        "finish": reply.finish.value,
        "model": reply.model or unit["model"],
        "usage": {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens},
    }


def observe_with(reward: Callable[[str, str], float | None], *, free: bool) -> Callable[[Any], Observation]:
    """What the live bar and the budget read from an answer: its reward where judging is cheap, tokens, money.

    Args:
        reward: The reward of (row id, completion), or None where it is not known yet.
        free: Whether nobody charges for the answers.
    """

    def observe(answer: Any) -> Observation:
        usage = Usage(**answer["usage"])
        price = 0 if free else cost(answer["model"], usage)
        return Observation(
            value=reward(answer["id"], answer["completion"]),
            tokens=(usage.input_tokens or 0) + (usage.output_tokens or 0),
            cost_usd=None if price is None else float(price),
        )

    return observe


def _sample(unit: Mapping[str, Any], result: UnitResult, row: Row, task: Asking, plan: Plan) -> Sample:
    asked: dict[str, Any] = {
        "id": row.id,
        "epoch": unit["epoch"],
        "prompt": unit["prompt"],
        "target": task.expected(row),
        "seed": plan.seed,
        "model": plan.model,
    }
    if result.status is not UnitStatus.DONE:
        error = f"{result.error_kind}: {result.error}"
        return Sample(**asked, status=SampleStatus.INFRA_ERROR, error=error, attempt=result.attempts)
    answer = result.result
    failed = answer["finish"] == Finish.CONTENT_FILTER
    return Sample(
        **{**asked, "model": answer["model"]},
        completion=answer["completion"],
        usage=answer["usage"],
        status=SampleStatus.MODEL_FAILED if failed else SampleStatus.COMPLETED,
        why="the provider withheld the answer (content filter)" if failed else "",
        started=answer["started"],
        ended=answer["ended"],
        attempt=result.attempts,
    )


def samples_of_calls(calls: Sequence[CallRecord], plan: Plan) -> list[Sample]:
    """Every call a target made through the gateway, as a sample that is not judged by us."""
    return [
        Sample(
            id=f"call-{call.ordinal:06d}",
            prompt=call.prompt,
            completion=call.text,
            model=call.model,
            usage={"input_tokens": call.usage.input_tokens, "output_tokens": call.usage.output_tokens},
            status=SampleStatus.COMPLETED if not call.error else SampleStatus.INFRA_ERROR,
            error=call.error,
            seed=plan.seed,
            started=call.started,
            ended=call.ended,
        )
        for call in calls
    ]
