"""No score without calibration: what the controls must score, and the verdict over them.

An exit code is not a score, and neither is a number that a contract would report for any answer. So the same
stages run with answers whose score is known, and a score may be reported only where the controls bracket it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from honing.contract.controls.control import Control
from honing.contract.spec import MetricSpec
from honing.stats import proportion_upper_bound

ORACLE_AT_LEAST = 0.99
"""Of the declared maximum."""
JUDGE_AT_LEAST = 0.95
"""The same where a model judges; also what its verdicts on known pairs must agree with."""
ABOVE_CHANCE_AT_MOST = 0.05
"""How far above chance the upper bound of a control without knowledge may lie."""
FORMAT_AT_LEAST = 0.95
"""Of the declared maximum, for our own scorers; reported only for a target's own."""
TALK_AT_MOST = 0.25
"""Of the way from chance to the best value, for words without knowledge: a repeated prompt may hit by
luck."""
LEAST_GAP = 0.1
"""Of the range, by which right answers must be better than worthless ones."""
CALIBRATION_ROWS = 64


class OracleSource(StrEnum):
    """Where the gold for calibration came from."""

    DATA = "data"
    FILE = "file"
    POLICY = "policy"
    """A program of the contract that plays the perfect model."""
    UNAVAILABLE = "unavailable"


