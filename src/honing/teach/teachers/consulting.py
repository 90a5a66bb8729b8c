"""A chat model is asked about many snapshots: several at once, resumably, within a budget, with the bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from honing.errors import TrainingError
from honing.executors import Observation, ThreadsExecutor, UnitFunction
from honing.llm import Usage, cost, prompt_text, shown_cost
from honing.teach.desk import Desk
from honing.teach.snapshot import Snapshot
from honing.teach.teachers.asking import VERSION, TeacherOptions, opening, request_to
from honing.teach.teachers.line import Line, open_lines
from honing.teach.teachers.model import Consultation, ModelTeacher
from honing.teach.teachers.shelf import Shelf

Json = Any

_AT_ONCE = 8
"""Snapshots that are asked about at a time."""
_GUESSED_PROMPT_TOKENS = 450
"""Of a snapshot that is not there yet."""
_CHARACTERS_PER_TOKEN = 4
_USUAL_REPLY_TOKENS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What asking would take."""

    calls: int
    """Where every first reply can be used."""
    calls_at_most: int
    tokens: int
    """Of `calls`, in and out."""
    tokens_at_most: int
    """Without what is said again when a model is asked again."""
    cost_usd: Decimal | None
    """Of `calls`; None where the price is not known."""
    cost_usd_at_most: Decimal | None

    @property
    def sentence(self) -> str:
        """For people, before anything is asked."""
        return (
            f"{self.calls} calls, about {self.tokens} tokens, {shown_cost(self.cost_usd)}; at most "
            f"{self.calls_at_most} calls, {shown_cost(self.cost_usd_at_most)}"
        )


def models_of(desk: Desk) -> list[str]:
    """Who is asked, and who where the first gave no valid advice."""
    spec = desk.spec.teacher
    return list(dict.fromkeys(name for name in (spec.model, spec.fallback_model) if name))


def options_of(desk: Desk) -> TeacherOptions:
    """How they are asked."""
    spec = desk.spec.teacher
    return TeacherOptions(temperature=spec.temperature, max_tokens=spec.max_tokens, retries=spec.retries)


def forecast(desk: Desk, snapshots: Sequence[Snapshot], *, unseen: int = 0) -> Forecast:
    """What asking about snapshots would take, by the bundled prices. Advice on the shelf is not counted off.

    Args:
        desk: Of the study.
        snapshots: Those that are there.
        unseen: How many more there will be.
    """
    options, models = options_of(desk), models_of(desk)
    prompts = [request_to(opening(one), one, options) for one in snapshots]
    seen = sum(len(prompt_text(prompt)) // _CHARACTERS_PER_TOKEN for prompt in prompts)
    sent = seen + unseen * _GUESSED_PROMPT_TOKENS
    calls = len(snapshots) + unseen
    tries = 1 + options.retries
    usual = Usage(input_tokens=sent, output_tokens=calls * min(_USUAL_REPLY_TOKENS, options.max_tokens))
    most = Usage(input_tokens=sent * tries, output_tokens=calls * tries * options.max_tokens)
    at_most = [cost(name, most) for name in models]
    return Forecast(
        calls=calls,
        calls_at_most=calls * tries * len(models),
        tokens=(usual.input_tokens or 0) + (usual.output_tokens or 0),
        tokens_at_most=((most.input_tokens or 0) + (most.output_tokens or 0)) * len(models),
        cost_usd=cost(models[0], usual),
        cost_usd_at_most=None if None in at_most else sum(filter(None, at_most), Decimal(0)),
    )


def consult_all(desk: Desk, snapshots: Sequence[Snapshot]) -> list[Consultation]:
    """Ask about every snapshot; what was answered in an earlier session is not asked again.

    Args:
        desk: Of the study; its endpoints and its budget hold.
        snapshots: What they say about labels is not looked at.

    Raises:
        ModelAuthenticationError: A key is missing or refused.
        ModelUnreachableError: Several calls in a row failed; what was answered is kept.
        BudgetExhaustedError: The budget is spent; what was answered is kept.
        TrainingError: Some calls failed; what was answered is kept.
    """
    desk.told(f"advise: {forecast(desk, snapshots).sentence}")
    models, options = models_of(desk), options_of(desk)
    inputs = [
        {"version": VERSION, "models": models, "options": asdict(options), "snapshot": shown(one)}
        for one in snapshots
    ]
    with open_lines(desk.run, models, desk.endpoints, label="teacher") as lines:
        teacher = ModelTeacher(lines, options, shelf=Shelf(desk.cache.expanduser() / "advice"))

        def consult(work: Mapping[str, Json]) -> Json:
            return teacher.consult(Snapshot.model_validate(work["snapshot"])).as_document()

        results = _mapped(desk, consult, inputs, lines)
    found = [Consultation.from_document(result) for result in results]
    desk.told(f"advise: {_spent(found)}")
    return found


def shown(snapshot: Snapshot) -> dict[str, Json]:
    """A snapshot without labels, as plain data: a teacher's advice depends on none."""
    bare = ("advice", "U", "uncertainty", "leverage", "cpt", "quadrant", "quadrant_probability")
    return snapshot.model_copy(update={**dict.fromkeys(bare), "abstain": False}).as_document()


def _mapped(desk: Desk, consult: UnitFunction, inputs: Sequence[Json], lines: Sequence[Line]) -> list[Json]:
    try:
        executor = ThreadsExecutor(workers=_AT_ONCE, own_thread=True)
        return desk.map("advise.model", consult, inputs, executor=executor, observe=_observed)
    except TrainingError as error:
        # A refused key fails every snapshot alike; the key is the news.
        for line in lines:
            line.raise_if_dead(error)
        raise


def _observed(document: Json) -> Observation:
    found = Consultation.from_document(document)
    if found.from_shelf:
        return Observation(value=float(found.advice.valid), cost_usd=0.0)
    tokens = found.input_tokens + found.output_tokens
    return Observation(value=float(found.advice.valid), tokens=tokens, cost_usd=found.cost_usd)


def bill_of(consultations: Sequence[Consultation]) -> dict[str, Json]:
    """What the advice took when it was given, whenever that was: the same for every run that uses it."""
    costs = [one.cost_usd for one in consultations]
    refused = sorted({f"{one.advice.teacher}: {name}" for one in consultations for name in one.refused})
    problems = Counter(problem for one in consultations for problem in one.problems)
    return {
        "calls": sum(one.calls for one in consultations),
        "input_tokens": sum(one.input_tokens for one in consultations),
        "output_tokens": sum(one.output_tokens for one in consultations),
        "cost_usd": None if None in costs else round(sum(filter(None, costs)), 6),
        "asked_again": sum(bool(one.problems) for one in consultations),
        "problems": dict(sorted(problems.items(), key=lambda pair: (-pair[1], pair[0]))[:10]),
        "refused_parameters": refused,
    }


def _spent(consultations: Sequence[Consultation]) -> str:
    """For people, afterwards."""
    fresh = [one for one in consultations if not one.from_shelf]
    costs = [one.cost_usd for one in fresh]
    total = None if None in costs else Decimal(str(sum(filter(None, costs))))
    kept = len(consultations) - len(fresh)
    return (
        f"{sum(one.calls for one in fresh)} calls, "
        f"{sum(one.input_tokens + one.output_tokens for one in fresh)} tokens, {shown_cost(total)}"
        + (f"; {kept} answers were paid for by an earlier run" if kept else "")
    )
