"""Asking rows of a target: one session for the whole loop, one calibration, scores row by row."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from honing.contract import (
    AskedRows,
    Calibration,
    ContractSpec,
    RolloutOptions,
    SampleStatus,
    Session,
    SetupOptions,
    asked_rows,
    setup,
)
from honing.documents import parse_json
from honing.errors import BudgetExhaustedError, CalibrationError, ModelError, UsageError
from honing.experiments.improve.base import Spending
from honing.experiments.improve.contracts.prompt_folder import PromptHarness
from honing.experiments.improve.desk import Desk
from honing.experiments.shares import share_of
from honing.store import read_journal

HOME = "cache/measured"
"""Folder of a loop's run in which the target is set up and its rows are asked."""
_SAMPLES = "samples.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One row, asked once."""

    id: str
    prompt: str
    """As the model saw it."""
    completion: str
    gold: str
    score: float | None
    """In [0, 1], higher is better; None where the row cannot be judged."""
    why: str
    """One sentence of the judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rows, asked once each."""

    rows: tuple[Answered, ...]
    """In the order of the ids."""
    spent: Spending


def is_deterministic(harness: PromptHarness, model: str) -> bool:
    """Whether asking again under another seed is of no use."""
    return harness.sampling.temperature == 0 or model.startswith("scripted/")


class Asker:
    """Asks a target's rows. What was asked before is not asked again, in any session of the loop.

    Args:
        target: As `hone measure` takes it.
        options: How it is set up.
        allow_uncalibrated: Whether scores count that the controls do not bracket.
    """

    def __init__(self, target: str, options: SetupOptions, *, allow_uncalibrated: bool = False) -> None:
        self._target = target
        self._options = options
        self._allow_uncalibrated = allow_uncalibrated
        self._guard = threading.Lock()
        self._stack = ExitStack()
        self._session: Session | None = None
        self._known: dict[Any, Answers] = {}
        self._rows: AskedRows | None = None

    @property
    def rows(self) -> AskedRows:
        """What there is to ask.

        Raises:
            UsageError: The target asks with commands of its own, so that rows cannot be asked one by one.
        """
        if self._rows is None:
            self._rows = asked_rows(self._target, self._options)
        if self._rows.own_commands or not self._rows.rows:
            raise UsageError(
                f"{self._target}: this target asks the model with commands of its own, so its tasks cannot "
                "be asked one by one and kept apart. Give a data set, or use `hone harness "
                "run` and a task of type contract."
            )
        return self._rows

    def calibrated(self, desk: Desk) -> Calibration:
        """The controls' verdict.

        Raises:
            CalibrationError: They do not bracket a score, and nobody said that this is accepted.
        """
        with self._guard:
            found = self._opened(desk).calibrate()
        if not found.ok and not self._allow_uncalibrated:
            raise CalibrationError(
                f"{self._target}: no score on it can be believed ({'; '.join(found.reasons)}). Mend its "
                "contract, or accept that with --allow-uncalibrated."
            )
        return found

    def ask(self, desk: Desk, harness: PromptHarness, model: str, ids: Sequence[str], seed: int) -> Answers:
        """Ask rows once each and judge the answers. Safe to call from several threads; one asks at a time.

        Args:
            desk: Of the loop.
            harness: What stands around the questions.
            model: A name, or a folder.
            ids: Of the rows.
            seed: Sent along where the model samples.

        Raises:
            ModelError: Some answers are missing; the same call asks for those again.
            BudgetExhaustedError: A budget is met; likewise.
        """
        again = not is_deterministic(harness, model)
        sampling = replace(harness.sampling, seed=seed) if again else harness.sampling
        options = RolloutOptions(
            ids=tuple(ids),
            system=harness.system,
            template=harness.template,
            sampling=sampling,
            allow_uncalibrated=self._allow_uncalibrated,
        )
        key = (model, tuple(ids), harness.system, harness.template, str(sampling.as_dict()))
        with self._guard:
            if key not in self._known:
                self._known[key] = self._asked(desk, model, options)
            return self._known[key]

    def totals(self, desk: Desk) -> Spending:
        """Tokens and money that asking took so far, over all sessions."""
        with self._guard:
            session = self._opened(desk)
            with read_journal(session.run.path / "journal.sqlite") as reader:
                found = reader.totals()
        return Spending(tokens=found.tokens, cost_usd=found.cost_usd)

    def close(self, error: BaseException | None = None) -> None:
        """Tear the target down. After an error the next session goes on where this one was."""
        with self._guard:
            self._session = None
            self._known.clear()
            self._stack.__exit__(None if error is None else type(error), error, None)
            self._stack = ExitStack()

    def _opened(self, desk: Desk) -> Session:
        if self._session is None:
            options = replace(self._options, home=desk.run.path / HOME, sandbox=desk.sandbox)
            intent = {"for": "improve", "uncalibrated": self._allow_uncalibrated}
            self._session = self._stack.enter_context(setup(self._target, options, intent=intent))
            self._session.models = desk.endpoints
        return self._session

    def _asked(self, desk: Desk, model: str, options: RolloutOptions) -> Answers:
        session = self._opened(desk)
        rolled = session.rollout(model, options)
        found = session.evaluate()
        lines = (found.path.parent / _SAMPLES).read_bytes().splitlines()
        samples = {row["id"]: row for row in (parse_json(line, source=_SAMPLES) for line in lines)}
        if found.metrics["cost_usd"] is None and desk.allowance.cost_usd is not None:
            raise BudgetExhaustedError(
                f"A budget of ${desk.allowance.cost_usd:.2f} cannot be kept: nobody knows the "
                f"price of {model}. Give a limit of tokens instead."
            )
        lost = [
            row
            for row in samples.values()
            if row["status"] in (SampleStatus.INFRA_ERROR, SampleStatus.SKIPPED)
        ]
        if lost or not samples:
            why = lost[0]["error"] if lost else found.reason or rolled.reason
            raise ModelError(
                f"{len(lost) or len(options.ids)} of {len(options.ids)} answers are missing: {why}. The same "
                "call asks for those again."
            )
        rows = tuple(_answered(samples[name], session.contract) for name in options.ids)
        return Answers(rows=rows, spent=_spent(samples.values(), found.metrics))


def _answered(row: Mapping[str, Any], contract: ContractSpec) -> Answered:
    return Answered(
        id=row["id"],
        prompt=row["prompt"],
        completion=row["completion"],
        gold=row["target"],
        score=None if row["reward"] is None else share_of(contract, float(row["reward"])),
        why=row["why"],
    )


def _spent(rows: Any, metrics: Mapping[str, Any]) -> Spending:
    tokens = sum((row["usage"].get(name) or 0) for row in rows for name in ("input_tokens", "output_tokens"))
    count = len(list(rows))
    return Spending(task_runs=count, calls=count, tokens=tokens, cost_usd=metrics["cost_usd"] or 0.0)
