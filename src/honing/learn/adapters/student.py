"""A student with many adapters: each turn is decided by the adapter it names, many of them in one batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from honing.errors import UsageError
from honing.learn.adapters.stack import Stack
from honing.learn.policy import Turn
from honing.learn.student import Student


class StackedStudent:
    """A `Policy` on a base and its adapters: `Turn.adapter` says which decides, None is the base.

    Its numbers are those of each adapter loaded alone, within 1e-5. The base student can be used beside it.

    Args:
        student: The base.
        stack: Its adapters.
    """

    def __init__(self, student: Student, stack: Stack) -> None:
        self.stack = stack
        self._base = student
        self._inner = Student(
            student.model,
            student.tokenizer,
            prompt=student.prompt,
            name=f"{student.name} with {len(stack)} adapters",
            identity=hashlib.sha256(f"{student.identity()} {stack.identity()}".encode()).hexdigest(),
            options=replace(student.options, method=student.scoring.method),
            route=stack.route,
        )

    @property
    def name(self) -> str:
        """See `Policy`."""
        return self._inner.name

    def identity(self) -> str:
        """See `Policy`."""
        return self._inner.identity()

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`.

        Raises:
            UsageError: A turn names an adapter that is not there.
        """
        self._check(turns)
        with self.stack.attached(self._inner.model):
            return self._inner.logprobs(turns)

    def per_token(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Student.per_token`."""
        self._check(turns)
        with self.stack.attached(self._inner.model):
            return self._inner.per_token(turns)

    def forget(self) -> None:
        """See `Student.forget`."""
        self._inner.forget()

    def _check(self, turns: Sequence[Turn]) -> None:
        for turn in turns:
            if turn.adapter is not None and not 0 <= turn.adapter < len(self.stack):
                raise UsageError(
                    f"{self.name}: there is no adapter {turn.adapter}; they are numbered from 0 to "
                    f"{len(self.stack) - 1}."
                )
