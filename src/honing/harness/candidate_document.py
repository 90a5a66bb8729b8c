"""A candidate as a JSON document and back: what a unit of the run's journal holds.

Reading is strict: a document of another schema, a field that is missing, unknown or of another type is an
error that names its place. Texts that may be long are cut when a document is made, so a candidate that came
back from its document is the one to go on with, in the first session of a run as in a resumed one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from honing.errors import StoreError
from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome, Proposal
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus
from honing.store import TreeId

SCHEMA = 1
"""Version of the document that this code writes and reads."""
LOG_CHARACTERS = 4_000
"""Of a task's log; its end is kept."""
REASON_CHARACTERS = 1_000
"""Of a sentence or a reason; its start is kept."""
LISTED_PATHS = 500
"""Paths listed at most; a line after them says how many more there were."""
_AGENT_KEPT = (
    "agent",
    "version",
    "outcome",
    "trouble",
    "reason",
    "message",
    "usage",
    "exit_code",
    "duration_s",
    "sandbox",
    "capabilities",
    "model",
    "tool_calls",
)
_CUT = " [...]"
_Word = TypeVar("_Word", bound=StrEnum)


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    """The document of a candidate: plain JSON, of bounded size.

    An agent's transcript is left out; of its events the number of tool calls stays (`tool_calls`).
    """
    return {
        "schema": SCHEMA,
        "id": candidate.id,
        "arm": candidate.arm.value,
        "slot": candidate.slot,
        "parents": list(candidate.parents),
        "outcome": candidate.outcome.value,
        "sentence": _start(candidate.sentence),
        "tree": candidate.tree,
        "size_bytes": candidate.size_bytes,
        "proposal": None if candidate.proposal is None else proposal_document(candidate.proposal),
        "changed": _listed(candidate.changed),
        "offending": _listed(candidate.offending),
        "evaluation": None if candidate.evaluation is None else evaluation_document(candidate.evaluation),
        "acceptance": None if candidate.acceptance is None else _acceptance_document(candidate.acceptance),
        "note": _start(candidate.note),
    }


def candidate_from(document: Any, *, where: str = "candidate") -> Candidate:
    """The candidate of a document.

    Args:
        document: As `candidate_document` made it, or as it was read back.
        where: Its origin, for messages.

    Raises:
        StoreError: It is no such document; the text names the place, what was found and what was expected.
    """
    fields = _Fields(document, where)
    schema = fields.whole("schema")
    if schema != SCHEMA:
        raise StoreError(
            f"{where}: 'schema' is {schema}, this version of Honing reads {SCHEMA}. "
            "Open the run with the version that wrote it; its run.json names it."
        )
    tree = fields.text_or_none("tree")
    candidate = Candidate(
        id=fields.text("id"),
        arm=fields.word("arm", Arm),
        slot=fields.whole("slot"),
        parents=fields.texts("parents"),
        outcome=fields.word("outcome", Outcome),
        sentence=fields.text("sentence"),
        tree=None if tree is None else TreeId(tree),
        size_bytes=fields.whole("size_bytes"),
        proposal=fields.inner("proposal", lambda value, at: proposal_from(value, where=at)),
        changed=fields.texts("changed"),
        offending=fields.texts("offending"),
        evaluation=fields.inner("evaluation", lambda value, at: evaluation_from(value, where=at)),
        acceptance=fields.inner("acceptance", _acceptance_from),
        note=fields.text("note"),
    )
    fields.finish()
    return candidate


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """The document of an evaluation alone, as a candidate's document holds it."""
    return {
        "runs": [_task_run_document(run) for run in evaluation.runs],
        "complete": evaluation.complete,
        "stopped": _start(evaluation.stopped),
    }


def evaluation_from(document: Any, *, where: str = "evaluation") -> Evaluation:
    """The evaluation of a document.

    Raises:
        StoreError: It is no such document.
    """
    fields = _Fields(document, where)
    evaluation = Evaluation(
        runs=fields.many("runs", _task_run_from),
        complete=fields.truth("complete"),
        stopped=fields.text("stopped"),
    )
    fields.finish()
    return evaluation


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """The document of a proposal alone, as a candidate's document holds it."""
    agent = {name: proposal.agent[name] for name in _AGENT_KEPT if name in proposal.agent}
    if "tool_calls" not in agent and isinstance(events := proposal.agent.get("events"), Sequence):
        agent["tool_calls"] = sum(isinstance(e, Mapping) and e.get("kind") == "tool" for e in events)
    agent |= {name: _start(value) for name, value in agent.items() if isinstance(value, str)}
    return {
        "tree": proposal.tree,
        "agent": agent,
        "manifest": None if proposal.manifest is None else dict(proposal.manifest),
        "manifest_problem": _start(proposal.manifest_problem),
    }


def proposal_from(document: Any, *, where: str = "proposal") -> Proposal:
    """The proposal of a document.

    Raises:
        StoreError: It is no such document.
    """
    fields = _Fields(document, where)
    tree = fields.text_or_none("tree")
    proposal = Proposal(
        tree=None if tree is None else TreeId(tree),
        agent=fields.mapping("agent"),
        manifest=fields.inner("manifest", _as_mapping),
        manifest_problem=fields.text("manifest_problem"),
    )
    fields.finish()
    return proposal


