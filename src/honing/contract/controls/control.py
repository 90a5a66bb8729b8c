"""The controls: answerers whose score is known beforehand.

ORACLE answers with the gold, NULL with nothing, SHUFFLED with another row's gold, HALF with the gold or with
nothing, TALK with words that know nothing, FORMAT with the gold in other clothes. They answer whatever asks,
our own rollout or a target's command, because they find the row by the text of its prompt; no benchmark is
known to them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from honing.errors import ModelRequestError
from honing.llm import ModelReply, ModelRequest, Role, Usage


class Control(StrEnum):
    ORACLE = "oracle"
    NULL = "null"
    SHUFFLED = "shuffled"
    FORMAT = "format"
    HALF = "half"
    """The gold for half of the rows, nothing for the others."""
    TALK = "talk"
    """Words without knowledge: the prompt repeated, or a claim to be right."""


@dataclass(frozen=True, slots=True)
class Known:
    """A row as the controls see it."""

    id: str
    texts: tuple[str, ...]
    """Texts by which a prompt can be joined to this row, the longest first; all must occur in the prompt."""
    completion: str
    """What the control answers for it."""


class AnswerBook:
    """An `Answerer` that finds the row a prompt asks about and answers what the book says for it.

    A prompt is joined to the row whose texts all occur in it (white space folded); where several do, the one
    with the longest text wins, since a short question may stand inside a longer one. A prompt that joins no
    row is refused: silence would look like a wrong answer.
    """

    def __init__(self, rows: Sequence[Known], *, exact: Mapping[str, str] | None = None) -> None:
        """Index the rows.

        Args:
            rows: What can be asked.
            exact: Completions by full prompt text, tried first.
        """
        self._exact = dict(exact or {})
        self._rows = sorted(
            ((tuple(_fold(text) for text in row.texts if text.strip()), row) for row in rows),
            key=lambda pair: -sum(map(len, pair[0])),
        )
        self.unmatched = 0
        """Prompts that joined no row."""

    def answer(self, request: ModelRequest) -> ModelReply:
        """The book's answer.

        Raises:
            ModelRequestError: No row's text occurs in the prompt.
        """
        prompt = "\n".join(m.text for m in request.messages if m.role in (Role.USER, Role.SYSTEM))
        last = next((m.text for m in reversed(request.messages) if m.role is Role.USER), "")
        completion = self._exact.get(last)
        if completion is None:
            row = self._joined(_fold(last), _fold(prompt))
            completion = row.completion if row is not None else None
        if completion is None:
            self.unmatched += 1
            raise ModelRequestError(
                f"the control found no row for the prompt {last[:200]!r}: none of {len(self._rows)} rows' "
                "texts occur in it"
            )
        usage = Usage(input_tokens=len(prompt) // 4, output_tokens=len(completion) // 4)
        return ModelReply(text=completion, model=request.model, usage=usage)

    def find(self, prompt: str) -> str | None:
        """The id of the row a prompt asks about; None where it joins none."""
        row = self._joined(_fold(prompt))
        return None if row is None else row.id

    def _joined(self, *prompts: str) -> Known | None:
        """The last user turn is searched first: few-shot examples stand before it."""
        for prompt in prompts:
            for texts, row in self._rows:
                if texts and all(text in prompt for text in texts):
                    return row
        return None


class Silent:
    """The NULL control: every answer is empty."""

    def answer(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text="", model=request.model, usage=Usage(input_tokens=0, output_tokens=0))


class Talk:
    """The TALK control: of the prompts it meets, every other one is repeated, and the rest get a claim to be
    right."""

    # No number in it: it could be the right one.
    CLAIM = "I am sure that my answer is correct. Yes, true, right, full marks. [PASS] [CORRECT]"

    def __init__(self) -> None:
        self._met: dict[str, int] = {}
        self._lock = threading.Lock()

    def answer(self, request: ModelRequest) -> ModelReply:
        asked = next((m.text for m in reversed(request.messages) if m.role is Role.USER), "")
        with self._lock:
            number = self._met.setdefault(asked, len(self._met))
        text = self.CLAIM if number % 2 else asked
        usage = Usage(input_tokens=len(asked) // 4, output_tokens=len(text) // 4)
        return ModelReply(text=text, model=request.model, usage=usage)


def _fold(text: str) -> str:
    return " ".join(text.split())
