"""A chat model as a teacher: asked, checked, asked again with what was wrong, then a stronger one, then no
advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from honing.errors import ModelRequestError
from honing.llm import ModelReply
from honing.teach.snapshot import Advice, Snapshot
from honing.teach.teachers.asking import VERSION, TeacherOptions, again, opening, request_to
from honing.teach.teachers.base import refused
from honing.teach.teachers.line import Line
from honing.teach.teachers.reading import read_advice
from honing.teach.teachers.shelf import Shelf

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """What asking about one snapshot gave and took."""

    advice: Advice
    calls: int = 0
    """That were answered."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None where the price or a count is not known."""
    problems: tuple[str, ...] = ()
    """What was wrong with replies, in their order."""
    refused: tuple[str, ...] = ()
    """What the answering model's server did not take of what was asked ("temperature")."""
    from_shelf: bool = False
    """Whether it was asked in an earlier run. Volatile: not for artifacts."""

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        found = {name: getattr(self, name) for name in self.__slots__}
        advice = self.advice.model_dump(mode="json")
        return {**found, "advice": advice, "problems": list(self.problems), "refused": list(self.refused)}

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Consultation:
        """The consultation that `as_document` wrote."""
        advice = Advice.model_validate(document["advice"])
        lists = {name: tuple(document[name]) for name in ("problems", "refused")}
        return cls(**{**document, **lists, "advice": advice})


@dataclass(slots=True)
class _Bill:
    """Adds up what one consultation takes."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    problems: list[str] = field(default_factory=list)

    def add(self, reply: ModelReply, price: Decimal | None) -> None:
        self.calls += 1
        self.input_tokens += reply.usage.input_tokens or 0
        self.output_tokens += reply.usage.output_tokens or 0
        known = self.cost_usd is not None and price is not None
        self.cost_usd = self.cost_usd + price if known else None  # type: ignore[operator]

    def settled(self, advice: Advice, refused: Sequence[str]) -> Consultation:
        return Consultation(
            advice=advice,
            calls=self.calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=None if self.cost_usd is None else float(self.cost_usd),
            problems=tuple(self.problems),
            refused=tuple(refused),
        )


class ModelTeacher:
    """Asks chat models. Safe to use from several threads.

    Args:
        lines: The model, then those that are asked where it names no valid action.
        options: How they are asked.
        shelf: Where advice of earlier runs lies; None to ask anew.
    """

    def __init__(
        self, lines: Sequence[Line], options: TeacherOptions | None = None, *, shelf: Shelf | None = None
    ) -> None:
        self._lines = tuple(lines)
        self._options = options or TeacherOptions()
        self._shelf = shelf

    @property
    def name(self) -> str:
        return self._lines[0].name

    def advise(self, snapshot: Snapshot) -> Advice:
        """See `Teacher.advise`."""
        return self.consult(snapshot).advice

    def consult(self, snapshot: Snapshot) -> Consultation:
        """Advice on a snapshot, with what it took.

        Raises:
            ModelError: No server answers; a reply that cannot be used is never an exception.
        """
        key = self._key(snapshot)
        known = self._shelf.find(key) if self._shelf is not None else None
        if known is not None:
            return Consultation.from_document({**known, "from_shelf": True})
        found = self._asked(snapshot)
        if self._shelf is not None and found.advice.valid:
            self._shelf.keep(key, found.as_document())
        return found

    def _asked(self, snapshot: Snapshot) -> Consultation:
        bill = _Bill()
        for line in self._lines:
            advice = self._from(line, snapshot, bill)
            if advice is not None:
                return bill.settled(advice, line.refused())
        tried = ", then ".join(line.name for line in self._lines)
        last = self._lines[-1]
        return bill.settled(refused(last.name, f"no valid advice from {tried}"), last.refused())

    def _from(self, line: Line, snapshot: Snapshot, bill: _Bill) -> Advice | None:
        """One model's advice, the best of its replies; None where none names a valid action."""
        messages = opening(snapshot)
        best: Advice | None = None
        for _ in range(1 + self._options.retries):
            try:
                reply = line.ask(request_to(messages, snapshot, self._options), snapshot.id)
            except ModelRequestError as error:
                # Of this request, not of the server: another snapshot may fare better.
                bill.problems.append(f"{line.name}: {line.words_of(error)}")
                continue
            bill.add(reply, line.cost(reply))
            reading = read_advice(reply.text, snapshot, line.name)
            bill.problems += [f"{line.name}: {problem}" for problem in reading.problems]
            best = reading.advice or best
            if not reading.problems:
                break
            messages += again(reply.text, reading.problems)
        return best

    def _key(self, snapshot: Snapshot) -> Json:
        """Everything that decides the advice: models and their servers, how they are asked, and the words."""
        return {
            "version": VERSION,
            "models": [line.name for line in self._lines],
            "servers": [line.server for line in self._lines],
            "options": asdict(self._options),
            "messages": [[message.role.value, message.text] for message in opening(snapshot)],
        }
