"""One small target, faulty or healthy: its files, its contract, and the pupil it meets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pieces import CONTRACT, GRADE, QUESTIONS, ROWS, RUN, Row, jsonl

from honing.errors import ModelRequestError, ModelServerError
from honing.llm import ModelReply, ModelRequest, Role, ScriptedModel

SKILL = 0.75
"""What the pupil is right about: all but every fourth question. No fault may hide behind a plain 0 or 1."""


class Slip:
    """What the pupil does on every fourth question."""

    OTHER = "other"
    """Gives the next question's answer: wrong, but of the right form."""
    EMPTY = "empty"
    """Says nothing."""
    DOWN = "down"
    """Its server fails."""
    STUMBLE = "stumble"
    """As OTHER; and the first call about every question that follows on such a one fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A target and what a measurement of it must come to."""

    name: str
    what: str
    """The planted fault, or the shape, in one sentence."""
    said: str = ""
    """For a fault: a regular expression that the reason for refusing must match."""
    score: float | None = None
    """For a healthy target: the score that the pupil has on it, known beforehand."""
    contract: Mapping[str, Any] | None = field(default_factory=lambda: CONTRACT)
    """Content of .honing/contract.yaml; None where one must be derived."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """By path; `write` adds the usual ones to a target with commands unless they are named here."""
    rows: Sequence[Row] = ROWS
    """Questions with their answers: what the pupil knows."""
    slip: str = Slip.OTHER
    prepare: Callable[[Path], object] | None = None
    """Does to the target's folder what no file content can."""
    samples: str | None = None
    """Content of a file of samples that is judged instead of asking the pupil."""

    @property
    def is_healthy(self) -> bool:
        return self.score is not None

    def write(self, folder: Path) -> Path:
        """Write the target."""
        content = dict(self.files)
        if self.contract is not None:
            usual = {"run.py": RUN, "grade.py": GRADE, QUESTIONS: jsonl(self.rows)}
            content = {**usual, "oracle.jsonl": oracle(self.rows), **content}
            content[".honing/contract.yaml"] = json.dumps(self.contract, ensure_ascii=False, indent=1)
        for name, text in content.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if self.prepare is not None:
            folder.mkdir(exist_ok=True)
            self.prepare(folder)
        return folder

    def pupil(self) -> ScriptedModel:
        """The model that is measured: right about all but every fourth question."""
        answers = {
            row["question"]: said(self.rows, index, self.slip if index % 4 == 3 else "")
            for index, row in enumerate(self.rows)
        }
        asked = sorted(answers, key=len, reverse=True)
        failing = {row["question"] for row in self.rows[::4]} if self.slip == Slip.STUMBLE else set()

        def answer(request: ModelRequest) -> str | ModelReply:
            # The last turn says what is asked: examples may stand before it.
            turns = [message.text for message in request.messages if message.role is Role.USER]
            question = next((text for text in asked if text in turns[-1]), None)
            if question is None:
                raise ModelRequestError(f"the pupil does not know what {turns[-1][:80]!r} asks")
            if answers[question] is None or question in failing:
                failing.discard(question)
                raise ModelServerError("the pupil's server is down")
            return str(answers[question])

        return ScriptedModel(answer)


def said(rows: Sequence[Row], index: int, slip: str) -> str | None:
    """What the pupil says to a question; None where its server fails."""
    row = rows[index]
    if not slip:
        return str(row.get("says", row["answer"]))
    if slip in (Slip.OTHER, Slip.STUMBLE):
        other = rows[(index + 1) % len(rows)]
        return str(row.get("slips", other.get("says", other["answer"])))
    return "" if slip == Slip.EMPTY else None


def oracle(rows: Sequence[Row]) -> str:
    """The oracle file of these rows."""
    return jsonl(
        {"id": row["id"], "match": row["question"], "completion": row.get("says", row["answer"])}
        for row in rows
    )
