"""The fixed sample: which rows of each target every model of a sweep is measured on, and which are left to
train on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from honing.contract import AskedRow, AskedRows, SetupOptions, asked_rows
from honing.errors import HoningError, UsageError
from honing.experiments.sweep.spec import SweepOptions, SweepSpec, slugs
from honing.learn import prompt_digest
from honing.store import Run

FILE = "fixed_samples.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSample:
    """What is asked of one target all along."""

    target: str
    slug: str
    """Name of its folders."""
    content: str
    """Hash of its files; empty where they could not be read beforehand."""
    prompts: Mapping[str, str]
    """Hash of each fixed row's prompt, by row id, in the data's order. Empty where the target asks with
    commands of its own: it is then asked for `limit` rows each time."""
    limit: int
    """Rows that are asked."""
    population: int
    """Rows of the target; 0 where they are not known."""
    reason: str = ""
    """Why the rows are not known; empty where they are."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.prompts)

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTarget:
    """One target of a sweep."""

    sample: FixedSample
    system: str = ""
    """System prompt of its contract."""
    pool: tuple[AskedRow, ...] = ()
    """Rows that may be trained on, in an order that the seed decides: none of them is in the fixed sample, by
    id or by prompt."""

    def rows_for(self, segment: int, count: int) -> tuple[AskedRow, ...]:
        """The rows that a segment is to learn from: the next ones of the pool, from its start again where it
        ends."""
        if count >= len(self.pool):
            return self.pool
        first = segment * count
        return tuple(self.pool[(first + step) % len(self.pool)] for step in range(count))


def fix_samples(run: Run, spec: SweepSpec, options: SweepOptions, setup: SetupOptions) -> list[KnownTarget]:
    """Choose every target's fixed sample, once in the life of the run, and find the rows beside it.

    Raises:
        UsageError: A target's files have changed since the sample was chosen.
    """
    names = slugs(spec.targets)
    read = {target: _read(options.place_of(target), setup) for target in spec.targets}
    if (run.path / FILE).is_file():
        chosen = [FixedSample(**entry) for entry in run.read_json(FILE)["targets"]]
    else:
        chosen = [_chosen(target, names[target], spec, read[target]) for target in spec.targets]
        run.write_json(FILE, {"seed": spec.seed, "targets": [one.as_document() for one in chosen]})
    return [_known(sample, spec, read[sample.target]) for sample in chosen]


def _read(target: str, setup: SetupOptions) -> AskedRows | str:
    """A target's rows, or why they are not known."""
    try:
        return asked_rows(target, setup)
    except HoningError as error:
        # Its measurement says so again, as its result; an agent may mend the contract first.
        return str(error)


def _chosen(target: str, slug: str, spec: SweepSpec, read: AskedRows | str) -> FixedSample:
    if isinstance(read, str):
        return FixedSample(
            target=target, slug=slug, content="", prompts={}, limit=spec.rows_per_target, population=0,
            reason=read,
        )  # fmt: skip
    rows = {row.id: row for row in read.rows}
    # Rows that ask the same are one row to a model: the first of them stands for all.
    first = {prompt_digest(row.prompt): row.id for row in reversed(read.rows)}
    ids = sorted(first.values())
    kept = set(random.Random(f"{spec.seed} fixed").sample(ids, min(spec.rows_per_target, len(ids))))
    return FixedSample(
        target=target,
        slug=slug,
        content=read.content,
        prompts={row_id: prompt_digest(row.prompt) for row_id, row in rows.items() if row_id in kept},
        limit=len(kept) or spec.rows_per_target,
        population=len(rows),
        reason="the target asks with commands of its own" if read.own_commands else "",
    )


def _known(sample: FixedSample, spec: SweepSpec, read: AskedRows | str) -> KnownTarget:
    if isinstance(read, str) or not sample.content:
        return KnownTarget(sample=sample)
    if read.content != sample.content:
        raise UsageError(
            f"{sample.target}: its files have changed since the sweep chose its fixed sample, so "
            "measurements before and after could not be compared. Begin anew with --fresh."
        )
    fixed = set(sample.prompts.values())
    pool = [row for row in read.rows if prompt_digest(row.prompt) not in fixed]
    random.Random(f"{spec.seed} pool").shuffle(pool)
    return KnownTarget(sample=sample, system=read.system, pool=tuple(pool))


def fixed_prompts(targets: Sequence[KnownTarget]) -> set[str]:
    """Hashes of the prompts of every fixed sample that is known beforehand."""
    return {digest for target in targets for digest in target.sample.prompts.values()}
