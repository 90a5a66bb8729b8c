"""What a segment is trained on: the model's own right answers to rows that are never measured, gold where it
was wrong, and the user's files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract import RolloutOptions, Session
from honing.errors import (
    BudgetExhaustedError,
    ExecutorError,
    HoningError,
    LeakageError,
    ModelError,
    SandboxError,
    StoppedError,
)
from honing.experiments.shares import share_of
from honing.experiments.sweep.answering import StageModel
from honing.experiments.sweep.fixed import KnownTarget
from honing.experiments.sweep.measuring import options_for, samples_of
from honing.experiments.sweep.sessions import OpenTargets
from honing.experiments.sweep.spec import SweepSpec
from honing.learn import TextRow, prompt_digest, read_text_rows
from honing.store import Run, parse_json

ROWS = "rows.jsonl"
ABOUT = "data.json"
"""Written last: a folder with one holds all rows of its segment."""
_OURS = (StoppedError, BudgetExhaustedError, ModelError, ExecutorError, SandboxError)
"""Failures that say nothing of a target: the session ends with them, and the same command asks again. Kept as
a target's reason they would leave its rows out of the training for good."""
_RIGHT = 1.0
"""Share of the metric's range from which an answer is learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromTarget:
    """What a target's rows came to."""

    target: str
    asked: int = 0
    """Rows that the model was asked."""
    right: int = 0
    """Its own answers that were right, and are trained on."""
    gold: int = 0
    """Rows on which it was wrong, and whose gold is trained on."""
    unused: int = 0
    """Rows on which it was wrong, and no gold is known."""
    removed: int = 0
    """Rows whose prompt is in a fixed sample."""
    reason: str = ""
    """Why there are none; empty where there are some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromFile:
    """What a user's file came to."""

    file: str
    rows: int
    removed: int
    """Rows whose prompt is in a fixed sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRows:
    """What one segment is trained on."""

    rows: tuple[TextRow, ...]
    targets: tuple[FromTarget, ...] = ()
    files: tuple[FromFile, ...] = ()

    @property
    def prompts(self) -> set[str]:
        """Hashes of what is trained on."""
        return {row.digest for row in self.rows}

    def about(self) -> dict[str, Any]:
        """Where the rows come from, as plain data."""
        return {
            "rows": len(self.rows),
            "targets": [asdict(one) for one in self.targets],
            "files": [asdict(one) for one in self.files],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collects the rows of segments."""

    run: Run
    spec: SweepSpec
    known: Sequence[KnownTarget]
    open: OpenTargets
    fixed: Collection[str]
    """Hashes of every prompt that is measured: nothing with one of them is trained on."""
    told: Any = field(default=lambda _: None)
    """Is told what happens, one line each."""

    def rows_of(self, segment: int, model: StageModel) -> SegmentRows:
        """The rows of a segment: those that were collected already, or else those of the model as it is.

        Raises:
            LeakageError: All rows of the user's files are in fixed samples.
            HoningError: One of ours failed (`_OURS`): nothing of the segment is kept, and the same call asks
                again.
        """
        folder = Path(f"seg_{segment}/train")
        if (self.run.path / folder / ABOUT).is_file():
            return _read(self.run, folder)
        user, files = rows_of_files(self.spec, self.fixed)
        found = [self._of_target(target, segment, model) for target in self.known]
        rows = [row for some, _ in found for row in some]
        collected = SegmentRows(
            rows=(*rows, *user), targets=tuple(each for _, each in found), files=tuple(files)
        )
        self.run.write_jsonl(folder / ROWS, [row.as_document() for row in collected.rows])
        self.run.write_json(folder / ABOUT, collected.about())
        return collected

    def _of_target(
        self, target: KnownTarget, segment: int, model: StageModel
    ) -> tuple[list[TextRow], FromTarget]:
        """The rows of one target; what goes wrong with the target is its reason."""
        name = target.sample.target
        if not self.spec.trains_on(name):
            return [], FromTarget(target=name, reason="it is measured only")
        pool = target.rows_for(segment, self.spec.samples_per_target)
        if target.sample.ids and not pool:
            return [], FromTarget(target=name, reason="every row of it is in the fixed sample")
        self.told(f"segment {segment}: asking {model.name} rows of {name}")
        try:
            with self.open.session(name) as session:
                samples = _asked(session, target, model, self._asking(target, session, segment))
                return self._learned(session, target, samples)
        except _OURS:
            raise
        except HoningError as error:
            return [], FromTarget(target=name, reason=f"{type(error).__name__}: {error}")

    def _asking(self, target: KnownTarget, session: Session, segment: int) -> RolloutOptions:
        """How a target is asked for rows beside its fixed sample."""
        asking = options_for(self.spec.asking(), target.sample, session)
        asking = replace(asking, require_samples=False, min_coverage=0.0)
        pool = target.rows_for(segment, self.spec.samples_per_target)
        if pool and asking.ids:
            return replace(asking, ids=tuple(row.id for row in pool))
        # The rows are not known: more are asked for, and those of the fixed sample are left out afterwards.
        return replace(asking, ids=(), limit=target.sample.limit + self.spec.samples_per_target)

    def _learned(
        self, session: Session, target: KnownTarget, samples: Sequence[Mapping[str, Any]]
    ) -> tuple[list[TextRow], FromTarget]:
        """The samples to learn from: right answers, and gold in place of wrong ones."""
        gold = {row.id: row.gold for row in target.pool}
        fixed_ids = set(target.sample.ids)
        rows: list[TextRow] = []
        right = given = removed = 0
        for sample in samples:
            prompt, said = str(sample["prompt"]), str(sample["completion"])
            if sample["id"] in fixed_ids or prompt_digest(prompt) in self.fixed:
                removed += 1
                continue
            reward = sample["reward"]
            is_right = reward is not None and share_of(session.contract, float(reward)) >= _RIGHT
            own = is_right and bool(said.strip())
            completion = said if own else gold.get(str(sample["id"]), "")
            if not completion.strip() or not prompt.strip():
                continue
            right, given = right + own, given + (not own)
            source = f"{target.sample.slug}:{sample['id']}"
            rows.append(TextRow(prompt=prompt, completion=completion, system=target.system, source=source))
        found = FromTarget(
            target=target.sample.target,
            asked=len(samples),
            right=right,
            gold=given,
            unused=len(samples) - removed - len(rows),
            removed=removed,
            reason="" if rows else "none of its answers is right, and no gold is known",
        )
        return rows, found


