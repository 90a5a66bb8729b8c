"""Which of the numbers that an evaluation leaves is the score: the one that answers of known worth move.

The evaluation is run with right answers, with none, and with wrong ones. A score is at its best value under
the first and at chance under the others; a duration, a count or a share of answered questions is not. Names
only decide between numbers that behave alike. No model is asked before this is settled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from honing.contract.controls.control import Control
from honing.contract.derivation.numbers import Number, Place, numbers_in_files, numbers_in_output
from honing.contract.derivation.result_names import pattern_of
from honing.contract.spec import EvaluateSpec, MetricSpec, MetricsSource

BEST = 0.99
"""Of the best value, that right answers must reach."""
ABOVE_CHANCE = 0.05
"""Of the range, that worthless answers may lie above chance."""
_SCALES = ((0.0, 1.0), (0.0, 100.0))
_NAMES: tuple[tuple[str, int], ...] = (
    (r"pass[@_ ]?(?:at[_ ]?)?1|pass[_ ]?rate|resolved?[_ ]rate", 100),
    (r"acc(?:uracy)?|exact[_ ]?match|em", 95),
    (r"success(?:[_ ]rate)?|solve[_ ]rate|win[_ ]rate", 90),
    (r"(?:final[_ ])?score|(?:final[_ ])?reward", 85),
    (r"f1|correct(?:ness)?|rouge.*|bleu.*|pass@\d+|pass[_ ]at[_ ]\d+", 70),
    (r"precision|recall", 50),
)
_ERRORS = re.compile(r"(?i)(?:^|[^a-z])(?:error|err|wer|cer|loss|fail(?:ure|ed)?s?)(?:$|[^a-z])")
_WHOLE = re.compile(
    r"(?i)(?:^|[^a-z])(?:overall|total|mean|average|avg|macro|micro|all|aggregate|final)(?:$|[^a-z])"
)
_NOT_A_SCORE = re.compile(
    r"(?i)(?:^|[^a-z])(?:time|seconds|secs|duration|elapsed|eta|seed|temperature|port|pid|version|epoch|"
    r"tokens?|cost|samples|num|n|count|size|timestamp|answered|parsed|coverage|valid|weight|confidence|top_p|"
    r"stderr|std|k)(?:$|[^a-z])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one evaluation under a control left."""

    output: str = ""
    """What it printed."""
    documents: Mapping[str, object] = ()  # type: ignore[assignment]
    """Its new JSON files, read, by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A number that behaves as a score does."""

    number: Number
    values: Mapping[str, float]
    """By control."""
    range: tuple[float, float]
    direction: str
    rank: tuple[int, ...]
    """What speaks for it, the greater the better."""

    @property
    def where(self) -> str:
        """For a reader."""
        place = self.number.place
        if place.source is MetricsSource.STDOUT:
            return f"output, {self.number.name!r}"
        return f"{place.file}, {'/'.join(place.path)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFound:
    """The score that was found."""

    metric: MetricSpec
    evaluate: Mapping[str, object]
    """Fields of `EvaluateSpec` that say where it stands."""
    values: Mapping[str, float]
    alternatives: tuple[str, ...]
    why: str

    def placed(self, spec: EvaluateSpec) -> EvaluateSpec:
        """The evaluate stage that reads this number."""
        return spec.model_copy(update=dict(self.evaluate))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMissing:
    """No number behaves as a score."""

    reason: str
    seen: tuple[str, ...]
    """The numbers that came nearest, with their values."""


def choose_metric(
    observations: Mapping[str, Observation], *, chance: float = 0.0, model: str = ""
) -> MetricFound | MetricMissing:
    """The number that is at its best under right answers and at chance under worthless ones.

    Args:
        observations: What the evaluation left, by control; `oracle` and at least one other.
        chance: What guessing reaches, as a share of the range.
        model: The model's name as the target saw it, which may be part of a file's name.
    """
    tables = {name: _numbers(one, model) for name, one in observations.items()}
    oracle = tables.pop(Control.ORACLE, {})
    everywhere = [place for place in oracle if all(place in table for table in tables.values())]
    if not oracle or not tables:
        return MetricMissing(reason="the evaluation left no number under right answers", seen=())
    found = [
        candidate
        for place in everywhere
        if (
            candidate := _candidate(
                oracle[place], {name: t[place].value for name, t in tables.items()}, chance
            )
        )
    ]
    found = _wholes(found)
    if not found:
        return _missing(oracle, tables)
    found.sort(key=lambda one: one.rank, reverse=True)
    return _found(found, chance)


