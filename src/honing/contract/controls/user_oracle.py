"""Right answers that the user brings: a file of them, or a callable that knows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from honing.contract.controls.gold import Gold, gold_in, gold_of
from honing.contract.derive import Derived
from honing.errors import ContractError, UsageError
from honing.llm import Answerer, ModelReply, ModelRequest, Role, Usage

UserOracle = Path | Callable[[str], str]


class CallableOracle:
    """An `Answerer` that asks a callable of the user's for the right answer to a prompt.

    Args:
        function: Given the text of the last user turn, it returns the right answer.
    """

    name = "oracle"

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def answer(self, request: ModelRequest) -> ModelReply:
        """What the callable says.

        Raises:
            UsageError: It returned no text.
        """
        prompt = next((m.text for m in reversed(request.messages) if m.role is Role.USER), "")
        text = self._function(prompt)
        if not isinstance(text, str):
            raise UsageError(
                f"--oracle: the callable returned {text!r} for {prompt[:80]!r}; expected a text."
            )
        usage = Usage(input_tokens=len(prompt) // 4, output_tokens=len(text) // 4)
        return ModelReply(text=text, model=request.model, usage=usage)


def known_answers(derived: Derived, oracle: UserOracle | None) -> tuple[Gold | None, Answerer | None]:
    """The right answers of a target, by row, and who plays the perfect model where they stand in no table.

    Args:
        derived: The target's contract.
        oracle: The user's own; it takes the place of the target's.

    Raises:
        UsageError: The user's file cannot be read.
        ContractError: The target's own cannot.
    """
    if oracle is None:
        return gold_of(derived), None
    if not isinstance(oracle, Path):
        return None, CallableOracle(oracle)
    try:
        gold = gold_in(oracle.parent, oracle.name)
    except ContractError as error:
        raise UsageError(f"--oracle {oracle}: {error}") from None
    return (gold if derived.task is None else _by_row(gold, derived)), None


def _by_row(gold: Gold, derived: Derived) -> Gold:
    """The same answers under the ids of the data's rows, where a row's prompt joins one."""
    task = derived.task
    assert task is not None
    book = gold.book(gold.right)
    joined = {row.id: (row, found) for row in task.rows() if (found := book.find(task.prompt(row)))}
    return Gold(
        source=gold.source,
        right={row_id: gold.right[found] for row_id, (_, found) in joined.items()},
        texts={row_id: task.texts(row) for row_id, (row, _) in joined.items()},
    )
