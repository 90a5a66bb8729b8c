"""A value that is never shown by accident."""

from __future__ import annotations

from typing import NoReturn, Self


class Secret:
    """A key or token. Only `reveal` gives the text; printing, formatting, logging and JSON never do.

    It cannot be pickled, so it never reaches a worker process or a cache by way of a settings record.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self.__text

    def __repr__(self) -> str:
        return "Secret(set)"

    def __str__(self) -> str:
        return "(set, not shown)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__text == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled: pass it on by hand to the one place that needs it")