def _numbers(seen: Observation, model: str) -> dict[Place, Number]:
    """Numbers by place; a file's name without what belongs to one run."""
    found: dict[Place, Number] = {}
    several: set[Place] = set()
    output = numbers_in_output(seen.output)
    for number in [*output, *numbers_in_files(dict(seen.documents))]:
        place = number.place
        if place.file:
            place = replace(place, file=pattern_of(place.file, model))
        if place in found:
            several.add(place)
        found[place] = replace(number, place=place)
    # Two files that one pattern matches could not be told apart later.
    return {place: number for place, number in found.items() if place not in several}


def _candidate(right: Number, worthless: Mapping[str, float], chance: float) -> Candidate | None:
    values = {Control.ORACLE.value: right.value, **worthless}
    if _NOT_A_SCORE.search(_words(right.name)) and not _named(right.name):
        return None
    for low, high in _SCALES:
        if any(not low <= value <= high for value in values.values()):
            continue
        width = high - low
        limit = low + width * (chance + ABOVE_CHANCE)
        if right.value >= BEST * high and all(value <= limit for value in worthless.values()):
            return _scored(right, values, (low, high), "maximize")
        errors = _ERRORS.search(_words(right.name))
        worst = high - width * (chance + ABOVE_CHANCE)
        if errors and right.value <= 0.01 * high and all(value >= worst for value in worthless.values()):
            return _scored(right, values, (low, high), "minimize")
    return None


def _scored(
    number: Number, values: Mapping[str, float], scale: tuple[float, float], direction: str
) -> Candidate:
    named = _named(number.name) or max((_named(name) for name in number.within), default=0) // 2
    whole = any(_WHOLE.search(_words(name)) for name in (number.name, *number.within))
    in_file = number.place.source is MetricsSource.FILE
    rank = (named, int(whole), int(in_file), -len(number.within), number.order)
    return Candidate(number=number, values=values, range=scale, direction=direction, rank=rank)


def _wholes(found: Sequence[Candidate]) -> list[Candidate]:
    """Leave out parts: several numbers of one object that bear no score's name of their own are the figures
    of categories, and no one of them is the target's."""
    siblings: dict[tuple[str, tuple[str, ...]], int] = {}
    for one in found:
        key = (one.number.place.file, one.number.within)
        siblings[key] = siblings.get(key, 0) + (0 if _named(one.number.name) else 1)
    return [
        one
        for one in found
        if _named(one.number.name)
        or one.number.place.source is MetricsSource.STDOUT
        or siblings[one.number.place.file, one.number.within] == 1
    ]


def _found(found: Sequence[Candidate], chance: float) -> MetricFound:
    best = found[0]
    low, high = best.range
    place = best.number.place
    fields: dict[str, object] = {"source": place.source}
    if place.source is MetricsSource.STDOUT:
        fields["pattern"] = place.pattern
    else:
        fields["metrics_path"] = place.file
    minimize = best.direction == "minimize"
    metric = MetricSpec(
        name=best.number.name,
        path=_path(place.path),
        unit="percent" if high == 100.0 else "fraction",
        direction="minimize" if minimize else "maximize",
        range=best.range,
        chance=high - chance * (high - low) if minimize else low + chance * (high - low),
    )
    others = tuple(f"{one.where}: {_shown(one.values)}" for one in found[1:10])
    why = f"{best.where} is {_shown(best.values)}: the number that right answers bring to its best"
    return MetricFound(metric=metric, evaluate=fields, values=best.values, alternatives=others, why=why)


def _missing(oracle: Mapping[Place, Number], tables: Mapping[str, Mapping[Place, Number]]) -> MetricMissing:
    seen = []
    for place, number in oracle.items():
        values = {Control.ORACLE.value: number.value}
        values |= {name: table[place].value for name, table in tables.items() if place in table}
        seen.append((bool(_named(number.name)), f"{number.name}: {_shown(values)}"))
    seen.sort(key=lambda pair: pair[0], reverse=True)
    reason = (
        f"{len(oracle)} numbers were left under right answers, and none is at its best there and at chance "
        "under worthless ones"
    )
    return MetricMissing(reason=reason, seen=tuple(text for _, text in seen[:12]))


def _named(name: str) -> int:
    """How much a name is that of a score; 0 where it is not."""
    words = _words(name).lower().strip()
    stripped = re.sub(r"^(?:overall|total|mean|average|avg|macro|micro|all|final|test|eval)[ _-]+", "", words)
    for pattern, worth in _NAMES:
        if re.fullmatch(pattern, words) or re.fullmatch(pattern, stripped):
            return worth
    return next(
        (
            worth // 2
            for pattern, worth in _NAMES
            if re.search(rf"(?:^|[ _-])(?:{pattern})(?:$|[ _-])", words)
        ),
        0,
    )


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("/", " ").replace(".", " ")


def _path(keys: Sequence[str]) -> str:
    """The place in a file as the contract writes it: dots, or a JSON pointer where a key holds dots."""
    if not keys:
        return "score"
    if any("." in key or key.startswith("/") for key in keys):
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return ".".join(keys)


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