class Level(StrEnum):
    """How far a contract has come. Each includes those before it."""

    RESOLVED = "L0"
    INSTALLABLE = "L1"
    COMMANDS_FOUND = "L2"
    RUNS = "L3"
    METRIC_DECLARED = "L4"
    CALIBRATED = "L5"
    PARITY = "L6"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlScore:
    """What one control scored, and what was asked of it."""

    control: str
    score: float | None
    """In the metric's unit; None where the control could not be run."""
    n: int
    """Samples it was judged on."""
    bound: float | None = None
    """One-sided 95% upper bound, in the metric's unit; the score itself where every row was used."""
    needed: str = ""
    """What was asked, in words; empty where the figure is only reported."""
    ok: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The controls' scores and the verdict."""

    ok: bool
    level: Level
    oracle_source: OracleSource
    rows: int
    """Rows the controls were run on."""
    population: int
    """Rows of the whole target."""
    controls: tuple[ControlScore, ...]
    reasons: tuple[str, ...] = field(default=())
    """Why it failed, one sentence each."""

    def score_of(self, control: str) -> float | None:
        return next((c.score for c in self.controls if c.control == control), None)

    def as_document(self) -> dict[str, Any]:
        """For metrics.json: {oracle, null, shuffled, format: {name: score}, ...}."""
        prefix = f"{Control.FORMAT}:"
        variants = {
            c.control.removeprefix(prefix): c.score for c in self.controls if c.control.startswith(prefix)
        }
        return {
            "ok": self.ok,
            "oracle": self.score_of(Control.ORACLE),
            "null": self.score_of(Control.NULL),
            "shuffled": self.score_of(Control.SHUFFLED),
            "half": self.score_of(Control.HALF),
            "talk": self.score_of(Control.TALK),
            "format": variants,
            "oracle_source": self.oracle_source.value,
            "rows": self.rows,
            "population": self.population,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """A control's raw figure, before it is judged."""

    score: float | None
    n: int
    note: str = ""
    at_least: float = ORACLE_AT_LEAST
    """What the gold itself must score, as a share of the declared maximum."""


def judge(
    metric: MetricSpec,
    taken: Mapping[str, Taken],
    *,
    oracle_source: OracleSource,
    rows: int,
    population: int,
    own_scorer: bool,
    further: Sequence[str] = (),
) -> Calibration:
    """The verdict over the controls' figures.

    Args:
        metric: Declared range, direction and chance.
        taken: Figures by control: "oracle", "null", "shuffled", and "format:<variant>".
        oracle_source: Where the gold came from.
        rows: Rows the controls were run on.
        population: Rows of the whole target; where equal to `rows`, figures carry no sampling error.
        own_scorer: Whether Honing's scorer judged, so that format variants are required to pass.
        further: What else speaks against the contract, one sentence each.
    """
    scores = [_judged(metric, name, figure, rows == population, own_scorer) for name, figure in taken.items()]
    reasons = [f"{one.control}: {one.note}" for one in scores if not one.ok]
    reasons = reasons or _why_no_difference(metric, scores) or list(further)
    if oracle_source is OracleSource.UNAVAILABLE:
        reasons.insert(0, "oracle: unavailable; without a gold nothing shows that a right answer would score")
    elif not any(one.control == Control.ORACLE for one in scores):
        reasons.insert(0, "oracle: was not run")
    ok = not reasons
    level = Level.CALIBRATED if ok else Level.METRIC_DECLARED if _ran(scores) else Level.RUNS
    return Calibration(
        ok=ok,
        level=level,
        oracle_source=oracle_source,
        rows=rows,
        population=population,
        controls=tuple(scores),
        reasons=tuple(reasons),
    )


def _why_no_difference(metric: MetricSpec, scores: Sequence[ControlScore]) -> list[str]:
    """Swapping right answers for worthless ones must change the score, or it measures something else."""
    found = {one.control: goodness(metric, one.score) for one in scores if one.score is not None}
    worthless = [found[name] for name in (Control.NULL, Control.SHUFFLED) if name in found]
    if Control.ORACLE not in found or not worthless:
        return []
    gap = found[Control.ORACLE] - max(worthless)
    needed = max(LEAST_GAP, 0.5 * (1.0 - goodness(metric, metric.chance)))
    if gap >= needed:
        return []
    return [f"right and worthless answers differ by {gap:.3g} of the range; at least {needed:.3g} is needed"]


def _ran(scores: Sequence[ControlScore]) -> bool:
    return any(one.score is not None for one in scores)


def _judged(metric: MetricSpec, name: str, taken: Taken, exhaustive: bool, own_scorer: bool) -> ControlScore:  # noqa: FBT001
    kind = name.split(":")[0]
    if kind == Control.TALK:
        return _no_better_than_talk(metric, name, taken)
    if taken.score is None:
        return ControlScore(control=name, score=None, n=taken.n, ok=False, note=taken.note or "gave no score")
    if kind == Control.ORACLE:
        return _at_least(metric, name, taken, taken.at_least, "the gold itself must score")
    if kind == Control.HALF:
        return ControlScore(control=name, score=taken.score, n=taken.n, needed="half way between them")
    if kind == Control.FORMAT:
        if not own_scorer:
            return ControlScore(
                control=name, score=taken.score, n=taken.n, note="reported only: the target's own scorer"
            )
        return _at_least(metric, name, taken, FORMAT_AT_LEAST, "a right answer in this format must score")
    return _near_chance(metric, name, taken, exhaustive)


def _at_least(metric: MetricSpec, name: str, taken: Taken, share: float, why: str) -> ControlScore:
    assert taken.score is not None
    ok = goodness(metric, taken.score) >= share
    needed = f"at least {share:g} of the best value {best(metric):g}"
    note = "" if ok else f"scored {taken.score:.4g} over {taken.n} samples; {why} {needed}"
    return ControlScore(control=name, score=taken.score, n=taken.n, needed=needed, ok=ok, note=note)


def _no_better_than_talk(metric: MetricSpec, name: str, taken: Taken) -> ControlScore:
    """Words without knowledge. A judge that cannot read them at all is not fooled by them."""
    if taken.score is None:
        return ControlScore(control=name, score=None, n=taken.n, note=taken.note)
    chance = goodness(metric, metric.chance)
    limit = chance + TALK_AT_MOST * (1.0 - chance)
    ok = goodness(metric, taken.score) <= limit
    needed = f"at most {denormalised(metric, limit):.4g}"
    scored = f"scored {taken.score:.4g} over {taken.n} samples"
    note = "" if ok else f"{scored}; repeating the prompt and claiming to be right must score {needed}"
    return ControlScore(control=name, score=taken.score, n=taken.n, needed=needed, ok=ok, note=note)


def _near_chance(metric: MetricSpec, name: str, taken: Taken, exhaustive: bool) -> ControlScore:  # noqa: FBT001
    assert taken.score is not None
    achieved = goodness(metric, taken.score)
    upper = achieved
    if not exhaustive and taken.n > 0:
        upper = proportion_upper_bound(math.ceil(achieved * taken.n - 1e-9), taken.n)
    limit = goodness(metric, metric.chance) + ABOVE_CHANCE_AT_MOST
    ok = upper <= limit
    bound, allowed = denormalised(metric, upper), denormalised(metric, limit)
    needed = f"bound at most {allowed:.4g} (chance {metric.chance:g} + {ABOVE_CHANCE_AT_MOST:g} of the range)"
    scored = f"scored {taken.score:.4g} over {taken.n} samples (bound {bound:.4g})"
    note = "" if ok else f"{scored}; an answer without knowledge must stay near chance: {needed}"
    return ControlScore(
        control=name, score=taken.score, n=taken.n, bound=bound, needed=needed, ok=ok, note=note
    )


def goodness(metric: MetricSpec, score: float) -> float:
    """The score on a scale from 0 (worst) to 1 (best), whatever its unit and direction."""
    low, high = metric.range
    share = (score - low) / (high - low)
    return share if metric.direction == "maximize" else 1.0 - share


def best(metric: MetricSpec) -> float:
    return metric.range[1] if metric.direction == "maximize" else metric.range[0]


def denormalised(metric: MetricSpec, share: float) -> float:
    """The score at a place on that scale."""
    low, high = metric.range
    return low + share * (high - low) if metric.direction == "maximize" else high - share * (high - low)
