"""The weights step: a local model learns from its own right answers, and from the gold where it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError, StoppedError
from honing.experiments.improve.base import Proposal, Spending, Version
from honing.experiments.improve.contracts.measuring import Answered, Answers, Asker, is_deterministic
from honing.experiments.improve.contracts.prompt_folder import PromptHarness
from honing.experiments.improve.desk import Desk
from honing.experiments.sweep.segments import SegmentOptions, SegmentTraining, train_segment
from honing.learn import TextRow, is_model_folder

WEIGHTS = Path("weights")
"""Folder of a loop's run that gets what is trained."""
ROWS = "rows.jsonl"
"""In that folder: what was trained on."""
_RIGHT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """How a model is taught."""

    epochs: int = 2
    """How often each search task is asked for answers to learn from; once where asking again is of no use."""
    learning_rate: float = 1e-3
    rank: int = 16
    """Of the adapter."""
    batch_size: int = 8

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "rank": self.rank,
            "batch_size": self.batch_size,
        }

    def repeats(self, harness: PromptHarness, model: str) -> int:
        """How often each task is asked."""
        return 1 if is_deterministic(harness, model) else self.epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is taught from."""

    asker: Asker
    ids: tuple[str, ...]
    """Rows of the search part."""
    seeds: Sequence[int]
    harness: PromptHarness
    system: str
    """What the contract says where the harness says nothing."""


def taught(lesson: Lesson, teaching: Teaching, desk: Desk, version: Version, model: str) -> Proposal:
    """Train an adapter on the search tasks.

    Returns:
        A proposal; without a version where the model is not local, nothing can be learned, or the extra is
        not installed, and its reason says so.
    """
    if not is_model_folder(model):
        reason = f"the weights of {model} cannot be trained here: it is no folder of this machine"
        return Proposal(
            version=None, reason=f"{reason}. Give --model a folder, or a hub id that was downloaded."
        )
    answers = [lesson.asker.ask(desk, lesson.harness, model, lesson.ids, seed) for seed in lesson.seeds]
    rows = rows_to_learn(answers, _golds(lesson), lesson.harness.system or lesson.system)
    spent = _total(answers)
    if not rows:
        return Proposal(
            version=None,
            reason="no answer was right and the target has no gold: nothing to learn",
            spent=spent,
        )
    options = SegmentOptions(
        steps=desk.allowance.training_steps,
        learning_rate=teaching.learning_rate,
        rank=teaching.rank,
        alpha=2 * teaching.rank,
        batch_size=teaching.batch_size,
        seed=desk.seed,
    )
    desk.run.write_jsonl(WEIGHTS / ROWS, [row.as_document() for row in rows])

    def told(line: str) -> None:
        desk.told(line)
        if desk.run.stop_requested():
            raise StoppedError("Stopped by the stop file while training. The same call goes on.")

    try:
        training = train_segment(model, rows, options, desk.run.path / WEIGHTS, told=told)
    except MissingToolError as error:
        return Proposal(version=None, reason=f"the weights stay as they are: {error}", spent=spent)
    return _proposal(training, rows, desk, version, spent)


def _proposal(
    training: SegmentTraining, rows: Sequence[TextRow], desk: Desk, version: Version, spent: Spending
) -> Proposal:
    kinds = Counter(row.source.partition(":")[0] for row in rows)
    adapter = training.adapter.resolve().relative_to(desk.run.path.resolve())
    said = f"{training.steps} optimiser steps on {kinds['own']} own right answers and {kinds['gold']} golds"
    return Proposal(
        version=Version(harness=version.harness, model=str(adapter)),
        reason=f"{said}; loss {training.loss_before:.3f} -> {training.loss_after:.3f}",
        spent=spent.plus(Spending(training_steps=training.steps)),
        facts={
            "losses": list(training.losses),
            "loss_before": training.loss_before,
            "loss_after": training.loss_after,
            "rows": training.rows,
            "left_out_too_long": training.too_long,
            "sources": dict(kinds),
        },
    )


def rows_to_learn(answers: Sequence[Answers], golds: dict[str, str], system: str) -> list[TextRow]:
    """Every right answer once; the gold of each task that no answer solved, where there is one.

    Args:
        answers: Of the same rows, under one seed each.
        golds: Right answers by row.
        system: System prompt that they were asked with.
    """
    by_row: dict[str, list[Answered]] = {}
    for one in answers:
        for row in one.rows:
            by_row.setdefault(row.id, []).append(row)
    found: list[TextRow] = []
    for name, tries in by_row.items():
        right = dict.fromkeys(
            each.completion for each in tries if each.score == _RIGHT and each.completion.strip()
        )
        texts = [("own", text) for text in right]
        if not texts and golds.get(name, "").strip():
            texts = [("gold", golds[name])]
        prompt = tries[0].prompt
        found += [
            TextRow(prompt=prompt, completion=text, system=system, source=f"{kind}:{name}")
            for kind, text in texts
        ]
    return found


def _golds(lesson: Lesson) -> dict[str, str]:
    return {row.id: row.gold for row in lesson.asker.rows.rows if row.id in set(lesson.ids)}


def _total(answers: Sequence[Answers]) -> Spending:
    total = Spending()
    for one in answers:
        total = total.plus(one.spent)
    return total