def rows_of_files(spec: SweepSpec, fixed: Collection[str]) -> tuple[list[TextRow], list[FromFile]]:
    """The rows of the user's files, without those whose prompt is measured.

    Raises:
        UsageError: A file cannot be read.
        LeakageError: None is left.
    """
    rows: list[TextRow] = []
    files: list[FromFile] = []
    for path in spec.train_data:
        every = read_text_rows(path)
        kept = [row for row in every if row.digest not in fixed]
        files.append(FromFile(file=str(path), rows=len(every), removed=len(every) - len(kept)))
        rows += kept
    if files and not rows:
        raise LeakageError(
            f"--train-data: all {sum(each.rows for each in files)} rows have prompts of the fixed samples "
            "(fixed_samples.json), and a score on what was trained on would prove nothing. Give rows that "
            "are not measured."
        )
    return rows, files


def _asked(
    session: Session, target: KnownTarget, model: StageModel, asking: RolloutOptions
) -> list[dict[str, Any]]:
    session.rollout(model.asked_as("on rows to train on"), asking)
    session.evaluate()
    return samples_of(session)


def _read(run: Run, folder: Path) -> SegmentRows:
    about = run.read_json(folder / ABOUT)
    path = run.path / folder / ROWS
    lines = path.read_text(encoding="utf-8").splitlines()
    return SegmentRows(
        rows=tuple(TextRow.from_document(parse_json(line, where=str(path))) for line in lines),
        targets=tuple(FromTarget(**one) for one in about["targets"]),
        files=tuple(FromFile(**one) for one in about["files"]),
    )