def _task_run_document(run: TaskRun) -> dict[str, Any]:
    score = run.score
    return {
        "task": run.task,
        "seed": run.seed,
        "weight": run.weight,
        "tree": run.tree,
        "status": score.status.value,
        "score": score.score,
        "reason": _start(score.reason),
        "log": score.log[-LOG_CHARACTERS:],
        "checks": dict(score.checks),
        "duration_s": round(score.duration_s, 4),
        "cost": score.cost,
        "sandbox": score.sandbox,
    }


def _task_run_from(document: Any, where: str) -> TaskRun:
    fields = _Fields(document, where)
    checks = fields.mapping("checks")
    if not all(isinstance(held, bool) for held in checks.values()):
        raise StoreError(f"{where}.checks: expected true or false for every name, found {_shown(checks)}.")
    run = TaskRun(
        task=fields.text("task"),
        seed=fields.whole("seed"),
        weight=fields.number("weight"),
        tree=fields.text("tree"),
        score=TaskScore(
            status=fields.word("status", TaskStatus),
            score=fields.number_or_none("score"),
            reason=fields.text("reason"),
            log=fields.text("log"),
            checks=checks,
            duration_s=fields.number("duration_s"),
            cost=fields.number("cost"),
            sandbox=fields.text("sandbox"),
        ),
    )
    fields.finish()
    return run


def _acceptance_document(acceptance: Acceptance) -> dict[str, Any]:
    return {
        "accepted": acceptance.accepted,
        "sentence": _start(acceptance.sentence),
        "difference": _list_or_none(acceptance.difference),
        "retest": _list_or_none(acceptance.retest),
        "estimate": acceptance.estimate,
        "task_runs": acceptance.task_runs,
    }


def _acceptance_from(document: Any, where: str) -> Acceptance:
    fields = _Fields(document, where)
    acceptance = Acceptance(
        accepted=fields.truth("accepted"),
        sentence=fields.text("sentence"),
        difference=fields.inner("difference", _three),
        retest=fields.inner("retest", _three),
        estimate=fields.number_or_none("estimate"),
        task_runs=fields.whole("task_runs"),
    )
    fields.finish()
    return acceptance


class _Fields:
    """The fields of one object of a document, each asked for once by name and type."""

    def __init__(self, document: Any, where: str) -> None:
        if not isinstance(document, Mapping):
            raise StoreError(f"{where}: expected an object, found {_shown(document)}.")
        self._document = document
        self._where = where
        self._asked: set[str] = set()

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._refused(name, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._value(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        value = self._value(name)
        if type(value) is not int:
            raise self._refused(name, "a whole number")
        return value

    def number(self, name: str) -> float:
        value: float = self._value(name)
        if not _is_number(value):
            raise self._refused(name, "a finite number")
        return value

    def number_or_none(self, name: str) -> float | None:
        return None if self._value(name) is None else self.number(name)

    def truth(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._refused(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._value(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._refused(name, "a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._value(name)
        if not isinstance(value, Mapping):
            raise self._refused(name, "an object")
        return dict(value)

    def word(self, name: str, kind: type[_Word]) -> _Word:
        value = self.text(name)
        if value not in set(kind):
            raise self._refused(name, f"one of {', '.join(member.value for member in kind)}")
        return kind(value)

    def inner(self, name: str, read: Callable[[Any, str], Any]) -> Any:
        """An object of its own, or None."""
        value = self._value(name)
        return None if value is None else read(value, f"{self._where}.{name}")

    def many(self, name: str, read: Callable[[Any, str], Any]) -> tuple[Any, ...]:
        value = self._value(name)
        if not isinstance(value, list):
            raise self._refused(name, "a list")
        return tuple(read(each, f"{self._where}.{name}[{number}]") for number, each in enumerate(value))

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        if unknown := sorted(set(self._document) - self._asked):
            raise StoreError(
                f"{self._where}: unknown field {unknown[0]!r}; known are {', '.join(sorted(self._asked))}."
            )

    def _value(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._document:
            raise StoreError(f"{self._where}: the field {name!r} is missing.")
        return self._document[name]

    def _refused(self, name: str, expected: str) -> StoreError:
        found = _shown(self._document[name])
        return StoreError(f"{self._where}.{name}: expected {expected}, found {found}.")


def _as_mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise StoreError(f"{where}: expected an object, found {_shown(value)}.")
    return dict(value)


def _three(value: Any, where: str) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(_is_number(each) for each in value):
        raise StoreError(f"{where}: expected [estimate, low, high], found {_shown(value)}.")
    return (value[0], value[1], value[2])


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _list_or_none(values: tuple[float, float, float] | None) -> list[float] | None:
    return None if values is None else list(values)


def _listed(paths: Sequence[str]) -> list[str]:
    # The line that counts the rest is a path of its own when it comes back: cutting twice changes nothing.
    if len(paths) <= LISTED_PATHS + 1:
        return list(paths)
    return [*paths[:LISTED_PATHS], f"... and {len(paths) - LISTED_PATHS} more"]


def _start(text: str) -> str:
    limit = REASON_CHARACTERS
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
